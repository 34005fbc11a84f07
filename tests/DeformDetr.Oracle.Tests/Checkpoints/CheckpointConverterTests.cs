using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checkpoints;

public sealed class CheckpointConverterTests : IDisposable
{
    private readonly SmallCheckpoints _shop = new();

    public void Dispose() => _shop.Dispose();

    public static IEnumerable<object[]> Ways =>
        from layout in CheckpointLayout.All
        from extension in new[] { ".safetensors", ".npz", ".pth" }
        select (object[])[layout.Word, extension];

    [Theory]
    [MemberData(nameof(Ways))]
    public void There_and_back_keeps_every_bit(string word, string extension)
    {
        DeformableDetrConfig config = SmallCheckpoints.GoldenRun.Config;
        string whole = Path.Combine(SmallCheckpoints.Golden, "whole.pth");
        Conversion there = Convert(whole, $"there{extension}", word, config);
        Assert.Equal("original", there.From.Word);
        Conversion back = Convert(_shop[$"there{extension}"], "back.safetensors", "original", config);
        Assert.Equal(word, back.From.Word);
        using TensorFile expected = TensorFile.Open(whole);
        Assert.Equal(
            expected.Entries.Select(entry => $"{entry.Name} {CheckpointConverter.Sha256(expected.Read(entry.Name))}").Order(StringComparer.Ordinal),
            back.Tensors.Select(tensor => $"{tensor.Name} {tensor.Sha256}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("mmdetection", "mmdetection3.pth")]
    [InlineData("detrex", "detrex.pth")]
    [InlineData("huggingface", "huggingface-sharded")]
    public void What_is_written_is_what_their_own_converters_write(string word, string golden)
    {
        Conversion done = Convert(Path.Combine(SmallCheckpoints.Golden, "whole.pth"), "t.pth", word, SmallCheckpoints.GoldenRun.Config);
        using TensorFile theirs = TensorFile.Open(Path.Combine(SmallCheckpoints.Golden, golden));
        Assert.Equal(
            theirs.Entries.Select(entry => $"{entry.Name} {entry.Shape} {CheckpointConverter.Sha256(theirs.Read(entry.Name))}").Order(StringComparer.Ordinal),
            done.Tensors.Select(tensor => $"{tensor.Name} {tensor.Shape} {tensor.Sha256}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_folder_of_Hugging_Face_says_all_of_itself(bool refine)
    {
        DeformableDetrConfig config = SmallCheckpoints.Small with { WithBoxRefine = refine };
        string source = _shop.Write("o.safetensors", SmallCheckpoints.Weights(config));
        Conversion done = Convert(source, "folder", "huggingface", config);
        Assert.Equal([_shop["folder/model.safetensors"], _shop["folder/config.json"]], done.Files);
        using Checkpoint checkpoint = Checkpoint.Open(_shop["folder"]);
        CheckpointConfiguration own = checkpoint.Configuration()!;
        Assert.Empty(ConfigWriter.Differences(own.Run.Config, config));
        Assert.Equal(("config.json", null), (own.Source, own.Run.Classes));
        Assert.Equal(_shop.Fingerprint(source, config), _shop.Fingerprint(_shop["folder"], config));
    }

    // What Hugging Face's safetensors files leave out.
    [Fact]
    public void One_head_stands_for_all_without_refinement()
    {
        DeformableDetrConfig config = SmallCheckpoints.Small;
        string source = _shop.Write("o.safetensors", SmallCheckpoints.Weights(config));
        Conversion done = Convert(source, "all.pth", "original", config);
        Assert.Equal(["class_embed.0.bias", "class_embed.1.bias"], done.Tensors.Select(tensor => tensor.Name).Where(name => name.StartsWith("class_embed", StringComparison.Ordinal) && name.EndsWith("bias", StringComparison.Ordinal)));
        Assert.Equal(_shop.Fingerprint(source, config), _shop.Fingerprint(_shop["all.pth"], config));
    }

    [Fact]
    public void A_bias_that_mmdetection_has_only_on_request_is_written_and_said()
    {
        string source = _shop.Write("o.safetensors", SmallCheckpoints.Weights(SmallCheckpoints.Small));
        Conversion done = Convert(source, "t.pth", "mmdetection", SmallCheckpoints.Small);
        Assert.Equal(4, done.Notes.Count);
        Assert.Contains("mmdetection has neck.extra_convs.0.conv.bias only where its configuration says bias=True", done.Notes);
        Assert.Equal(_shop.Fingerprint(source, SmallCheckpoints.Small), _shop.Fingerprint(_shop["t.pth"], SmallCheckpoints.Small));
    }

    [Fact]
    public void What_is_not_whole_is_not_converted_and_leaves_no_file()
    {
        Dictionary<string, Tensor> tensors = SmallCheckpoints.Weights(SmallCheckpoints.Small);
        tensors.Remove("transformer.level_embed");
        string source = _shop.Write("o.safetensors", tensors);
        Assert.Throws<InvalidDataException>(() => Convert(source, "t.pth", "original", SmallCheckpoints.Small));
        Assert.Equal(["o.safetensors"], Directory.GetFileSystemEntries(_shop.Folder).Select(path => Path.GetFileName(path)));
    }

    [Fact]
    public void Double_precision_is_kept()
    {
        string source = _shop.Write(
            "o.safetensors", SmallCheckpoints.Weights(SmallCheckpoints.Small).Select(entry => KeyValuePair.Create(entry.Key, (Tensor)Widening.To<double>(entry.Value)!)));
        Conversion done = Convert(source, "t.pth", "detrex", SmallCheckpoints.Small);
        Assert.All(done.Tensors, tensor => Assert.Equal(StoredType.F64, tensor.Type));
    }

    private Conversion Convert(string source, string target, string layout, DeformableDetrConfig config) =>
        CheckpointConverter.Run(source, _shop[target], CheckpointLayout.Of(layout), config, _ => { });
}
