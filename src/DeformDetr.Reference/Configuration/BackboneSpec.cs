namespace DeformDetr.Reference;

/// <summary>The residual block that a backbone repeats.</summary>
public enum ResidualBlock
{
    /// <summary>Two 3×3 convolutions.</summary>
    Basic,

    /// <summary>1×1, 3×3, 1×1 convolutions; puts out four times its width.</summary>
    Bottleneck,
}

/// <summary>A ResNet, by its numbers.</summary>
/// <param name="Block">The block.</param>
/// <param name="Width">Planes of conv1 and of layer1; they double from layer to layer.</param>
/// <param name="Layers">How many blocks layer1 to layer4 have.</param>
/// <param name="Groups">Groups of the 3×3 convolution (bottleneck only).</param>
/// <param name="WidthPerGroup">Planes per group of the 3×3 convolution for 64 planes (bottleneck only).</param>
public sealed record BackboneSpec(ResidualBlock Block, int Width, IReadOnlyList<int> Layers, int Groups = 1, int WidthPerGroup = 64)
{
    /// <summary>The backbones that the original can take from torchvision, by torchvision's name.</summary>
    public static IReadOnlyDictionary<string, BackboneSpec> Named { get; } = new Dictionary<string, BackboneSpec>(StringComparer.Ordinal)
    {
        ["resnet50"] = new(ResidualBlock.Bottleneck, 64, [3, 4, 6, 3]),
        ["resnet101"] = new(ResidualBlock.Bottleneck, 64, [3, 4, 23, 3]),
        ["resnet152"] = new(ResidualBlock.Bottleneck, 64, [3, 8, 36, 3]),
        ["resnext50_32x4d"] = new(ResidualBlock.Bottleneck, 64, [3, 4, 6, 3], 32, 4),
        ["resnext101_32x8d"] = new(ResidualBlock.Bottleneck, 64, [3, 4, 23, 3], 32, 8),
        ["wide_resnet50_2"] = new(ResidualBlock.Bottleneck, 64, [3, 4, 6, 3], 1, 128),
        ["wide_resnet101_2"] = new(ResidualBlock.Bottleneck, 64, [3, 4, 23, 3], 1, 128),
    };

    /// <summary>How many times its planes a block puts out.</summary>
    public int Expansion => Block == ResidualBlock.Bottleneck ? 4 : 1;

    /// <summary>Channels that layer1 (0) to layer4 (3) put out.</summary>
    /// <param name="layer">Which layer, from 0.</param>
    public int Channels(int layer) => (Width << layer) * Expansion;
}
