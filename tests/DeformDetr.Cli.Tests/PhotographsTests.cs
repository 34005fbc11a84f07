using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Cli.Tests;

/// <summary>A folder of JPEG and PNG files: the boxes of the original on the same files, by the pass rule.</summary>
public sealed class PhotographsTests
{
    private static readonly string Folder = Path.Combine(Workshop.Repository, "golden", "photographs");
    private static readonly Lazy<CliRun> Run = new(() => CliRun.Of(["detect", Folder, .. Workshop.DemoModel, "--threshold", "0", "--json"]));

    public static TheoryData<int, string> Pictures
    {
        get
        {
            TheoryData<int, string> data = [];
            foreach ((int index, string path) in Directory.GetFiles(Folder, "0*").Order(StringComparer.Ordinal).Index())
            {
                data.Add(index, Path.GetFileName(path));
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Pictures))]
    public void Detections_are_those_of_the_original(int index, string file)
    {
        Assert.Equal(0, Run.Value.Exit);
        using JsonDocument json = JsonDocument.Parse(Run.Value.Out);
        JsonElement picture = json.RootElement[index];
        Assert.Equal(Path.Combine(Folder, file), picture.GetProperty("file").GetString());
        using TensorFile expected = TensorFile.Open(Path.Combine(Folder, "expected.safetensors"));
        using TensorFile expected64 = TensorFile.Open(Path.Combine(Folder, "expected64.safetensors"));
        int count = expected.Read<float>($"results.{index}.scores").Shape[0];
        JsonElement[] detections = [.. picture.GetProperty("detections").EnumerateArray().Take(count)];

        Judge("scores", Numbers([count], detections.Select(one => one.GetProperty("score").GetSingle())));
        Judge("labels", Numbers([count], detections.Select(one => one.GetProperty("label").GetInt64())));
        Judge("boxes", Numbers([count, 4], detections.SelectMany(one => one.GetProperty("box").EnumerateArray().Select(side => side.GetSingle()))));

        void Judge(string part, Tensor actual)
        {
            string name = $"results.{index}.{part}";
            TensorVerdict verdict = PassRule.Judge(name, actual, expected.Read(name), expected64.Read(name));
            Assert.True(verdict.Verdict == Verdict.Pass, $"{file}: {name}: {verdict.Word}, {verdict.Error} of {verdict.Allowance}");
        }
    }

    [Fact]
    public void The_turned_one_is_told() =>
        Assert.Equal(
            $"deform-detr: {Path.Combine(Folder, "000000000002.jpg")}: its Exif orientation, 6, is ignored, as the original ignores it.\n", Run.Value.Error);

    private static Tensor<T> Numbers<T>(TensorShape shape, IEnumerable<T> values)
        where T : unmanaged
    {
        Tensor<T> tensor = new(shape);
        values.ToArray().CopyTo(tensor.AsSpan());
        return tensor;
    }
}
