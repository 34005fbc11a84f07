namespace DeformDetr.Formats.Tests;

// For tests over 2^31 bytes: they need a file system with sparse files, and room for one such array.
internal sealed class EnoughMemoryFactAttribute : FactAttribute
{
    public EnoughMemoryFactAttribute()
    {
        if (OperatingSystem.IsWindows() || GC.GetGCMemoryInfo().TotalAvailableMemoryBytes < 6L << 30)
        {
            Skip = "needs sparse files and 6 GB of memory";
        }
    }
}
