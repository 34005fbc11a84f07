using System.Text.Json;
using System.Xml.Linq;

namespace DeformDetr.Cli.Tests;

public sealed class DemoCommandTests : IDisposable
{
    private readonly Workshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void The_demo_passes_and_shows_detections_beside_the_ground_truth()
    {
        CliRun run = CliRun.Of("demo", "--out", _shop.At("out")).RequireDone();
        Assert.Contains(run.Lines, line => line.EndsWith("shapes-3.png (427 x 320)", StringComparison.Ordinal));
        Assert.Contains(run.Lines, line => line.StartsWith("  cross     0.906  272.6  189.7  308.4  226.7    cross  ", StringComparison.Ordinal));
        Assert.Contains(run.Lines, line => line.StartsWith("  missed  ", StringComparison.Ordinal));
        Assert.Contains(run.Lines, line => line.StartsWith("detections  of score >= 0.5: 20 of 23 objects found, mean IoU 0.8", StringComparison.Ordinal));
        Assert.Contains("pictures    4 of 4 resized as Pillow does, bit for bit", run.Lines);
        Assert.Contains(run.Lines, line => System.Text.RegularExpressions.Regex.IsMatch(line, "^verdict     PASS  (\\d+) of \\1 tensors pass against the original's; fingerprint [0-9a-f]{64}$"));
        foreach (int number in new[] { 1, 2, 3, 4 })
        {
            XDocument svg = XDocument.Load(_shop.At($"out/shapes-{number}.svg"));
            Assert.Contains(svg.Descendants(), element => element.Attribute("class")?.Value == "truth");
            Assert.Contains(svg.Descendants(), element => element.Attribute("class")?.Value == "detection");
        }
    }

    [Fact]
    public void Json_is_pure_and_holds_the_verdict_of_every_tensor()
    {
        using JsonDocument json = JsonDocument.Parse(CliRun.Of("demo", "--json", "--threads", "1", "--out", _shop.At("out")).RequireDone().Out);
        Assert.Equal("pass", json.RootElement.GetProperty("verdict").GetString());
        Assert.Equal(4, json.RootElement.GetProperty("pictures").GetArrayLength());
        Assert.Equal(json.RootElement.GetProperty("tensors").GetInt32(), json.RootElement.GetProperty("verdicts").GetArrayLength());
        Assert.Matches("^[0-9a-f]{64}$", json.RootElement.GetProperty("fingerprint").GetString());
    }

    [Fact]
    public void One_picture_alone_runs_through_the_textbook_bodies_and_says_that_nothing_is_judged()
    {
        CliRun run = CliRun.Of("demo", "--picture", "4", "--kernels", "textbook", "--out", _shop.At("out")).RequireDone();
        Assert.Contains("run         float32, textbook kernels on 1 thread, ", run.Out, StringComparison.Ordinal);
        Assert.StartsWith("verdict     one picture alone: the golden tensors are of the whole batch, and were not checked; fingerprint ", run.Lines[^1], StringComparison.Ordinal);
        Assert.Equal(["out", "out/detections.json", "out/shapes-4.svg"], _shop.Files);
    }
}
