using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// The legal evaluations that noise is measured with.
internal static class LegalOrders
{
    // The operators as they are.
    public static LegalOrder House { get; } = new("house");

    // One sum from the first term to the last, each rounded: of all legal orders the one that errs most.
    public static LegalOrder OneChain { get; } = new("one chain, unfused")
    {
        Products = new SummationOrder { Block = SummationOrder.OneChain, Unfused = true },
        Rows = RowOrder.OneChain,
        ChannelNorm = ChannelNormOrder.Folded,
        Locations = LocationOrder.Stepwise,
        Positions = PositionOrder.Direct,
        Core = CoreOrder.ByLevel,
        Logistic = LogisticOrder.Quotient,
        LooseFunctions = true,
    };

    // Of all orders of sums the one that errs least.
    public static LegalOrder Pairwise { get; } = new("blocks of 8 pairwise, unfused, one-pass variance")
    {
        Products = new SummationOrder { Block = 8, Pairwise = true, Unfused = true },
        Rows = RowOrder.EightChains,
        OnePassVariance = true,
        ChannelNorm = ChannelNormOrder.Folded,
        Locations = LocationOrder.Stepwise,
        Positions = PositionOrder.Direct,
        Core = CoreOrder.Descending,
        Logistic = LogisticOrder.Quotient,
    };

    // A free run's noise is the spread of these: between them they have every way to err. Each is a whole run of the model.
    public static IReadOnlyList<LegalOrder> Ensemble { get; } =
    [
        House,
        OneChain,
        new("blocks of 64 descending, bias first")
        {
            Products = new SummationOrder { Block = 64, Terms = TermOrder.Descending, BiasFirst = true },
            Rows = RowOrder.Pairwise,
            OnePassVariance = true,
            Reciprocals = true,
            ChannelNorm = ChannelNormOrder.Unfolded,
            Locations = LocationOrder.Reciprocals,
            Positions = PositionOrder.Grid,
            Core = CoreOrder.Lerp,
            Logistic = LogisticOrder.Difference,
            LooseFunctions = true,
        },
    ];

    // Constants are measured over these.
    public static IReadOnlyList<LegalOrder> All { get; } =
    [
        .. Ensemble,
        Pairwise,
        new("one chain, fused, bias first")
        {
            Products = new SummationOrder { Block = SummationOrder.OneChain, BiasFirst = true },
            Rows = RowOrder.OneChain,
            OnePassVariance = true,
            ChannelNorm = ChannelNormOrder.Unfolded,
            Locations = LocationOrder.Reciprocals,
            Positions = PositionOrder.Grid,
            Core = CoreOrder.ByLevel,
            Logistic = LogisticOrder.Difference,
        },
        new("one chain descending, unfused")
        {
            Products = new SummationOrder { Block = SummationOrder.OneChain, Terms = TermOrder.Descending, Unfused = true },
            Rows = RowOrder.OneChain,
            Reciprocals = true,
            ChannelNorm = ChannelNormOrder.Folded,
            Locations = LocationOrder.Stepwise,
            Positions = PositionOrder.Grid,
            Core = CoreOrder.Descending,
            Logistic = LogisticOrder.Quotient,
        },
        new("eight partial sums, fused")
        {
            Products = new SummationOrder { Terms = TermOrder.Interleaved },
            Rows = RowOrder.EightChains,
            OnePassVariance = true,
            ChannelNorm = ChannelNormOrder.Unfolded,
            Locations = LocationOrder.Reciprocals,
            Positions = PositionOrder.Direct,
            Core = CoreOrder.Lerp,
            Logistic = LogisticOrder.Difference,
            LooseFunctions = true,
        },
        new("eight partial sums pairwise, unfused, bias first")
        {
            Products = new SummationOrder { Terms = TermOrder.Interleaved, Pairwise = true, Unfused = true, BiasFirst = true },
            Rows = RowOrder.Pairwise,
            Reciprocals = true,
            ChannelNorm = ChannelNormOrder.Unfolded,
            Locations = LocationOrder.Reciprocals,
            Positions = PositionOrder.Direct,
            Core = CoreOrder.ByLevel,
            Logistic = LogisticOrder.Quotient,
            LooseFunctions = true,
        },
        new("blocks of 16, unfused")
        {
            Products = new SummationOrder { Block = 16, Unfused = true },
            Rows = RowOrder.EightChains,
            Reciprocals = true,
            ChannelNorm = ChannelNormOrder.Folded,
            Locations = LocationOrder.Stepwise,
            Positions = PositionOrder.Grid,
            Core = CoreOrder.Descending,
            Logistic = LogisticOrder.Difference,
        },
        new("blocks of 512, fused")
        {
            Products = new SummationOrder { Block = 512 },
            Rows = RowOrder.Pairwise,
            ChannelNorm = ChannelNormOrder.Folded,
            Locations = LocationOrder.Stepwise,
            Positions = PositionOrder.Grid,
            Core = CoreOrder.ByLevel,
            Logistic = LogisticOrder.Quotient,
        },
    ];
}
