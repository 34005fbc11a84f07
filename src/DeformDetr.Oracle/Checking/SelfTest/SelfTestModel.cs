using DeformDetr.Reference;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// A small model and an input that a self-test plants faults in: made from a seed, so that nothing has to be shipped.
internal sealed record SelfTestModel(string Name, CheckModel Model)
{
    private static readonly BackboneSpec Small = new(ResidualBlock.Basic, 8, [1, 1, 1, 1]);
    private static readonly BackboneSpec Bottleneck = new(ResidualBlock.Bottleneck, 8, [2, 1, 1, 2]);
    private static readonly PreprocessOptions Usual = new() { Shortest = 72, Longest = 120 };

    // Wide enough for proposals that lie at the border: more than fifty columns.
    private static readonly PreprocessOptions Wide = new() { Shortest = 24, Longest = 448 };

    public static IReadOnlyList<SelfTestModel> All() =>
    [
        Create(
            "plain", new() { Backbone = Bottleneck, HiddenDim = 64, Nheads = 4, EncNPoints = 3, DecNPoints = 2, NumClasses = 91 }, 11,
            Usual, (90, 121), (101, 83), pictures: false),
        Create(
            "two-stage", new() { Backbone = Small, HiddenDim = 256, Nheads = 8, EncLayers = 1, WithBoxRefine = true, TwoStage = true }, 12,
            Wide, (24, 447), (24, 360), pictures: false),
        Create(
            "refined, learned positions, gelu",
            new()
            {
                Backbone = Small, HiddenDim = 32, Nheads = 2, WithBoxRefine = true, PositionEmbedding = PositionEmbedding.Learned,
                Activation = Activation.Gelu, NumFeatureLevels = 3,
            },
            13, Usual, (90, 121), (101, 83), pictures: false)
            .With(
                "references at the border",
                name => name.StartsWith("transformer.reference_points", StringComparison.Ordinal) ? 64
                    : name.EndsWith("layers.2.bias", StringComparison.Ordinal) ? 48
                    : 1),
        Create(
            "one level, dilated",
            new() { Backbone = Bottleneck, HiddenDim = 32, Nheads = 4, NumFeatureLevels = 1, Dilation = true, EncNPoints = 2 }, 14,
            Usual, (90, 121), (101, 83), pictures: false),
        Create(
            "pictures, five levels", new() { Backbone = Small, HiddenDim = 64, Nheads = 4, NumFeatureLevels = 5, DecNPoints = 3 }, 15,
            Usual, (90, 121), (101, 83), pictures: true),
        Create(
            "tall maps, many queries", new() { Backbone = Small, HiddenDim = 32, Nheads = 4, EncLayers = 1, NumQueries = 104 }, 16,
            new() { Shortest = 40, Longest = 800 }, (800, 40), (737, 40), pictures: false, (677, 40)),
    ];

    // The same model and input with other weights.
    public SelfTestModel With(string what, Func<string, double> factor) => new($"{Name}, {what}", Model.With(Model.Weights.Mapped((name, value) => value * factor(name))));

    private static SelfTestModel Create(
        string name, DeformableDetrConfig config, ulong seed, PreprocessOptions preprocess, (int Height, int Width) one,
        (int Height, int Width) two, bool pictures, params ReadOnlySpan<(int Height, int Width)> more)
    {
        config = config with
        {
            EncLayers = Math.Min(config.EncLayers, 2),
            DecLayers = 2,
            DimFeedforward = 48,
            NumQueries = config.NumQueries == 300 ? 14 : config.NumQueries,
            NumClasses = config.NumClasses == 91 && !name.StartsWith("plain", StringComparison.Ordinal) ? 9 : config.NumClasses,
        };
        StepWeights weights = StepWeights.Load(new WeightSource(null, seed), config);
        List<Tensor<byte>> decoded = [Picture(seed, one.Height, one.Width), Picture(seed + 1, two.Height, two.Width)];
        foreach ((int height, int width) in more)
        {
            decoded.Add(Picture(seed + 2, height, width));
        }

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
}
