namespace DeformDetr.Reference.Tests.Configuration;

public class DeformableDetrConfigTests
{
    [Fact]
    public void Defaults_are_those_of_the_originals_main()
    {
        DeformableDetrConfig config = new();
        Assert.Equal((4, 6, 6, 1024, 256, 8, 300), (config.NumFeatureLevels, config.EncLayers, config.DecLayers, config.DimFeedforward, config.HiddenDim, config.Nheads, config.NumQueries));
        Assert.Equal((4, 4, 91), (config.EncNPoints, config.DecNPoints, config.NumClasses));
        Assert.False(config.WithBoxRefine || config.TwoStage || config.Dilation);
        Assert.Equal((PositionEmbedding.Sine, Activation.Relu, true), (config.PositionEmbedding, config.Activation, config.AuxLoss));
        Assert.Same(BackboneSpec.Named["resnet50"], config.Backbone);
    }

    [Fact]
    public void The_five_published_variants_are_valid()
    {
        Assert.Equal(["r50", "r50-refine", "r50-two-stage", "r50-single-scale", "r50-single-scale-dc5"], DeformableDetrConfig.Variants.Keys);
        Assert.All(DeformableDetrConfig.Variants.Values, config => config.Validate());
        Assert.Equal(7, DeformableDetrConfig.Variants["r50-two-stage"].Heads);
        Assert.Equal(6, DeformableDetrConfig.Variants["r50-refine"].Heads);
    }

    [Fact]
    public void A_backbones_channels_double_from_layer_to_layer()
    {
        Assert.Equal([256, 512, 1024, 2048], Enumerable.Range(0, 4).Select(BackboneSpec.Named["resnet50"].Channels));
        Assert.Equal([16, 32, 64, 128], Enumerable.Range(0, 4).Select(new BackboneSpec(ResidualBlock.Basic, 16, [1, 1, 1, 1]).Channels));
        Assert.Equal([64, 128, 256, 512], Enumerable.Range(0, 4).Select(new BackboneSpec(ResidualBlock.Bottleneck, 16, [1, 1, 1, 1]).Channels));
    }

    public static TheoryData<string, DeformableDetrConfig> Refused { get; } = new()
    {
        { "num_feature_levels holds 2; expected 1 or at least 3 (the original projects three backbone levels and can't run with 2).", new() { NumFeatureLevels = 2 } },
        { "num_feature_levels holds 0; expected 1 or at least 3 (the original projects three backbone levels and can't run with 2).", new() { NumFeatureLevels = 0 } },
        { "num_feature_levels holds -3; expected 1 or at least 3 (the original projects three backbone levels and can't run with 2).", new() { NumFeatureLevels = -3 } },
        { "hidden_dim holds 48; expected a multiple of 32, the groups of its GroupNorm.", new() { HiddenDim = 48 } },
        { "hidden_dim holds 0; expected a multiple of 32, the groups of its GroupNorm.", new() { HiddenDim = 0 } },
        { "hidden_dim holds -32; expected a multiple of 32, the groups of its GroupNorm.", new() { HiddenDim = -32 } },
        { "hidden_dim holds 256; expected a multiple of nheads = 6.", new() { Nheads = 6 } },
        { "two_stage holds true; expected with_box_refine too (the original can't run without).", new() { TwoStage = true } },
        {
            "hidden_dim holds 128; expected 256 with two_stage (its proposal embedding is 512 wide, hard-coded).",
            new() { TwoStage = true, WithBoxRefine = true, HiddenDim = 128 }
        },
        {
            "dilation holds true; expected false with basic blocks (torchvision can't dilate them).",
            new() { Dilation = true, Backbone = new BackboneSpec(ResidualBlock.Basic, 16, [1, 1, 1, 1]) }
        },
        { "backbone width holds 0; expected at least 1.", new() { Backbone = new BackboneSpec(ResidualBlock.Basic, 0, [1, 1, 1, 1]) } },
        { "backbone layers hold [1, 0, 1, 1]; expected four numbers of at least 1.", new() { Backbone = new BackboneSpec(ResidualBlock.Basic, 8, [1, 0, 1, 1]) } },
        { "backbone layers hold [1, 1, 1]; expected four numbers of at least 1.", new() { Backbone = new BackboneSpec(ResidualBlock.Basic, 8, [1, 1, 1]) } },
        { "enc_layers holds -1; expected at least 0.", new() { EncLayers = -1 } },
        { "dec_layers holds 0; expected at least 1.", new() { DecLayers = 0 } },
        { "dim_feedforward holds -1024; expected at least 1.", new() { DimFeedforward = -1024 } },
        { "nheads holds 0; expected at least 1.", new() { Nheads = 0 } },
        { "num_queries holds -300; expected at least 1.", new() { NumQueries = -300 } },
        { "enc_n_points holds 0; expected at least 1.", new() { EncNPoints = 0 } },
        { "dec_n_points holds -4; expected at least 1.", new() { DecNPoints = -4 } },
        { "num_classes holds 0; expected at least 1.", new() { NumClasses = 0 } },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_the_original_cannot_run_is_refused_by_name_in_one_line(string message, DeformableDetrConfig config)
    {
        Expect.Refusal<ArgumentException>($"config: {message}", () => { config.Validate(); return null; });
        Expect.Refusal<ArgumentException>($"config: {message}", () => new DeformableDetr<float>(config, new MadeWeights<float>(config.WithBoxRefine)));
    }
}
