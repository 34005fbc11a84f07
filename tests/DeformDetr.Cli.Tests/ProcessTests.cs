using System.Text.Json;

namespace DeformDetr.Cli.Tests;

/// <summary>The same, through a process of its own: what a shell sees.</summary>
public sealed class ProcessTests : IDisposable
{
    private readonly Workshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void Bad_usage_ends_with_2_and_one_line() => CliRun.OfProcess(_shop.Folder, "demo", "--dtype", "half").RequireBadInput("--dtype holds 'half'; expected float32 or float64.");

    [Fact]
    public void The_demo_finds_the_repository_from_its_own_place_and_writes_where_the_user_stands()
    {
        CliRun run = CliRun.OfProcess(_shop.Folder, "demo", "--json").RequireDone();
        using JsonDocument json = JsonDocument.Parse(run.Out);
        Assert.Equal("pass", json.RootElement.GetProperty("verdict").GetString());
        Assert.Contains("demo-out/shapes-1.svg", _shop.Files);
    }

    [Fact]
    public void A_failing_case_ends_with_1()
    {
        string folder = _shop.CopyOfCase("core-outside");
        Workshop.Change<double>(Path.Combine(folder, "expected64.safetensors"), "output", tensor => tensor.AsSpan()[0] += 1);
        CliRun run = CliRun.OfProcess(_shop.Folder, "verify", "core-outside", "--dtype", "float64");
        Assert.Equal(1, run.Exit);
        Assert.Equal("", run.Error);
        Assert.Contains("first failing tensor: output error 1.00e+00", run.Out, StringComparison.Ordinal);
    }
}
