using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Choices that a correct float32 implementation is free to make. The first word of each is this library's own: there the operator itself
// runs. All others compute and round to float32 at every step.

// How the terms of a row (mean, variance, softmax's denominator) are added.
internal enum RowOrder
{
    // In double.
    House,

    // One float32 chain, ascending.
    OneChain,

    // Element j to accumulator j mod 8, then a tree.
    EightChains,

    // Halves of halves, down to chains of at most eight.
    Pairwise,
}

// A frozen batch norm.
internal enum ChannelNormOrder
{
    // Factor and shift in double, rounded; then one multiply-add.
    House,

    // Factor and shift in float32, as the original has them.
    Folded,

    // (x - mean) · r · weight + bias.
    Unfolded,
}

// From offsets to sampling locations.
internal enum LocationOrder
{
    House,

    // The equation, step by step.
    Stepwise,

    // Divisions become products with a reciprocal.
    Reciprocals,
}

// From sampling locations to pixel coordinates.
internal enum PositionOrder
{
    // In double.
    House,

    // location · W - 0.5.
    Direct,

    // ((2 · location - 1 + 1) · W - 1) / 2: through the coordinates of grid_sample.
    Grid,
}

// How samples of the attention core are added.
internal enum CoreOrder
{
    // Corner weights A · bilinear, one chain.
    House,

    // The same backwards: levels, points and corners descending.
    Descending,

    // A sample's corners first, then A · sample, a sum for each level, then the levels.
    ByLevel,

    // Interpolated in x, then in y, then · A, one chain.
    Lerp,
}

// The logistic function, and its inverse.
internal enum LogisticOrder
{
    House,

    // 1 / (1 + e^-x), and log(x1 / x2).
    Quotient,

    // e^x / (1 + e^x) where x is negative, and log x1 - log x2.
    Difference,
}

// One way to evaluate the model's operators in float32 that a correct implementation may have.
internal sealed record LegalOrder(string Name)
{
    // Linear layers, matrix products and convolutions; whether element-wise multiply-adds are fused follows it.
    public SummationOrder Products { get; init; } = SummationOrder.House;

    public RowOrder Rows { get; init; }

    // Variance as the mean of squares less the square of the mean. Only where Rows isn't House.
    public bool OnePassVariance { get; init; }

    // Divisions by a number that many elements share become products with its reciprocal. Only where Rows isn't House.
    public bool Reciprocals { get; init; }

    public ChannelNormOrder ChannelNorm { get; init; }

    public LocationOrder Locations { get; init; }

    public PositionOrder Positions { get; init; }

    public CoreOrder Core { get; init; }

    public LogisticOrder Logistic { get; init; }

    // exp, log and erf err by up to 1.5 units in the last place, not 0.5.
    public bool LooseFunctions { get; init; }

    // Position encodings and proposals step by step in float32; the house computes them in double.
    public bool FloatPositions => Locations != LocationOrder.House;

    public bool Fused => !Products.Unfused;

    public override string ToString() => Name;
}
