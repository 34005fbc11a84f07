using System.Globalization;

namespace DeformDetr.Fuzz;

// Processor time of this thread, where the system tells (Linux); else of the process.
internal static class ThreadTime
{
    private const string Linux = "/proc/thread-self/schedstat";

    public static TimeSpan Used => File.Exists(Linux) ? Parse(File.ReadAllText(Linux)) : Environment.CpuUsage.TotalTime;

    // Of a thread of this process, by the number that Self gives.
    public static TimeSpan Of(string thread) => Parse(File.ReadAllText($"/proc/self/task/{thread}/schedstat"));

    // Null where the system doesn't tell.
    public static string? Self() => new FileInfo("/proc/thread-self").LinkTarget is { } link ? Path.GetFileName(link) : null;

    private static TimeSpan Parse(string text) =>
        TimeSpan.FromMicroseconds(long.Parse(text.AsSpan(0, text.IndexOf(' ', StringComparison.Ordinal)), CultureInfo.InvariantCulture) / 1000.0);
}
