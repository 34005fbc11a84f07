using System.Globalization;
using System.Runtime.InteropServices;

namespace DeformDetr.Tensors.Tests.Core;

public class LargePagesTests
{
    private const string Setting = "/sys/kernel/mm/transparent_hugepage/enabled";
    private const long PageBytes = 1L << 21;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Linux_hears_that_a_large_array_wants_large_pages(bool pinned)
    {
        float[] array = LargePages.Allocate<float>(1 << 22, pinned);
        Assert.Equal(1 << 22, array.Length);
        if (!File.Exists(Setting))
        {
            return;
        }

        GCHandle handle = GCHandle.Alloc(array, GCHandleType.Pinned);
        try
        {
            // Every large page that lies in the array whole.
            long first = (handle.AddrOfPinnedObject() + PageBytes - 1) / PageBytes * PageBytes;
            long end = handle.AddrOfPinnedObject() + (array.Length * sizeof(float));
            Assert.True(first + PageBytes <= end);
            for (long page = first; page + PageBytes <= end; page += PageBytes)
            {
                Assert.Contains("hg", Flags(page));
                Assert.Contains("hg", Flags(page + PageBytes - 1));
            }
        }
        finally
        {
            handle.Free();
        }
    }

    [Fact]
    public void Arrays_of_any_length_are_as_long_as_asked()
    {
        for (int length = (1 << 21) - 3; length < (1 << 21) + 3; length++)
        {
            byte[] bytes = LargePages.Allocate<byte>(length);
            bytes.AsSpan().Fill(7);
            Assert.Equal(length, bytes.Length);
        }

        Assert.Empty(LargePages.Allocate<double>(0));
    }

    // VmFlags of the mapping that holds an address (proc_pid_smaps).
    private static string[] Flags(long address)
    {
        bool here = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            int dash = line.IndexOf('-', StringComparison.Ordinal);
            int space = line.IndexOf(' ', StringComparison.Ordinal);
            if (dash > 0 && dash < space
                && long.TryParse(line.AsSpan(0, dash), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out long first)
                && long.TryParse(line.AsSpan(dash + 1, space - dash - 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out long last))
            {
                here = first <= address && address < last;
            }
            else if (here && line.StartsWith("VmFlags:", StringComparison.Ordinal))
            {
                return line["VmFlags:".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            }
        }

        return [];
    }
}
