namespace DeformDetr.Oracle;

// All mistakes that are known by name.
internal static class MistakeCatalogue
{
    public static IReadOnlyList<Mistake> All { get; } =
    [
        .. PictureMistakes.All, .. BackboneMistakes.All, .. PositionMistakes.All, .. AttentionMistakes.All, .. LayerMistakes.All,
        .. ProposalMistakes.All, .. ResultMistakes.All,
    ];
}
