using System.Numerics;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests;

// Models of a few thousand weights, one for every way that the architecture can go, and a batch of two pictures of different sizes.
internal static class SmallModels
{
    public const int Height = 72;
    public const int Width = 100;

    private static readonly DeformableDetrConfig Plain = new()
    {
        Backbone = new BackboneSpec(ResidualBlock.Basic, 8, [1, 1, 1, 1]),
        NumFeatureLevels = 4,
        EncLayers = 2,
        DecLayers = 2,
        DimFeedforward = 24,
        HiddenDim = 32,
        Nheads = 4,
        NumQueries = 5,
        EncNPoints = 3,
        DecNPoints = 2,
        NumClasses = 3,
    };

    private static readonly BackboneSpec Bottleneck = new(ResidualBlock.Bottleneck, 4, [1, 2, 1, 2]);

    public static IReadOnlyDictionary<string, DeformableDetrConfig> All { get; } = new Dictionary<string, DeformableDetrConfig>(StringComparer.Ordinal)
    {
        ["plain"] = Plain,
        ["refine, gelu, five levels, bottleneck"] = Plain with { WithBoxRefine = true, Activation = Activation.Gelu, NumFeatureLevels = 5, DecLayers = 3, Backbone = Bottleneck },
        ["two-stage"] = Plain with
        {
            WithBoxRefine = true,
            TwoStage = true,
            HiddenDim = 256,
            Nheads = 8,
            NumFeatureLevels = 3,
            EncLayers = 1,
            DecNPoints = 4,
            NumQueries = 6,
        },
        ["single scale, learned positions"] = Plain with { NumFeatureLevels = 1, PositionEmbedding = PositionEmbedding.Learned },
        ["single scale, dilation"] = Plain with { NumFeatureLevels = 1, Dilation = true, Backbone = Bottleneck, EncLayers = 1 },
        ["no encoder layers, one head a channel, no auxiliary outputs"] = Plain with { EncLayers = 0, Nheads = 32, NumFeatureLevels = 3, AuxLoss = false },
    };

    public static TheoryData<string> Names => [.. All.Keys];

    public static (Tensor<T> Samples, Tensor<bool> Mask) Batch<T>(int seed = 3, params (int Height, int Width)[] valid)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        valid = valid.Length == 0 ? [(Height, 61), (50, Width)] : valid;
        Tensor<bool> mask = Draw.Mask(Height, Width, valid);
        Tensor<T> samples = new([valid.Length, 3, Height, Width]);
        for (int n = 0; n < valid.Length; n++)
        {
            // The picture in slot n depends on its size only: the same picture in every batch.
            Tensor<float> picture = Draw.Numbers<float>(seed + (1000 * valid[n].Height) + valid[n].Width, [3, Height, Width]);
            for (int at = 0; at < picture.Length; at++)
            {
                bool padding = mask.AsReadOnlySpan()[(n * Height * Width) + (at % (Height * Width))];
                samples.AsSpan()[(n * picture.Length) + at] = padding ? T.Zero : T.CreateTruncating(picture.AsSpan()[at]);
            }
        }

        return (samples, mask);
    }

    public static DetrOutputs<T> Run<T>(DeformableDetrConfig config, Kernels kernels, int threads, ITapSink? sink, MadeWeights<T>? weights = null, Tensor<T>? samples = null, Tensor<bool>? mask = null)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        (Tensor<T> madeSamples, Tensor<bool> madeMask) = Batch<T>();
        return new DeformableDetr<T>(config, weights ?? new MadeWeights<T>(config.WithBoxRefine)).Forward(new ForwardPass(kernels, threads, sink), samples ?? madeSamples, mask ?? madeMask);
    }
}
