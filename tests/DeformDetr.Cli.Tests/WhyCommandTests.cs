using System.Text.Json;

namespace DeformDetr.Cli.Tests;

public sealed class WhyCommandTests : IDisposable
{
    private readonly Workshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void The_last_line_says_that_the_terms_add_up()
    {
        CliRun run = Why("transformer.encoder.layers.0.self_attn.sampled[0,17,3]", "--terms", "2").RequireDone();
        Assert.StartsWith("transformer.encoder.layers.0.self_attn.sampled[0, 17, 3] = ", run.Lines[0], StringComparison.Ordinal);
        Assert.Contains("(batch 0, token 17, head·channel 3)", run.Lines[0], StringComparison.Ordinal);
        Assert.Contains(run.Lines, line => line.StartsWith("  … and ", StringComparison.Ordinal) && line.Contains(" more, together ", StringComparison.Ordinal));
        Assert.Matches("^[0-9]+ terms add up to .*(which is the number|the number to .*)$", run.Lines[^1]);
    }

    [Fact]
    public void Json_has_all_terms_and_their_sum()
    {
        using JsonDocument json = JsonDocument.Parse(Why("transformer.decoder.layers.0.linear1[0,3,5]", "--json").RequireDone().Out);
        JsonElement root = json.RootElement;
        JsonElement[] terms = [.. root.GetProperty("terms").EnumerateArray()];
        Assert.Equal(33, terms.Length);
        Assert.Equal(root.GetProperty("value").GetDouble(), terms.Sum(term => term.GetProperty("value").GetDouble()), 1e-12);
        Assert.True(root.GetProperty("adds_up").GetBoolean());
        Assert.Equal(terms.Select(term => Math.Abs(term.GetProperty("value").GetDouble())), terms.Select(term => Math.Abs(term.GetProperty("value").GetDouble())).OrderDescending());
    }

    [Fact]
    public void A_ports_number_stands_beside_with_what_its_own_inputs_make()
    {
        const string Name = "transformer.decoder.layers.0.linear1";
        CliRun.Of(["trace", "--input", _shop.Picture("a.png", 64, 80), .. _shop.TinyModel(), "--taps", "transformer.*", "--out", _shop.At("t.safetensors")]).RequireDone();
        Workshop.Change<float>(_shop.At("t.safetensors"), Name, tensor => tensor[0, 3, 5] = 77);
        CliRun run = Why($"{Name}[0,3,5]", "--port", _shop.At("t.safetensors")).RequireDone();
        Assert.Matches("^port: it has 77; its own inputs make .*", run.Lines[^2]);
        using JsonDocument json = JsonDocument.Parse(Why($"{Name}[0,3,5]", "--port", _shop.At("t.safetensors"), "--json").RequireDone().Out);
        Assert.Equal(json.RootElement.GetProperty("value").GetDouble(), json.RootElement.GetProperty("port").GetProperty("from_its_inputs").GetDouble(), 1e-4);
    }

    [Theory]
    [InlineData("pred_boxes", "why: 'pred_boxes' is no element; expected a tensor's name and an index, such as pred_boxes[0,12,3].")]
    [InlineData("pred_box[0,1,2]", "why: no tensor is called 'pred_box' in this model; expected a name of docs/shapes.md.")]
    [InlineData("pred_boxes[0,1]", "why: pred_boxes has the axes [batch, query, cxcywh], [0, 1] holds 2; expected one index per axis.")]
    [InlineData("pred_boxes[0,20,2]", "why: pred_boxes[0, 20, 2] holds 20 on the axis query; expected less than 20 (its shape is [1, 20, 4]).")]
    public void Bad_elements_are_one_line(string element, string line) => Why(element).RequireBadInput(line);

    private CliRun Why(string element, params string[] more) =>
        CliRun.Of(["why", element, "--input", _shop.Picture("a.png", 64, 80), .. _shop.TinyModel(), .. more]);
}
