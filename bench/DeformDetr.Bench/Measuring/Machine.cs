using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DeformDetr.Bench;

/// <summary>What a number was measured on.</summary>
internal static class Machine
{
    public static int VectorBits => Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : 128;

    public static string Processor => Line("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString();

    public static string Describe() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Processor}, {Environment.ProcessorCount} cores, {VectorBits}-bit vectors, {RuntimeInformation.FrameworkDescription}");

    /// <summary>The largest resident memory of this process so far, megabytes (10^6 bytes).</summary>
    public static double PeakMegabytes()
    {
        // "VmHWM:   123456 kB"; systems without /proc say it by another way.
        string? text = Line("/proc/self/status", "VmHWM")?.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        using System.Diagnostics.Process self = System.Diagnostics.Process.GetCurrentProcess();
        return text is null ? self.PeakWorkingSet64 / 1e6 : long.Parse(text, CultureInfo.InvariantCulture) * 1024 / 1e6;
    }

    private static string? Line(string file, string key) =>
        File.Exists(file)
            ? File.ReadLines(file).FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
            : null;
}
