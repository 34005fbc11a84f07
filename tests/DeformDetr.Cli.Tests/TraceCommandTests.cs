using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Cli.Tests;

public sealed class TraceCommandTests : IDisposable
{
    private readonly Workshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void The_fingerprint_is_the_same_for_one_and_two_threads_traced_fully_or_at_the_outputs()
    {
        string[] lines =
        [
            Trace("--threads", "1").Lines[^1],
            Trace("--threads", "2").Lines[^1],
            Trace("--threads", "2", "--taps", "pred_*", "--taps", "aux_outputs.*").Lines[^1],
            Trace("--threads", "1", "--taps", "pred_boxes").Lines[^1],
        ];
        Assert.Matches("^fingerprint [0-9a-f]{64}$", lines[0]);
        Assert.Single(lines.Distinct());
    }

    [Fact]
    public void Another_precision_has_another_fingerprint() =>
        Assert.NotEqual(Trace("--taps", "pred_*").Lines[^1], Trace("--taps", "pred_*", "--dtype", "float64").Lines[^1]);

    [Fact]
    public void The_trace_holds_the_named_tensors_of_pictures_from_decoding_to_results()
    {
        Trace("--dtype", "float64");
        using TensorFile trace = TensorFile.Open(_shop.At("t.safetensors"));
        foreach (string name in new[] { "images.0.decoded", "images.1.resized", "samples.tensor", "transformer.memory", "transformer.encoder.layers.0.self_attn.sampling_locations", "pred_boxes", "results.1.boxes" })
        {
            Assert.True(trace.Contains(name), name);
        }

        Assert.Equal(ElementType.Float64, trace.Read("pred_logits").ElementType);
        Assert.Equal("trace/1", trace.Metadata["format"]);
        Assert.Equal("float64", trace.Metadata["dtype"]);
        Assert.Equal("simd", trace.Metadata["kernels"]);
        Assert.Contains("\"num_queries\":20", trace.Metadata["config"], StringComparison.Ordinal);
        Assert.Equal(["config", "dtype", "format", "input_sha256", "kernels", "version", "weights_sha256"], trace.Metadata.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Patterns_choose_what_is_written_and_what_is_printed()
    {
        CliRun run = Trace("--taps", "pred_?oxes", "--taps", "hs.*");
        using TensorFile trace = TensorFile.Open(_shop.At("t.safetensors"));
        Assert.Equal(["hs.0", "hs.1", "pred_boxes"], trace.Entries.Select(entry => entry.Name));
        Assert.Contains("  pred_boxes  F32    [2, 20, 4]", run.Lines);
        Assert.Contains(run.Lines, line => line.StartsWith("wrote 3 tensors, ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_prepared_batch_gives_the_bits_of_the_pictures_and_no_results()
    {
        string pictures = Trace().Lines[^1];
        using (TensorFile first = TensorFile.Open(_shop.At("t.safetensors")))
        using (TensorWriter writer = TensorWriter.Create(_shop.At("batch.npz")))
        {
            writer.Write("samples.tensor", first.Read("samples.tensor"));
            writer.Write("samples.mask", first.Read("samples.mask"));
            writer.Finish();
        }

        CliRun run = CliRun.Of(["trace", "--input", _shop.At("batch.npz"), .. _shop.TinyModel(), "--out", _shop.At("u.safetensors")]).RequireDone();
        Assert.Equal(pictures, run.Lines[^1]);
        using TensorFile trace = TensorFile.Open(_shop.At("u.safetensors"));
        Assert.DoesNotContain(trace.Entries, entry => entry.Name.StartsWith("results.", StringComparison.Ordinal) || entry.Name.StartsWith("images.", StringComparison.Ordinal));
    }

    [Fact]
    public void Json_is_pure_and_has_the_fingerprint()
    {
        string fingerprint = Trace("--taps", "pred_*").Lines[^1];
        using JsonDocument json = JsonDocument.Parse(Trace("--taps", "pred_*", "--json").Out);
        Assert.Equal(fingerprint, $"fingerprint {json.RootElement.GetProperty("fingerprint").GetString()}");
        Assert.Equal(["pred_logits", "pred_boxes"], json.RootElement.GetProperty("tensors").EnumerateArray().Select(entry => entry.GetProperty("name").GetString()!));
    }

    private CliRun Trace(params string[] more)
    {
        string wide = _shop.Picture("wide.png", 40, 70);
        string tall = _shop.Picture("tall.png", 80, 50);
        return CliRun.Of(["trace", "--input", wide, tall, .. _shop.TinyModel(), "--out", _shop.At("t.safetensors"), .. more]).RequireDone();
    }
}
