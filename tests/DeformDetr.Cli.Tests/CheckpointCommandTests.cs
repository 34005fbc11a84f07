using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Cli.Tests;

/// <summary>Checkpoints as a user has them: detect, trace, inspect and convert.</summary>
public sealed class CheckpointCommandTests : IDisposable
{
    private static readonly string Golden = Path.Combine(Workshop.Repository, "golden", "checkpoints");
    private static readonly string Inputs = Path.Combine(Golden, "inputs.safetensors");

    private readonly Workshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Theory]
    [InlineData("whole.pth")]
    [InlineData("whole-legacy.pth")]
    [InlineData("huggingface")]
    [InlineData("huggingface-sharded/pytorch_model.bin.index.json")]
    public void A_checkpoint_that_says_what_it_is_needs_nothing_else(string name)
    {
        CliRun run = CliRun.Of("trace", "--input", Inputs, "--weights", Path.Combine(Golden, name), "--taps", "pred_boxes", "--out", _shop.At("t.safetensors")).RequireDone();
        CliRun configured = CliRun.Of(
            "trace", "--input", Inputs, "--weights", Path.Combine(Golden, "strided.pth"), "--config", Path.Combine(Golden, "config.json"), "--taps", "pred_boxes",
            "--out", _shop.At("t.safetensors")).RequireDone();
        Assert.Equal(configured.Lines[^1], run.Lines[^1]);
    }

    [Fact]
    public void Detect_takes_the_labels_of_Hugging_Face()
    {
        CliRun run = CliRun.Of("detect", _shop.Picture("p.png", 24, 32), "--weights", Path.Combine(Golden, "huggingface"), "--threshold", "0").RequireDone();
        Assert.Contains(run.Lines, line => line.StartsWith("  class ", StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_overridden_is_said()
    {
        string config = _shop.Text("c.json", File.ReadAllText(Path.Combine(Golden, "config.json")).Replace("\"num_queries\": 15", "\"num_queries\": 15, \"dilation\": false, \"activation\": \"gelu\"", StringComparison.Ordinal));
        string weights = Path.Combine(Golden, "whole.pth");
        CliRun run = CliRun.Of("trace", "--input", Inputs, "--weights", weights, "--config", config, "--taps", "pred_boxes", "--out", _shop.At("t.safetensors"));
        Assert.Equal((0, $"deform-detr: note: {weights}: --config overrides args: activation \"relu\" -> \"gelu\".\n"), (run.Exit, run.Error));
    }

    [Fact]
    public void What_is_assumed_is_said_and_what_cannot_be_is_refused()
    {
        // Two heads can't be told from one.
        string weights = Path.Combine(Golden, "detrex.pth");
        CliRun.Of("trace", "--input", Inputs, "--weights", weights, "--out", _shop.At("t.safetensors")).RequireBadInput(
            $"{weights}: transformer.encoder.layers.0.attentions.0.sampling_offsets.bias (the original's transformer.encoder.layers.0.self_attn.sampling_offsets.bias) holds [16], "
            + "which is not for 8 heads; expected --config that says how many heads there are.");
    }

    [Fact]
    public void A_checkpoint_that_disagrees_with_its_own_arguments_is_refused()
    {
        using (PyTorchWriter writer = new(_shop.At("t.pth"), "model", new Dictionary<string, string>(StringComparer.Ordinal) { ["args"] = """{"enc_layers": 1}""" }))
        {
            writer.Write("transformer.level_embed", new Tensor<float>([4, 32]));
            writer.Finish();
        }

        CliRun run = CliRun.Of("trace", "--input", Inputs, "--weights", _shop.At("t.pth"), "--out", _shop.At("t.safetensors"));
        Assert.StartsWith($"deform-detr: {_shop.At("t.pth")}: taken as its args say: 4", run.Error, StringComparison.Ordinal);
        Assert.Contains("1 wrong: transformer.level_embed holds [4, 32], expected [4, 256]", run.Error, StringComparison.Ordinal);
        Assert.Equal(2, run.Exit);
    }

    [Fact]
    public void Inspect_shows_a_whole_training_checkpoint()
    {
        CliRun run = CliRun.Of("inspect", Path.Combine(Golden, "whole.pth")).RequireDone();
        Assert.Contains("metadata epoch: 49", run.Lines);
        Assert.Contains(run.Lines, line => line.StartsWith("metadata args: {\"lr\":", StringComparison.Ordinal));
        Assert.Contains(": 168 tensors, ", run.Lines[^1], StringComparison.Ordinal);
        Assert.Contains(": 176 tensors, ", CliRun.Of("inspect", Path.Combine(Golden, "huggingface-sharded")).RequireDone().Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Convert_writes_and_shows_a_checksum_of_every_tensor()
    {
        CliRun run = CliRun.Of("convert", Path.Combine(Golden, "whole.pth"), _shop.At("t.npz"), "--layout", "mmdetection").RequireDone();
        Assert.Matches("^tensor +dtype +shape +sha256$", run.Lines[0]);
        Assert.Matches(@"^level_embed +F32 +\[4, 32\] +[0-9a-f]{16}$", Assert.Single(run.Lines, line => line.StartsWith("level_embed ", StringComparison.Ordinal)));
        Assert.EndsWith("whole.pth, names of original", run.Lines[^2], StringComparison.Ordinal);
        Assert.Matches(@"^wrote 152 tensors, .*, names of mmdetection, to .*t\.npz$", run.Lines[^1]);
        using JsonDocument json = JsonDocument.Parse(CliRun.Of("convert", _shop.At("t.npz"), _shop.At("t.pth"), "--config", Path.Combine(Golden, "config.json"), "--json").RequireDone().Out);
        Assert.Equal(("mmdetection", "original", 168), (Text("from"), Text("layout"), json.RootElement.GetProperty("tensors").GetArrayLength()));
        Assert.Equal(64, json.RootElement.GetProperty("tensors")[0].GetProperty("sha256").GetString()!.Length);
        Assert.Equal(["t.npz", "t.pth"], _shop.Files);

        string Text(string name) => json.RootElement.GetProperty(name).GetString()!;
    }

    [Fact]
    public void Convert_refuses_what_it_cannot_write()
    {
        string whole = Path.Combine(Golden, "whole.pth");
        CliRun.Of("convert", whole, _shop.At("t.onnx")).RequireBadInput($"{_shop.At("t.onnx")}: extension '.onnx' can't be written; expected .safetensors, .npz, .pth, .pt or .bin.");
        CliRun.Of("convert", whole, whole).RequireBadInput($"convert: {whole} is read and written; expected two files.");
        CliRun.Of("convert", whole, _shop.At("t.pth"), "--layout", "paddle").RequireBadInput("--layout holds 'paddle'; expected original, huggingface, mmdetection or detrex.");
        CliRun.Of("convert", "recipe:1", _shop.At("t.pth"), "--variant", "r50").RequireBadInput("convert: recipe:1 is no file; expected a checkpoint.");
        Assert.Empty(_shop.Files);
    }

    [Fact]
    public void Code_in_a_checkpoint_is_refused_in_one_line()
    {
        byte[] pickle = [0x80, 2, .. "cos\nsystem\nX"u8, 5, 0, 0, 0, .. "touch"u8, 0x85, (byte)'R', (byte)'.'];
        File.WriteAllBytes(_shop.At("t.pth"), pickle);
        CliRun.Of("detect", _shop.Picture("p.png", 24, 32), "--weights", _shop.At("t.pth")).RequireBadInput(
            $"{_shop.At("t.pth")}: byte 2 of the pickle: names 'os.system', which is not run or made here; expected what tensors and plain values consist of.");
    }
}
