namespace DeformDetr.Oracle;

// Words for the axes of a shape in symbols, as the steps of the model have them.
internal static class AxisWords
{
    public static IReadOnlyList<string> Of(SymbolicShape shape)
    {
        bool heads = shape.Axes.Any(axis => SymbolicShape.Factors(axis).Contains("M"));
        return [.. shape.Axes.Select(axis => string.Join('·', SymbolicShape.Factors(axis).Select(factor => Word(factor))))];

        string Word(string factor) => factor switch
        {
            "N" => "batch",
            "S" => "token",
            "Lq" or "Q" => "query",
            "M" => "head",
            "L" => "level",
            "P" => "point",
            "D" or "C" or "O" or "I" => "channel",
            "H" or "Ho" or "h" => "row",
            "W" or "Wo" or "w" => "column",
            "K" => "class",
            "R" => "rank",
            "2" => "xy",
            "4" => "cxcywh",
            "2|4" => heads ? "xy" : "cxcywh",
            "3" => "rgb",
            _ => factor.ToLowerInvariant(),
        };
    }

    // As many words as a tensor has axes: what the symbols leave open is numbered.
    public static IReadOnlyList<string> Fill(IReadOnlyList<string> words, int rank) => words.Count == rank
        ? words
        : [.. Enumerable.Range(0, rank).Select(axis =>
            axis >= rank - words.Count && words.Count < rank ? words[axis - rank + words.Count] : FormattableString.Invariant($"axis {axis}"))];
}
