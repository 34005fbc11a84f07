using System.Globalization;
using DeformDetr.Reference;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// A small model and an input that a self-test plants faults in: made from a seed, so that nothing has to be shipped.
internal sealed record SelfTestModel(string Name, CheckModel Model)
{
    private static readonly BackboneSpec Small = new(ResidualBlock.Basic, 8, [1, 1, 1, 1]);
    private static readonly BackboneSpec Bottleneck = new(ResidualBlock.Bottleneck, 8, [2, 1, 1, 1]);

    public static IReadOnlyList<SelfTestModel> All() =>
    [
        Create("plain", new() { Backbone = Bottleneck, HiddenDim = 64, Nheads = 4, EncNPoints = 3, DecNPoints = 2 }, 11, pictures: false),
        Create(
            "two-stage",
            new() { Backbone = Small, HiddenDim = 256, Nheads = 8, EncLayers = 1, WithBoxRefine = true, TwoStage = true }, 12, pictures: false),
        Create(
            "refined, learned positions, gelu",
            new()
            {
                Backbone = Small, HiddenDim = 32, Nheads = 2, WithBoxRefine = true, PositionEmbedding = PositionEmbedding.Learned,
                Activation = Activation.Gelu, NumFeatureLevels = 3,
            },
            13, pictures: false),
        Create(
            "one level, dilated",
            new() { Backbone = Bottleneck, HiddenDim = 32, Nheads = 4, NumFeatureLevels = 1, Dilation = true, EncNPoints = 2 }, 14,
            pictures: false),
        Create("pictures, five levels", new() { Backbone = Small, HiddenDim = 32, Nheads = 4, NumFeatureLevels = 5, DecNPoints = 3 }, 15, pictures: true),
    ];

    // The same model and input with other weights.
    public SelfTestModel With(string what, Func<string, double> factor) => new($"{Name}, {what}", Model.With(Model.Weights.Scaled(factor)));

    private static SelfTestModel Create(string name, DeformableDetrConfig config, ulong seed, bool pictures)
    {
        config = config with { EncLayers = Math.Min(config.EncLayers, 2), DecLayers = 2, DimFeedforward = 48, NumQueries = 14, NumClasses = 9 };
        StepWeights weights = StepWeights.Load(new WeightSource(null, seed), config);
        PreprocessOptions preprocess = new() { Shortest = 72, Longest = 120 };
        Tensor<byte>[] decoded = [Picture(seed, 90, 121), Picture(seed + 1, 101, 83)];
        PictureBatch batch = PictureBatch.Prepare(decoded, preprocess);
        ModelInput input = new(batch.SamplesTensor, batch.SamplesMask, batch.TargetSizes, []);
        return new SelfTestModel(name, CheckModel.Create(input, pictures ? decoded : [], weights, config, preprocess));
    }

    // Soft shapes and a little grain, so that a resize, a shift and an exchange of channels all show.
    private static Tensor<byte> Picture(ulong seed, int height, int width)
    {
        Tensor<byte> picture = new([height, width, 3]);
        ulong state = seed;
        for (int i = 0; i < picture.Length; i++)
        {
            state = (state * 6364136223846793005UL) + 1442695040888963407UL;
            int column = i / 3 % width;
            int row = i / 3 / width;
            int soft = ((row * (3 + (i % 3))) + (column * (2 + (i % 3) + (int)(seed % 3)))) % 160;
            int edge = (row / 13) + (column / 17) % 2 == 0 ? 40 : 0;
            picture.AsSpan()[i] = (byte)(soft + edge + (int)(state >> 59));
        }

        return picture;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}");
}
