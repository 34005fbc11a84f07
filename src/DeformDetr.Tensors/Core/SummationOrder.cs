namespace DeformDetr.Tensors;

/// <summary>In which sequence the terms of a sum are taken.</summary>
public enum TermOrder
{
    /// <summary>As they lie in memory.</summary>
    Ascending,

    /// <summary>The last term first.</summary>
    Descending,

    /// <summary>Terms k, k + 8, k + 16 … make one block each, as kernels do that keep eight partial sums of one output.</summary>
    Interleaved,
}

/// <summary>
/// How a matrix product, a convolution or a linear layer with <see cref="Kernels.Simd"/> adds up the terms of an output. The default is the
/// order that docs/numerics.md writes down; every other one is an evaluation that a correct float32 implementation may choose too.
/// </summary>
/// <remarks>Results have the same bits at every vector width and with every number of threads, whatever the order.</remarks>
public sealed record SummationOrder
{
    /// <summary>A <see cref="Block"/> that holds any number of terms.</summary>
    public const int OneChain = int.MaxValue;

    // Partial sums of TermOrder.Interleaved.
    internal const int Partials = 8;

    private readonly int _block = 256;

    /// <summary>The order of this library: blocks of 256 terms, ascending, fused, bias last.</summary>
    public static SummationOrder House { get; } = new();

    /// <summary>The sequence of the terms.</summary>
    public TermOrder Terms { get; init; }

    /// <summary>
    /// How many terms one chain of additions takes before a new one begins at zero; at least 1. Interleaved terms make blocks of their own.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Fewer than one.</exception>
    public int Block
    {
        get => _block;
        init => _block = value > 0 ? value : throw new ArgumentOutOfRangeException(nameof(value), value, "block: expected at least 1.");
    }

    /// <summary>Whether block sums are added two by two, sums of equally many blocks first; otherwise one after another.</summary>
    public bool Pairwise { get; init; }

    /// <summary>Whether a product is rounded before it is added; otherwise both are one fused operation.</summary>
    public bool Unfused { get; init; }

    /// <summary>Whether the first chain starts from the bias; otherwise the bias is added to the finished sum.</summary>
    public bool BiasFirst { get; init; }

    // Which term stands at each place of a sum; -1 for the bias.
    internal int[] Places(int depth, bool bias)
    {
        int[] places = new int[depth + (bias ? 1 : 0)];
        int at = 0;
        if (bias)
        {
            places[at++] = -1;
        }

        int step = Terms == TermOrder.Interleaved ? Partials : 1;
        for (int first = 0; first < step; first++)
        {
            for (int k = first; k < depth; k += step)
            {
                places[at++] = Terms == TermOrder.Descending ? depth - 1 - k : k;
            }
        }

        return places;
    }

    // Where each block ends among the places; the bias is a term of the first block, which it makes longer by one.
    internal int[] Ends(int depth, bool bias)
    {
        List<int> ends = [];
        int more = bias ? 1 : 0;
        if (Terms == TermOrder.Interleaved)
        {
            for (int first = 0, end = more; first < Math.Min(Partials, depth); first++)
            {
                ends.Add(end += (depth - first + Partials - 1) / Partials);
            }
        }
        else
        {
            for (long end = Block; end < depth; end += Block)
            {
                ends.Add((int)end + more);
            }
        }

        if (ends.Count == 0 || ends[^1] < depth + more)
        {
            ends.Add(depth + more);
        }

        return [.. ends];
    }
}
