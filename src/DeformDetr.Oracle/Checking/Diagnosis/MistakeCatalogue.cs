namespace DeformDetr.Oracle;

// All mistakes that are known by name.
internal static class MistakeCatalogue
{
    public static IReadOnlyList<Mistake> All { get; } =
    [
        .. PictureMistakes.All, .. BackboneMistakes.All, .. PositionMistakes.All, .. AttentionMistakes.All, .. LayerMistakes.All,
        .. ProposalMistakes.All, .. ResultMistakes.All,
    ];

    private static readonly HashSet<string> Names = [.. All.Select(mistake => mistake.Name)];

    public static bool Has(string name) => Names.Contains(name);
}
