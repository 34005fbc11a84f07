using System.Globalization;
using System.Runtime.CompilerServices;

namespace DeformDetr.Reference;

/// <summary>How positions enter the transformer.</summary>
public enum PositionEmbedding
{
    /// <summary>Sines and cosines of the normalised position.</summary>
    Sine,

    /// <summary>A learned table of 50 rows and 50 columns.</summary>
    Learned,
}

/// <summary>The activation inside the feed-forward blocks.</summary>
public enum Activation
{
    /// <summary>max(0, x).</summary>
    Relu,

    /// <summary>x·Φ(x), by the error function.</summary>
    Gelu,
}

/// <summary>Everything that decides a model's shape, under the original's argument names (main.py) and with its defaults.</summary>
public sealed record DeformableDetrConfig
{
    // Far beyond any model of this kind, and near enough that no shape overflows: files bring configurations that nobody has looked at.
    private const int MostLayers = 1000;
    private const int MostWidth = 8192;
    private const int MostNumbers = 32768;
    private const int MostOffsets = 65536;
    private const int MostBackboneWidth = 512;

    /// <summary>The convolutional backbone.</summary>
    public BackboneSpec Backbone { get; init; } = BackboneSpec.Named["resnet50"];

    /// <summary>Whether layer4 trades its stride for a dilation of 2 (DC5).</summary>
    public bool Dilation { get; init; }

    /// <summary>How positions are encoded.</summary>
    public PositionEmbedding PositionEmbedding { get; init; }

    /// <summary>L, levels of feature maps: 1 (layer4 only), or 3 and more (layer2 to layer4 and stride-2 convolutions).</summary>
    public int NumFeatureLevels { get; init; } = 4;

    /// <summary>Encoder layers.</summary>
    public int EncLayers { get; init; } = 6;

    /// <summary>Decoder layers.</summary>
    public int DecLayers { get; init; } = 6;

    /// <summary>Width inside the feed-forward blocks.</summary>
    public int DimFeedforward { get; init; } = 1024;

    /// <summary>C, the width of tokens.</summary>
    public int HiddenDim { get; init; } = 256;

    /// <summary>M, attention heads.</summary>
    public int Nheads { get; init; } = 8;

    /// <summary>Q, object queries.</summary>
    public int NumQueries { get; init; } = 300;

    /// <summary>P in the encoder.</summary>
    public int EncNPoints { get; init; } = 4;

    /// <summary>P in the decoder.</summary>
    public int DecNPoints { get; init; } = 4;

    /// <summary>Whether each decoder layer refines the reference boxes, with heads of its own.</summary>
    public bool WithBoxRefine { get; init; }

    /// <summary>Whether the encoder proposes the queries.</summary>
    public bool TwoStage { get; init; }

    /// <summary>K, classes that the heads score.</summary>
    public int NumClasses { get; init; } = 91;

    /// <summary>The activation of the feed-forward blocks.</summary>
    public Activation Activation { get; init; }

    /// <summary>Whether the outputs of the layers before the last are given too.</summary>
    public bool AuxLoss { get; init; } = true;

    /// <summary>The five published variants by name.</summary>
    public static IReadOnlyDictionary<string, DeformableDetrConfig> Variants { get; } =
        new Dictionary<string, DeformableDetrConfig>(StringComparer.Ordinal)
        {
            ["r50"] = new(),
            ["r50-refine"] = new() { WithBoxRefine = true },
            ["r50-two-stage"] = new() { WithBoxRefine = true, TwoStage = true },
            ["r50-single-scale"] = new() { NumFeatureLevels = 1 },
            ["r50-single-scale-dc5"] = new() { NumFeatureLevels = 1, Dilation = true },
        };

    /// <summary>How many class and box heads there are: one a decoder layer, and one for the proposals of a two-stage model.</summary>
    public int Heads => DecLayers + (TwoStage ? 1 : 0);

    /// <summary>Refuses, by name, what the original can't run.</summary>
    /// <exception cref="ArgumentException">What is wrong and what was expected, in one line.</exception>
    public void Validate()
    {
        Positive(EncLayers + 1, EncLayers, "enc_layers", "at least 0");
        Positive(DecLayers, DecLayers, "dec_layers", "at least 1");
        Positive(DimFeedforward, DimFeedforward, "dim_feedforward", "at least 1");
        Positive(Nheads, Nheads, "nheads", "at least 1");
        Positive(NumQueries, NumQueries, "num_queries", "at least 1");
        Positive(EncNPoints, EncNPoints, "enc_n_points", "at least 1");
        Positive(DecNPoints, DecNPoints, "dec_n_points", "at least 1");
        Positive(NumClasses, NumClasses, "num_classes", "at least 1");
        Require(
            NumFeatureLevels is 1 or >= 3,
            $"num_feature_levels holds {NumFeatureLevels}; expected 1 or at least 3 (the original projects three backbone levels and can't run with 2).");
        Require(
            HiddenDim > 0 && HiddenDim % 32 == 0, $"hidden_dim holds {HiddenDim}; expected a multiple of 32, the groups of its GroupNorm.");
        Require(HiddenDim % Nheads == 0, $"hidden_dim holds {HiddenDim}; expected a multiple of nheads = {Nheads}.");
        Require(!TwoStage || WithBoxRefine, $"two_stage holds true; expected with_box_refine too (the original can't run without).");
        Require(
            !TwoStage || HiddenDim == 256,
            $"hidden_dim holds {HiddenDim}; expected 256 with two_stage (its proposal embedding is 512 wide, hard-coded).");
        Require(Backbone.Width > 0, $"backbone width holds {Backbone.Width}; expected at least 1.");
        Require(
            Backbone.Layers.Count == 4 && Backbone.Layers.All(blocks => blocks > 0),
            $"backbone layers hold [{string.Join(", ", Backbone.Layers)}]; expected four numbers of at least 1.");
        AtMost(EncLayers, MostLayers, "enc_layers");
        AtMost(DecLayers, MostLayers, "dec_layers");
        AtMost(Backbone.Layers.Max(), MostLayers, "backbone layers");
        AtMost(Backbone.Width, MostBackboneWidth, "backbone width");
        AtMost(HiddenDim, MostWidth, "hidden_dim");
        AtMost(DimFeedforward, MostNumbers, "dim_feedforward");
        AtMost(NumQueries, MostNumbers, "num_queries");
        AtMost(NumClasses, MostNumbers, "num_classes");
        AtMost(
            2L * Nheads * NumFeatureLevels * Math.Max(EncNPoints, DecNPoints), MostOffsets, "2 * nheads * num_feature_levels * n_points");
        Require(
            !Dilation || Backbone.Block != ResidualBlock.Basic,
            $"dilation holds true; expected false with basic blocks (torchvision can't dilate them).");
    }

    private static void Positive(int value, int shown, string name, string expected) =>
        Require(value > 0, $"{name} holds {shown}; expected {expected}.");

    private static void AtMost(long value, long most, string name) =>
        Require(value <= most, $"{name} holds {value}; expected at most {most}.");

    private static void Require(bool holds, DefaultInterpolatedStringHandler text)
    {
        string message = string.Create(CultureInfo.InvariantCulture, ref text);
        if (!holds)
        {
            throw new ArgumentException($"config: {message}");
        }
    }
}
