using System.Diagnostics;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests;

public class SameBitsEverywhereTests
{
    // Changes only where a result's bits are meant to change; the same in Debug and Release and on every machine.
    private const string Pinned = "a87cc6fd56a55d78";

    [Fact]
    public void Every_operator_gives_the_bits_that_it_gave_before() => Assert.Equal(Pinned, Digests.OfAll());

    // Each run is a process of its own: the switches are read once, when the runtime starts.
    [Theory]
    [InlineData("DOTNET_EnableAVX512", "256")]
    [InlineData("DOTNET_EnableAVX2", "128")]
    [InlineData("DOTNET_EnableHWIntrinsic", "none")]
    public void Every_operator_gives_the_same_bits_with_narrower_vectors(string variable, string widest)
    {
        List<string> lines = Run((variable, "0"));
        string[] order = ["none", "128", "256", "512"];
        Assert.True(
            Array.IndexOf(order, lines[0]) <= Array.IndexOf(order, widest), $"{variable}=0 took no effect: vectors of {lines[0]} bits; expected at most {widest}.");
        Assert.Equal(Digests.Lines(), lines[1..]);
    }

    [Fact]
    public void Every_operator_gives_the_same_bits_with_other_compilation()
    {
        Assert.Equal(Digests.Lines(), Run(("DOTNET_TieredCompilation", "0"))[1..]);
        Assert.Equal(Digests.Lines(), Run(("DOTNET_TieredPGO", "1"), ("DOTNET_TC_QuickJitForLoops", "1"))[1..]);
    }

    [Fact]
    public void Digests_are_distinct_and_repeat()
    {
        string[] lines = [.. Digests.Lines()];
        Assert.Equal(lines, Digests.Lines());
        Assert.True(lines.Length > 100);
        Assert.Equal(lines.Length, lines.Select(line => line[..^16]).Distinct().Count());

        // Float and double differ everywhere; so a digest sees the bits.
        Assert.True(lines.Select(line => line[^16..]).Distinct().Count() > lines.Length / 2);
    }

    private static List<string> Run(params (string Variable, string Value)[] switches)
    {
        string host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        ProcessStartInfo start = new(host, ["exec", typeof(SameBitsEverywhereTests).Assembly.Location, "digests"]) { RedirectStandardOutput = true, UseShellExecute = false };
        foreach ((string variable, string value) in switches)
        {
            start.Environment[variable] = value;
        }

        using Process process = Process.Start(start)!;
        List<string> lines = [];
        while (process.StandardOutput.ReadLine() is { } line)
        {
            lines.Add(line);
        }

        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return lines;
    }
}
