using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checkpoints;

/// <summary>The configuration that a checkpoint brings along.</summary>
public sealed class CheckpointConfigurationTests : IDisposable
{
    private readonly SmallCheckpoints _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void Arguments_that_nobody_knows_and_a_number_of_classes_that_is_another_are_said()
    {
        CheckpointConfiguration own = OfArguments("""{"hidden_dim": 32, "lr": 1, "gpu": 3, "dataset_file": "coco", "use_dab": true}""");
        Assert.Equal((32, 7), (own.Run.Config.HiddenDim, own.Run.Config.NumClasses));
        Assert.Equal(
            ["args has what main.py doesn't know, left out: use_dab", "num_classes is 7, as the class heads have it, not 91, as its data set would"], own.Notes);
    }

    [Theory]
    [InlineData("""{"hidden_dim": "wide"}""", "config.hidden_dim holds \"wide\"; expected a whole number.")]
    [InlineData("""{"masks": true}""", "config.masks holds true")]
    [InlineData("""{"backbone": "vgg"}""", "config.backbone holds 'vgg'")]
    [InlineData("""{"two_stage": true}""", "config: two_stage holds true; expected with_box_refine too")]
    public void Arguments_that_the_original_cannot_run_are_refused(string arguments, string what) =>
        Assert.Contains(what, Assert.Throws<InvalidDataException>(() => OfArguments(arguments)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("mmdetection")]
    [InlineData("detrex")]
    [InlineData("huggingface")]
    public void Shapes_say_what_they_can_for_names_that_are_not_the_originals(string layout)
    {
        DeformableDetrConfig[] configs =
        [
            SmallCheckpoints.Small, SmallCheckpoints.Small with { WithBoxRefine = true, NumFeatureLevels = 3, DecLayers = 3 },
            SmallCheckpoints.Small with { Backbone = new BackboneSpec(ResidualBlock.Bottleneck, 1, [1, 2, 1, 1]), NumFeatureLevels = 1 },
            SmallCheckpoints.Small with { HiddenDim = 256, TwoStage = true, WithBoxRefine = true, NumQueries = 300 },
        ];
        foreach (DeformableDetrConfig config in configs)
        {
            string file = _shop.Write("o.safetensors", SmallCheckpoints.Weights(config));
            CheckpointConverter.Run(file, _shop["t.npz"], CheckpointLayout.Of(layout), config, _ => { });
            using Checkpoint checkpoint = Checkpoint.Open(_shop["t.npz"]);
            CheckpointConfiguration own = checkpoint.Configuration()!;
            Assert.Empty(ConfigWriter.Differences(own.Run.Config, config));
            Assert.Equal(CheckpointConfiguration.FromShapes, own.Source);
            Assert.Contains("nheads 8, dilation false", Assert.Single(own.Notes), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_bare_state_dict_of_the_original_says_nothing()
    {
        using Checkpoint checkpoint = Checkpoint.Open(_shop.Write("o.pth", SmallCheckpoints.Weights(SmallCheckpoints.Small)));
        Assert.Null(checkpoint.Configuration());
    }

    [Theory]
    [InlineData("\"model_type\": \"detr\"", "model_type holds 'detr'; expected deformable_detr")]
    [InlineData("\"d_model\": 256", "model_type is absent")]
    [InlineData("\"model_type\": \"deformable_detr\", \"decoder_ffn_dim\": 2048", "decoder_ffn_dim holds 2048; expected encoder_ffn_dim, 1024")]
    [InlineData("\"model_type\": \"deformable_detr\", \"id2label\": {\"0\": \"a\", \"2\": \"b\"}", "has 2 labels with gaps")]
    [InlineData("\"model_type\": \"deformable_detr\", \"id2label\": {\"x\": \"a\"}", "id2label.x is no label")]
    [InlineData("\"model_type\": \"deformable_detr\", \"backbone\": null, \"backbone_config\": {}", "backbone_config names no backbone")]
    public void A_config_json_that_the_original_cannot_run_is_refused(string keys, string what)
    {
        string config = SmallHuggingFace();
        File.WriteAllText(config, $"{{{keys}}}");
        using Checkpoint checkpoint = Checkpoint.Open(_shop["folder"]);
        string message = Assert.Throws<InvalidDataException>(() => checkpoint.Configuration()).Message;
        Assert.StartsWith($"{config}: ", message, StringComparison.Ordinal);
        Assert.Contains(what, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_backbone_of_its_own_configuration_is_understood()
    {
        string config = SmallHuggingFace();
        File.WriteAllText(
            config,
            """{"model_type": "deformable_detr", "backbone": null, "backbone_config": {"model_type": "resnet", "layer_type": "bottleneck", "depths": [3, 4, 23, 3], "hidden_sizes": [256, 512, 1024, 2048]}, "num_labels": 91}""");
        using Checkpoint checkpoint = Checkpoint.Open(_shop["folder"]);
        BackboneSpec backbone = checkpoint.Configuration()!.Run.Config.Backbone;
        Assert.Equal((ResidualBlock.Bottleneck, 64, "3 4 23 3"), (backbone.Block, backbone.Width, string.Join(' ', backbone.Layers)));
    }

    // A configuration without end, of few bytes: it must not fill the memory before it is refused.
    [Theory]
    [InlineData("\"enc_layers\": 2147483647")]
    [InlineData("\"dim_feedforward\": 2147483647")]
    [InlineData("\"num_classes\": 2147483647")]
    [InlineData("\"num_feature_levels\": 2147483647")]
    [InlineData("\"hidden_dim\": 1048576")]
    [InlineData("\"dec_n_points\": 2147483647")]
    [InlineData("\"backbone\": {\"block\": \"basic\", \"width\": 1, \"layers\": [2147483647, 1, 1, 1]}")]
    public void Sizes_without_end_are_refused(string key)
    {
        string message = Assert.Throws<InvalidDataException>(() => OfArguments($"{{{key}}}")).Message;
        Assert.StartsWith($"{_shop["t.pth"]}: config: ", message, StringComparison.Ordinal);
        Assert.Contains("; expected at ", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"enc_layers\": 1000, \"dec_layers\": 1000")]
    [InlineData("\"hidden_dim\": 8192, \"dim_feedforward\": 32768, \"num_classes\": 32768, \"num_queries\": 32768")]
    [InlineData("\"backbone\": {\"block\": \"bottleneck\", \"width\": 512, \"layers\": [1000, 1000, 1000, 1000]}, \"hidden_dim\": 8192, \"num_feature_levels\": 64")]
    [InlineData("\"dec_n_points\": 1024")]
    public void The_largest_sizes_end_in_one_line_too_and_do_not_fill_the_memory(string keys)
    {
        CheckpointConfiguration own = OfArguments($"{{{keys}}}");
        long before = GC.GetTotalAllocatedBytes();
        InvalidDataException refusal = Assert.Throws<InvalidDataException>(() => new WeightSource(_shop["t.pth"], 0).Load<float>(own.Run.Config));
        Assert.StartsWith($"{_shop["t.pth"]}: ", refusal.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 1L << 30);
    }

    private CheckpointConfiguration OfArguments(string arguments)
    {
        using (PyTorchWriter writer = new(_shop["t.pth"], "model", new Dictionary<string, string> { ["args"] = arguments }))
        {
            writer.Write("class_embed.0.bias", new Tensor<float>([7]));
            writer.Finish();
        }

        using Checkpoint checkpoint = Checkpoint.Open(_shop["t.pth"]);
        return checkpoint.Configuration()!;
    }

    private string SmallHuggingFace()
    {
        Directory.CreateDirectory(_shop["folder"]);
        SafetensorsWriter.Save(Path.Combine(_shop["folder"], "model.safetensors"), [("model.level_embed", new Tensor<float>([4, 32]))]);
        return Path.Combine(_shop["folder"], "config.json");
    }
}
