namespace DeformDetr.Oracle;

/// <summary>A generated case: sizes, a seed and families. All its tensors follow from it, so that it can shrink to something a person can hold.</summary>
/// <param name="Sizes">Sizes by their symbol, such as Lq.</param>
/// <param name="Levels">(H, W) of each level; empty where the operator has none.</param>
/// <param name="Seed">What its numbers are drawn from.</param>
/// <param name="Family">What kinds of numbers.</param>
public sealed record LawCase(
    IReadOnlyDictionary<string, int> Sizes, IReadOnlyList<(int Height, int Width)> Levels, int Seed, LawFamily Family)
{
    /// <summary>A size by its symbol.</summary>
    /// <param name="symbol">Such as Lq.</param>
    public int this[string symbol] => Sizes[symbol];

    internal int Tokens => Levels.Sum(level => level.Height * level.Width);

    internal LawCase With(string symbol, int size) =>
        this with { Sizes = new Dictionary<string, int>(Sizes, StringComparer.Ordinal) { [symbol] = size } };

    // Independent numbers for each purpose, so that a change of one size leaves the others' alone.
    internal Random Random(int purpose) => Seeded(Seed, purpose);

    // Numbers of neighbouring seeds have nothing in common; Random alone would make them alike. The finaliser of SplitMix64.
    internal static Random Seeded(int seed, int purpose)
    {
        ulong z = unchecked((((ulong)(uint)seed << 32) | (uint)purpose) + 0x9E3779B97F4A7C15);
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return new Random(unchecked((int)(z ^ (z >> 31))));
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        List<string> words = [.. Sizes.Select(pair => FormattableString.Invariant($"{pair.Key} {pair.Value}"))];
        if (Levels.Count > 0)
        {
            words.Add($"levels {string.Join(" ", Levels.Select(level => FormattableString.Invariant($"{level.Height}x{level.Width}")))}");
        }

        words.Add(FormattableString.Invariant($"seed {Seed}"));
        string family = Family.ToString();
        return string.Join(", ", family.Length == 0 ? words : [.. words, family]);
    }
}
