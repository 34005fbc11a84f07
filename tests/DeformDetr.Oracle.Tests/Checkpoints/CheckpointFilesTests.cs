using DeformDetr.Formats;

namespace DeformDetr.Oracle.Tests.Checkpoints;

/// <summary>golden/checkpoints: one model as PyTorch and the code bases around the original save it, and what the original makes of it.</summary>
public sealed class CheckpointFilesTests : IDisposable
{
    // What is opened, and whether it says of itself how the model is made.
    private static readonly (string Name, string Layout, bool Configured)[] Files =
    [
        ("whole.pth", "original", true), ("whole-legacy.pth", "original", true), ("strided.pth", "original", false), ("strided-legacy.pth", "original", false),
        ("huggingface", "huggingface", true), ("huggingface-sharded", "huggingface", true), ("mmdetection2.pth", "mmdetection", false),
        ("mmdetection3.pth", "mmdetection", false), ("detrex.pth", "detrex", false),
    ];

    private readonly SmallCheckpoints _shop = new();

    public static IEnumerable<object[]> Cases => Files.Select(file => (object[])[file.Name, file.Layout, file.Configured]);

    public void Dispose() => _shop.Dispose();

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_file_gives_the_same_run(string name, string layout, bool configured)
    {
        string path = At(name);
        using Checkpoint checkpoint = Checkpoint.Open(path);
        Assert.Equal(layout, checkpoint.Layout.Word);
        if (configured)
        {
            Assert.Empty(ConfigWriter.Differences(checkpoint.Configuration()!.Run.Config, SmallCheckpoints.GoldenRun.Config));
        }

        Assert.Equal(_shop.Fingerprint(At("whole.pth"), SmallCheckpoints.GoldenRun.Config), _shop.Fingerprint(path, SmallCheckpoints.GoldenRun.Config));
    }

    [Fact]
    public void The_run_is_the_originals()
    {
        _shop.Fingerprint(At("whole.pth"), SmallCheckpoints.GoldenRun.Config);
        using TensorFile expected = TensorFile.Open(At("expected.safetensors"));
        using TensorFile trace = TensorFile.Open(_shop["trace.safetensors"]);
        foreach (TensorEntry entry in expected.Entries)
        {
            float[] theirs = expected.Read<float>(entry.Name).AsReadOnlySpan().ToArray();
            float[] ours = trace.Read<float>(entry.Name).AsReadOnlySpan().ToArray();
            double allowance = 256.0 / (1 << 24) * theirs.Max(Math.Abs);
            double error = ours.Zip(theirs, (our, their) => Math.Abs((double)our - their)).Max();
            Assert.True(error <= allowance, $"{entry.Name}: {error:R}");
        }
    }

    [Fact]
    public void Half_precision_gives_the_run_of_the_rounded_weights()
    {
        using TensorFile half = TensorFile.Open(At("half.pth"));
        string rounded = _shop.Write("rounded.safetensors", half.Entries.Select(entry => KeyValuePair.Create(entry.Name, half.Read(entry.Name))));
        string fingerprint = _shop.Fingerprint(At("half.pth"), SmallCheckpoints.GoldenRun.Config);
        Assert.Equal(_shop.Fingerprint(rounded, SmallCheckpoints.GoldenRun.Config), fingerprint);
        Assert.NotEqual(_shop.Fingerprint(At("whole.pth"), SmallCheckpoints.GoldenRun.Config), fingerprint);
    }

    [Fact]
    public void Labels_of_Hugging_Face_are_classes()
    {
        using Checkpoint checkpoint = Checkpoint.Open(At("huggingface"));
        Assert.Equal(Enumerable.Range(0, 7).Select(label => $"class {label}"), checkpoint.Configuration()!.Run.Classes!);
    }

    [Fact]
    public void Every_file_of_the_folder_is_read_here()
    {
        string[] others = ["config.json", "inputs.safetensors", "expected.safetensors", "half.pth", "half-rounded.json", "dump_checkpoints.py"];
        IEnumerable<string> names = Directory.GetFileSystemEntries(SmallCheckpoints.Golden).Select(path => Path.GetFileName(path)).Where(name => name != "__pycache__");
        Assert.Equal(Files.Select(file => file.Name).Concat(others).Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
    }

    private static string At(string name) => Path.Combine(SmallCheckpoints.Golden, name);
}
