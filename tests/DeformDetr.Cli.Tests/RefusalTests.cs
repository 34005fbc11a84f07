using System.Globalization;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Cli.Tests;

/// <summary>Bad input gets one line that says what, where and what was expected, and leaves nothing behind.</summary>
public sealed class RefusalTests : IDisposable
{
    private readonly Workshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Theory]
    [InlineData("\"num_feature_levels\": 2", "config.json: config: num_feature_levels holds 2; expected 1 or at least 3 (the original projects three backbone levels and can't run with 2).")]
    [InlineData("\"hidden_dim\": 48", "config.json: config: hidden_dim holds 48; expected a multiple of 32, the groups of its GroupNorm.")]
    [InlineData("\"nheads\": 3", "config.json: config: hidden_dim holds 32; expected a multiple of nheads = 3.")]
    [InlineData("\"two_stage\": true", "config.json: config: two_stage holds true; expected with_box_refine too (the original can't run without).")]
    [InlineData("\"two_stage\": true, \"with_box_refine\": true, \"hidden_dim\": 128", "config.json: config: hidden_dim holds 128; expected 256 with two_stage (its proposal embedding is 512 wide, hard-coded).")]
    [InlineData("\"two_stage\": true, \"with_box_refine\": true, \"hidden_dim\": 256, \"num_queries\": 85", "grey.png: two_stage: num_queries holds 85; expected at most the number of tokens, 84.")]
    [InlineData("\"num_queries\": 16", "grey.png: post_process: pred_logits holds [1, 16, 6], 96 scores a picture; expected at least 100.")]
    [InlineData("\"masks\": true", "config.json: config.masks holds true; expected false (the segmentation head is not part of this model).")]
    [InlineData("\"dilation\": true", "config.json: config: dilation holds true; expected false with basic blocks (torchvision can't dilate them).")]
    [InlineData("\"backbone\": \"resnet18\"", "config.json: config.backbone holds 'resnet18'; expected resnet50, resnet101, resnet152, resnext50_32x4d, resnext101_32x8d, wide_resnet50_2, wide_resnet101_2, or {\"block\", \"width\", \"layers\"} (the original refuses resnet18 and resnet34: its numbers of channels are hard-coded).")]
    [InlineData("\"hidden\": 3", "config.json: config.hidden is unknown; expected an argument of the original's main.py, num_classes or activation.")]
    [InlineData("\"num_queries\": \"20\"", "config.json: config.num_queries holds \"20\"; expected a whole number.")]
    public void What_the_original_can_not_run_is_refused_by_name(string keys, string line)
    {
        string expected = line.Replace("config.json:", $"{_shop.At("config.json")}:", StringComparison.Ordinal);
        string picture = _shop.Picture("grey.png", 64, 64);
        expected = expected.Replace("grey.png:", $"{picture}:", StringComparison.Ordinal);
        CliRun.Of(["trace", "--input", picture, .. _shop.TinyModel(keys), "--out", _shop.At("t.safetensors")]).RequireBadInput(expected);
        CliRun.Of(["detect", picture, .. _shop.TinyModel(keys), "--out", _shop.At("found")]).RequireBadInput(expected);
        Assert.Equal(["config.json", "grey.png"], _shop.Files);
    }

    [Fact]
    public void Learned_positions_on_a_map_over_50_are_refused()
    {
        IReadOnlyList<string> model = _shop.TinyModel("\"position_embedding\": \"learned\"", shortest: 408);
        CliRun.Of(["trace", "--input", _shop.Picture("grey.png", 64, 64), .. model, "--out", _shop.At("t.safetensors")])
            .RequireBadInput($"{_shop.At("grey.png")}: learned position encoding: map holds 51 x 51 cells; expected at most 50 x 50 (the original's tables).");
        Assert.Equal(["config.json", "grey.png"], _shop.Files);
    }

    [Fact]
    public void A_missing_tensor_is_named_with_its_file()
    {
        IReadOnlyList<string> model = _shop.ChangedWeights((name, tensor) => name == "transformer.level_embed" ? null : tensor);
        string line = $"{_shop.At("weights.safetensors")}: 1 absent: transformer.level_embed [4, 64]; expected the tensors of the configuration.";
        CliRun.Of(["detect", Workshop.Shapes(4), .. model, "--out", _shop.At("found")]).RequireBadInput(line);
        CliRun.Of(["trace", "--input", Workshop.Shapes(4), .. model, "--out", _shop.At("t.safetensors")]).RequireBadInput(line);
        Assert.Equal(["weights.safetensors"], _shop.Files);
    }

    [Fact]
    public void A_tensor_of_another_shape_is_named_with_both_shapes()
    {
        IReadOnlyList<string> model = _shop.ChangedWeights((name, tensor) => name == "transformer.level_embed" ? new Tensor<float>([4, 65]) : tensor);
        CliRun.Of(["detect", Workshop.Shapes(4), .. model])
            .RequireBadInput($"{_shop.At("weights.safetensors")}: 1 wrong: transformer.level_embed holds [4, 65], expected [4, 64]; expected the tensors of the configuration.");
    }

    [Fact]
    public void A_checkpoint_taken_for_r50_says_so()
    {
        CliRun run = CliRun.Of("detect", Workshop.Shapes(4), "--weights", Path.Combine(Workshop.Demo, "weights.safetensors"));
        Assert.Equal(2, run.Exit);
        Assert.Equal("", run.Out);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
        Assert.Contains("weights.safetensors: taken for r50, since neither --config nor --variant is given: 335 absent: ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_truncated_file_is_named()
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(Workshop.Demo, "weights.safetensors"));
        File.WriteAllBytes(_shop.At("weights.safetensors"), whole[..^1000]);
        string[] model = ["--weights", _shop.At("weights.safetensors"), "--config", Path.Combine(Workshop.Demo, "case.json")];
        CliRun run = CliRun.Of(["detect", Workshop.Shapes(4), .. model]);
        Assert.Equal(2, run.Exit);
        Assert.Equal("", run.Out);
        Assert.StartsWith($"deform-detr: {_shop.At("weights.safetensors")}: ", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
        Assert.Equal(run.Error, CliRun.Of("inspect", _shop.At("weights.safetensors")).Error);
    }

    [Fact]
    public void A_picture_that_is_none_is_named()
    {
        string text = _shop.Text("words.png", "no picture at all");
        CliRun.Of(["trace", "--input", Workshop.Shapes(4), text, .. Workshop.DemoModel, "--out", _shop.At("t.safetensors")])
            .RequireBadInput($"{text}: starts with bytes 6E6F207069637475; expected a PNG, JPEG or binary PPM file.");
        CliRun.Of(["trace", "--input", _shop.Folder, .. Workshop.DemoModel, "--out", _shop.At("t.safetensors")])
            .RequireBadInput($"{_shop.Folder}: is a folder; expected a PNG, JPEG or binary PPM file.");
        Assert.Equal(["words.png"], _shop.Files);
    }

    [Fact]
    public void A_damaged_picture_is_named()
    {
        byte[] whole = File.ReadAllBytes(Workshop.Shapes(4));
        File.WriteAllBytes(_shop.At("half.png"), whole[..(whole.Length / 2)]);
        CliRun run = CliRun.Of(["trace", "--input", Workshop.Shapes(4), _shop.At("half.png"), .. Workshop.DemoModel, "--out", _shop.At("t.safetensors")]);
        Assert.Equal(2, run.Exit);
        Assert.StartsWith($"deform-detr: {_shop.At("half.png")}: ", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
        Assert.Equal(["half.png"], _shop.Files);
    }

    [Theory]
    [InlineData(3000, 1)]
    [InlineData(1, 3000)]
    public void A_picture_whose_short_side_becomes_0_is_refused(int height, int width)
    {
        string line = string.Create(
            CultureInfo.InvariantCulture,
            $"{_shop.At("narrow.png")}: picture size: a picture of height {height} and width {width} is so narrow that its shorter side becomes 0 under longest 266; expected at least 1.");
        string picture = _shop.Picture("narrow.png", height, width);
        CliRun.Of(["detect", picture, .. Workshop.DemoModel]).RequireBadInput(line);
        CliRun.Of(["trace", "--input", picture, .. Workshop.DemoModel, "--out", _shop.At("t.safetensors")]).RequireBadInput(line);
        Assert.Equal(["narrow.png"], _shop.Files);
    }

    [Fact]
    public void A_mask_that_covers_everything_is_refused()
    {
        Tensor<bool> mask = new([1, 64, 64]);
        mask.AsSpan().Fill(true);
        SafetensorsWriter.Save(_shop.At("batch.safetensors"), [("samples.tensor", new Tensor<float>([1, 3, 64, 64])), ("samples.mask", mask)]);
        CliRun run = CliRun.Of(["trace", "--input", _shop.At("batch.safetensors"), .. _shop.TinyModel(), "--out", _shop.At("t.safetensors")]);
        run.RequireBadInput($"{_shop.At("batch.safetensors")}: valid_ratios: mask of picture 0 covers the first row or column of level 0; expected a picture that is not padding everywhere.");
        Assert.Equal(["batch.safetensors", "config.json"], _shop.Files);
    }

    [Fact]
    public void An_input_file_without_pictures_is_refused()
    {
        SafetensorsWriter.Save(_shop.At("batch.safetensors"), [("samples.tensor", new Tensor<float>([0, 3, 64, 64])), ("samples.mask", new Tensor<bool>([0, 64, 64]))]);
        CliRun.Of(["trace", "--input", _shop.At("batch.safetensors"), .. _shop.TinyModel(), "--out", _shop.At("t.safetensors")])
            .RequireBadInput($"{_shop.At("batch.safetensors")}: tensor 'samples.tensor' holds [0, 3, 64, 64]; expected [N, 3, H, W] with at least one picture.");
    }

    [Fact]
    public void A_pattern_that_matches_nothing_is_bad_usage_and_leaves_no_trace()
    {
        CliRun.Of(["trace", "--input", _shop.Picture("grey.png", 64, 64), .. _shop.TinyModel(), "--taps", "pred_*", "--taps", "preds_*", "--out", _shop.At("t.safetensors")])
            .RequireBadInput("taps: no tensor is named like 'preds_*'; expected patterns of names in docs/shapes.md.");
        Assert.Equal(["config.json", "grey.png"], _shop.Files);
    }

    [Fact]
    public void A_failed_trace_leaves_the_older_one_alone()
    {
        string older = _shop.Text("t.safetensors", "older");
        CliRun.Of(["trace", "--input", _shop.Picture("grey.png", 64, 64), .. _shop.TinyModel(), "--taps", "preds_*", "--out", older]);
        Assert.Equal("older", File.ReadAllText(older));
    }

    [Fact]
    public void A_place_that_can_not_be_written_to_is_named()
    {
        string picture = _shop.Picture("grey.png", 64, 64);
        CliRun.Of(["trace", "--input", picture, .. _shop.TinyModel(), "--out", _shop.At("nowhere/t.safetensors")])
            .RequireBadInput($"{_shop.At("nowhere/t.safetensors")}: its folder does not exist; expected a folder to write to.");
        CliRun.Of(["trace", "--input", picture, .. _shop.TinyModel(), "--out", _shop.At("t.npz")]).RequireBadInput($"{_shop.At("t.npz")}: a trace has another extension; expected .safetensors.");
        CliRun.Of(["detect", picture, .. _shop.TinyModel(), "--out", picture]).RequireBadInput($"{picture}: is a file; expected a folder to write to.");
        CliRun.Of("demo", "--out", picture).RequireBadInput($"{picture}: is a file; expected a folder to write to.");
    }
}
