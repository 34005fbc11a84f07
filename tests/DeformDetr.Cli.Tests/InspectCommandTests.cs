using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Cli.Tests;

public sealed class InspectCommandTests : IDisposable
{
    private readonly Workshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Theory]
    [InlineData("t.safetensors")]
    [InlineData("t.npz")]
    public void Every_tensor_gets_a_row_of_name_type_shape_and_statistics(string name)
    {
        Write(name);
        CliRun run = CliRun.Of("inspect", _shop.At(name)).RequireDone();
        Assert.Matches(@"^tensor +dtype +shape +min +max +mean +non-finite +sha256$", run.Lines[0]);
        Assert.Matches(@"^some\.floats +F32 +\[2, 2\] +-1 +2\.5 +0\.75 +2  [0-9a-f]{16}$", run.Lines[1]);
        Assert.Matches(@"^some\.longs +I64 +\[3\] +-4 +9 +2 +0  [0-9a-f]{16}$", run.Lines[2]);
        Assert.Matches(@"^some\.truths +BOOL +\[4\] +0 +1 +0\.25 +0  [0-9a-f]{16}$", run.Lines[3]);
        Assert.Matches(@"^nothing +F64 +\[0, 7\] +- +- +- +0  e3b0c44298fc1c14$", run.Lines[4]);
        Assert.Contains(": 4 tensors, 11 elements, ", run.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_single_array_and_the_metadata_are_shown()
    {
        using (TensorWriter writer = TensorWriter.Create(_shop.At("a.npz")))
        {
            writer.Write("row", Tensor<float>.Create([2], [1, 3]));
            writer.Finish();
        }

        SafetensorsWriter.Save(_shop.At("m.safetensors"), [("row", Tensor<float>.Create([2], [1, 3]))], new Dictionary<string, string>(StringComparer.Ordinal) { ["format"] = "p\u001bt" });
        Assert.Contains("metadata format: p\\u001bt", CliRun.Of("inspect", _shop.At("m.safetensors")).RequireDone().Lines);
    }

    [Fact]
    public void Json_has_the_same_facts_and_nothing_else()
    {
        Write("t.safetensors");
        using JsonDocument json = JsonDocument.Parse(CliRun.Of("inspect", _shop.At("t.safetensors"), "--json").RequireDone().Out);
        JsonElement[] rows = [.. json.RootElement.GetProperty("tensors").EnumerateArray()];
        Assert.Equal("""{"name":"some.floats","dtype":"F32","shape":[2,2],"min":-1,"max":2.5,"mean":0.75,"non_finite":2,"sha256":"7a5f96ce88""", Compact(rows[0])[..^56]);
        Assert.Equal("""{"name":"nothing","dtype":"F64","shape":[0,7],"min":null,"max":null,"mean":null,"non_finite":0,"sha256":"e3b0c44298""", Compact(rows[3])[..^56]);
    }

    [Fact]
    public void Another_extension_is_refused() =>
        CliRun.Of("inspect", Workshop.Shapes(1)).RequireBadInput($"{Workshop.Shapes(1)}: extension '.png' is not a tensor file's; expected .safetensors, .npz, .npy, .pth, .pt, .bin or .ckpt.");

    private static string Compact(JsonElement element) => JsonSerializer.Serialize(element);

    private void Write(string name)
    {
        using TensorWriter writer = TensorWriter.Create(_shop.At(name));
        writer.Write("some.floats", Tensor<float>.Create([2, 2], [-1, 2.5f, float.NaN, float.NegativeInfinity]));
        writer.Write("some.longs", Tensor<long>.Create([3], [-4, 9, 1]));
        writer.Write("some.truths", Tensor<bool>.Create([4], [false, true, false, false]));
        writer.Write("nothing", new Tensor<double>([0, 7]));
        writer.Finish();
    }
}
