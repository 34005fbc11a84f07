namespace DeformDetr.Oracle;

// The cases that a law is tried on, and how they shrink.
internal sealed record LawSpace
{
    // How many configurations the cases of a run share, so that one start of a program can take many cases.
    private const int Configurations = 8;

    // Attempts to draw sizes that all differ; what the target refuses is never drawn.
    private const int Attempts = 100;

    // Symbol, least and most.
    public required IReadOnlyList<(string Symbol, int Least, int Most)> Symbols { get; init; }

    // Symbols that no two may share a size of, L among them, so that exchanged axes do not fit.
    public IReadOnlyList<string> Different { get; init; } = [];

    // Symbols that a configuration names.
    public IReadOnlyList<string> Configured { get; init; } = [];

    public (int Least, int Most) Levels { get; init; }

    // Numbers of levels that the target refuses.
    public IReadOnlyList<int> RefusedLevels { get; init; } = [];

    public int MostSide { get; init; } = 7;

    public IReadOnlyList<LawNumbers> Numbers { get; init; } = [LawNumbers.Plain];

    public IReadOnlyList<LawPoints> Points { get; init; } = [LawPoints.Inside];

    public IReadOnlyList<LawMasks> Masks { get; init; } = [LawMasks.None];

    // What sizes must obey beyond their ranges.
    public Func<LawCase, bool>? Allowed { get; init; }

    public LawCase Draw(int seed)
    {
        for (int attempt = 0; ; attempt++)
        {
            Random configured = LawCase.Seeded(seed % Configurations, -1 - attempt);
            Random random = LawCase.Seeded(seed, 1_000 + attempt);
            Dictionary<string, int> sizes = new(StringComparer.Ordinal);
            foreach ((string symbol, int least, int most) in Symbols)
            {
                sizes.Add(symbol, Size(Configured.Contains(symbol) ? configured : random, least, most));
            }

            int levels = Size(Configured.Count > 0 ? configured : random, Levels.Least, Levels.Most);
            LawFamily family = new(Any(random, Numbers), Any(random, Points), Any(random, Masks));
            LawCase drawn = new(sizes, [.. Enumerable.Range(0, levels).Select(_ => (Size(random, 1, MostSide), Size(random, 1, MostSide)))], seed, family);
            if (IsAllowed(drawn) && (AllDifferent(drawn) || attempt >= Attempts))
            {
                return drawn;
            }
        }
    }

    // Smaller cases, the much smaller ones first.
    public IEnumerable<LawCase> Shrink(LawCase given) => Smaller(given).Where(IsAllowed);

    private IEnumerable<LawCase> Smaller(LawCase given)
    {
        LawFamily plain = new(Numbers[0], Points[0], Masks[0]);
        LawCase least = given with { Sizes = Symbols.ToDictionary(size => size.Symbol, size => size.Least, StringComparer.Ordinal) };
        if (Symbols.Count(size => given[size.Symbol] > size.Least) > 1)
        {
            yield return least;
        }

        if (given.Levels.Count > Levels.Least)
        {
            yield return given with { Levels = [.. given.Levels.Take(Levels.Least)] };
            yield return given with { Levels = [.. given.Levels.Skip(1)] };
            yield return given with { Levels = [.. given.Levels.SkipLast(1)] };
        }

        foreach ((string symbol, int smallest, _) in Symbols)
        {
            foreach (int size in Below(given[symbol], smallest))
            {
                yield return given.With(symbol, size);
            }
        }

        for (int level = 0; level < given.Levels.Count; level++)
        {
            (int height, int width) = given.Levels[level];
            foreach (int size in Below(height, 1))
            {
                yield return WithLevel(given, level, (size, width));
            }

            foreach (int size in Below(width, 1))
            {
                yield return WithLevel(given, level, (height, size));
            }
        }

        LawFamily family = given.Family;
        foreach (LawFamily simpler in new[]
        {
            plain, family with { Numbers = plain.Numbers }, family with { Points = plain.Points }, family with { Masks = plain.Masks },
        }.Where(simpler => simpler != family).Distinct())
        {
            yield return given with { Family = simpler };
        }
    }

    private static LawCase WithLevel(LawCase given, int level, (int Height, int Width) size)
    {
        (int Height, int Width)[] levels = [.. given.Levels];
        levels[level] = size;
        return given with { Levels = levels };
    }

    private static IEnumerable<int> Below(int size, int least) =>
        new[] { least, (size + least) / 2, size - 1 }.Where(smaller => smaller >= least && smaller < size).Distinct();

    private bool IsAllowed(LawCase drawn) => !RefusedLevels.Contains(drawn.Levels.Count) && (Allowed is null || Allowed(drawn));

    private bool AllDifferent(LawCase drawn)
    {
        List<int> sizes = [.. Different.Select(symbol => symbol == "L" ? drawn.Levels.Count : drawn[symbol])];
        return sizes.Distinct().Count() == sizes.Count;
    }

    // Mostly small.
    private static int Size(Random random, int least, int most) =>
        random.Next(3) == 0 ? random.Next(least, most + 1) : random.Next(least, Math.Min(most, least + 4) + 1);

    private static T Any<T>(Random random, IReadOnlyList<T> among) => among[random.Next(among.Count)];
}
