using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Cli.Tests;

public sealed class OpCommandTests : IDisposable
{
    private readonly Workshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void An_operator_runs_on_a_file_and_says_what_it_wrote()
    {
        SafetensorsWriter.Save(
            _shop.At("in.safetensors"),
            [("input", Tensor<float>.FromArray([2, 2], [1, 2, 3, 4])), ("weight", Tensor<float>.FromArray([2], [1, 1])), ("bias", new Tensor<float>([2]))],
            new Dictionary<string, string> { ["config"] = """{"eps": 0.5}""" });
        string[] words = ["op", "layer_norm", "--input", _shop.At("in.safetensors"), "--out", _shop.At("out.safetensors"), "--dtype", "float64"];
        CliRun run = CliRun.Of(words).RequireDone();
        Assert.Equal(["output float64 [2, 2]", $"wrote 1 tensor to {_shop.At("out.safetensors")}"], run.Lines);
        Assert.Equal(0.5 / Math.Sqrt(0.25 + 0.5), Output()[0, 1], 1e-15);

        // What stands on the command line wins.
        CliRun.Of([.. words, "--set", "eps=0"]).RequireDone();
        Assert.Equal(1, Output()[0, 1], 1e-15);

        Tensor<double> Output()
        {
            using TensorFile file = TensorFile.Open(_shop.At("out.safetensors"));
            Assert.Equal("layer_norm", file.Metadata["op"]);
            return file.Read<double>("output");
        }
    }

    [Fact]
    public void A_tensor_of_a_model_comes_from_its_trace_with_the_same_bits()
    {
        const string Name = "transformer.encoder.layers.0.self_attn.sampling_offsets";
        string picture = _shop.Picture("a.png", 64, 80);
        IReadOnlyList<string> model = _shop.TinyModel();
        CliRun.Of(["trace", "--input", picture, .. model, "--taps", "transformer.*", "--out", _shop.At("t.safetensors")]).RequireDone();
        CliRun.Of(["op", Name, "--input", _shop.At("t.safetensors"), .. model, "--out", _shop.At("out.npz")]).RequireDone();

        // A trace says which model it is of.
        CliRun.Of("op", Name, "--input", _shop.At("t.safetensors"), "--weights", "recipe:1", "--out", _shop.At("out.npz")).RequireDone();
        using TensorFile trace = TensorFile.Open(_shop.At("t.safetensors"));
        using TensorFile made = TensorFile.Open(_shop.At("out.npz"));
        Assert.Equal(Name, Assert.Single(made.Entries).Name);
        Assert.Equal(trace.Read<float>(Name).AsReadOnlySpan().ToArray(), made.Read<float>(Name).AsReadOnlySpan().ToArray());
    }

    [Fact]
    public void The_list_names_operators_with_their_shapes()
    {
        CliRun run = CliRun.Of("op", "--list").RequireDone();
        Assert.Contains("ms_deform_attn_core: The core of deformable attention: weighted bilinear samples of the values.", run.Lines);
        Assert.Contains(run.Lines, line => line.StartsWith("  inputs    value [N, S, M, D], spatial_shapes [L, 2] int64,", StringComparison.Ordinal));
        using JsonDocument json = JsonDocument.Parse(CliRun.Of("op", "--list", "--json").RequireDone().Out);
        JsonElement conv = json.RootElement.EnumerateArray().Single(entry => entry.GetProperty("name").GetString() == "conv2d");
        Assert.Equal("[N, I, H, W]", conv.GetProperty("inputs")[0].GetProperty("shape").GetString());
        Assert.Equal(1, conv.GetProperty("settings")[0].GetProperty("default").GetInt32());
    }

    [Theory]
    [InlineData("op", "op: no operator; expected a name of 'deform-detr op --list'.")]
    [InlineData("op relu", "option '--out' is required; 'deform-detr op --help' explains the command.")]
    [InlineData("op reluu --out o.npz", "op: 'reluu' is unknown; expected a name of 'deform-detr op --list', such as relu, or the name of a tensor of the configuration.")]
    [InlineData("op relu --out o.npz", "relu: tensor 'input' is absent; expected an input [..] of relu.")]
    [InlineData("op relu --input nowhere.npz --out o.npz", "nowhere.npz: no such file.")]
    [InlineData("op linspace --set start=0 --set end=1 --out o.npz", "linspace: config.steps is absent; expected a setting of linspace.")]
    [InlineData("op linspace --set start --out o.npz", "--set holds 'start'; expected key=value.")]
    [InlineData("op relu --variant r50 --out o.npz", "relu: --config or --variant is given; expected --set for an operator, a configuration only for a tensor's name.")]
    [InlineData("op linear --weights recipe:1 --out o.npz", "--weights holds recipe:1 for linear; expected a file (a recipe has no shapes of its own).")]
    public void Bad_usage_is_one_line(string words, string line) => CliRun.Of(words.Split(' ')).RequireBadInput(line);

    [Fact]
    public void Nothing_is_written_where_something_is_wrong()
    {
        SafetensorsWriter.Save(_shop.At("in.safetensors"), [("input", new Tensor<float>([2, 2])), ("mask", new Tensor<float>([2]))]);
        CliRun.Of("op", "masked_fill", "--input", _shop.At("in.safetensors"), "--out", _shop.At("out.npz"))
            .RequireBadInput($"{_shop.At("in.safetensors")}: tensor 'mask' holds float32; expected bool for masked_fill.");
        Assert.DoesNotContain("out.npz", _shop.Files);
    }
}
