using System.Diagnostics;
using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Fingerprints;

/// <summary>Starts a leg of the bit matrix: this assembly as a program, since the runtime reads its switches once, when it starts.</summary>
internal static class BitLegProcess
{
    private static readonly string Committed = Path.Combine(RepositoryFiles.Golden, "fingerprints.json");

    public static void RequireSame(string set, string leg, params string[] switches)
    {
        (int exit, IReadOnlyList<string> lines) = Run(Committed, set, leg, switches);
        Assert.True(exit == BitLeg.Same, string.Join('\n', lines));
        FingerprintFile file = FingerprintFile.Load(Committed);

        // Small cases run in at least five ways: three numbers of threads and textbook, some of them untraced.
        int tensors = BitLeg.Cases(BitLeg.Small).Sum(golden => file.Of(golden.Name, ElementType.Float32, Kernels.Simd).Count);
        Assert.InRange(long.Parse(lines[^1].Split(' ')[1], CultureInfo.InvariantCulture), 5 * tensors, long.MaxValue);
    }

    public static (int Exit, IReadOnlyList<string> Lines) Run(string file, string set, string leg, params string[] switches)
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        ProcessStartInfo start = new(host, ["exec", typeof(BitLegProcess).Assembly.Location, "bits", file, set, leg])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        foreach (string[] parts in switches.Select(text => text.Split('=')))
        {
            start.Environment[parts[0]] = parts[1];
        }

        using Process process = Process.Start(start)!;
        string[] lines = process.StandardOutput.ReadToEnd().TrimEnd().Split('\n');
        process.WaitForExit();
        return (process.ExitCode, lines);
    }
}
