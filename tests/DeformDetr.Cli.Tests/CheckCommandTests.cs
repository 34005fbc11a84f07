using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Cli.Tests;

public sealed class CheckCommandTests : IDisposable
{
    private const string Broken = "transformer.decoder.layers.1.linear1";

    private static readonly string Ports = Path.Combine(Workshop.Repository, "golden", "ports", "r50");

    private readonly Workshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void A_right_port_exits_with_0_and_the_last_line_counts_its_tensors()
    {
        CliRun run = Check(Path.Combine(Ports, "port.safetensors")).RequireDone();
        Assert.Equal("compared 240 of 240", run.Lines[^1]);
        Assert.StartsWith("no step is wrong; ", run.Lines[^2], StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_step_exits_with_1_and_is_named_and_explained_on_the_page_too()
    {
        string dump = Changed(tensor => tensor.AsSpan()[300] += 1);
        CliRun run = Check(dump, "--html", _shop.At("report.html"));
        Assert.Equal("", run.Error);
        Assert.Equal(1, run.Exit);
        Assert.Contains($"first wrong step: {Broken}", run.Lines);
        Assert.Contains("error; first: " + Broken, run.Lines[^2], StringComparison.Ordinal);
        Assert.Equal("compared 240 of 240", run.Lines[^1]);
        string page = File.ReadAllText(_shop.At("report.html"));
        Assert.StartsWith("<!doctype html", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(Broken, page, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_has_the_same_facts_and_an_absent_tensor_never_passes()
    {
        CliRun run = Check(Without(Broken), "--json");
        Assert.Equal("", run.Error);
        Assert.Equal(1, run.Exit);
        using JsonDocument json = JsonDocument.Parse(run.Out);
        JsonElement root = json.RootElement;
        Assert.False(root.GetProperty("passed").GetBoolean());
        Assert.Equal(239, root.GetProperty("coverage").GetProperty("compared").GetInt32());
        JsonElement[] tensors = [.. root.GetProperty("tensors").EnumerateArray()];
        Assert.Equal(240, tensors.Length);
        Assert.Equal("absent", tensors.Single(tensor => tensor.GetProperty("name").GetString() == Broken).GetProperty("status").GetString());
    }

    [Fact]
    public void Bad_input_is_one_line()
    {
        string port = Path.Combine(Ports, "port.safetensors");
        Check(_shop.At("nowhere.safetensors")).RequireBadInput($"{_shop.At("nowhere.safetensors")}: no such file.");
        Check(port, "--map", "nowhere.map")
            .RequireBadInput("nowhere.map: no such file; expected a map's path or one of huggingface, mmdetection, detrex, original.");
        Check(_shop.Text("dump.safetensors", "this is no dump")).RequireRefused(_shop.At("dump.safetensors"));
        Check(port, "--map", _shop.Text("bad.map", "deform-detr-map/1\nno arrow here\n")).RequireRefused(_shop.At("bad.map"));
        Check(port, "--port-dtype", "float8").RequireRefused("--port-dtype");
        SafetensorsWriter.Save(_shop.At("empty.safetensors"), []);
        Check(_shop.At("empty.safetensors")).RequireBadInput($"{_shop.At("empty.safetensors")}: holds no tensor; expected a port's dump.");
    }

    [Fact]
    public void A_dump_is_required() => CliRun.Of("check", "--weights", "recipe:1", "--input", "x.npz")
        .RequireBadInput("option '--port' is required; 'deform-detr check --help' explains the command.");

    private static CliRun Check(string dump, params string[] more) => CliRun.Of(
    [
        "check", "--port", dump, "--weights", "recipe:402", "--config", Path.Combine(Ports, "config.json"), "--input",
        Path.Combine(Ports, "inputs.safetensors"), .. more,
    ]);

    private string Changed(Action<Tensor<float>> change)
    {
        string copy = _shop.At("port.safetensors");
        File.Copy(Path.Combine(Ports, "port.safetensors"), copy);
        Workshop.Change(copy, Broken, change);
        return copy;
    }

    private string Without(string name)
    {
        using TensorFile file = TensorFile.Open(Path.Combine(Ports, "port.safetensors"));
        SafetensorsWriter.Save(
            _shop.At("less.safetensors"),
            file.Entries.Where(entry => entry.Name != name).Select(entry => (entry.Name, file.Read(entry.Name))));
        return _shop.At("less.safetensors");
    }
}
