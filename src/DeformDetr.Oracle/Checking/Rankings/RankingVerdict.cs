namespace DeformDetr.Oracle;

// What is said of a ranking: are the same items chosen, do they stand in the same order, have they the same values.
internal sealed record RankingVerdict(RankingAspect Set, RankingAspect Order, RankingAspect Values)
{
    public bool Right => Set.Right && Order.Right && Values.Right;

    // Largest violation in noise; at most 1 where all is right.
    public double Worst => Math.Max(Set.Worst, Math.Max(Order.Worst, Values.Worst));

    public IEnumerable<string> Faults => [.. Set.Faults, .. Order.Faults, .. Values.Faults];

    public IEnumerable<string> Notes => [.. Set.Notes, .. Order.Notes, .. Values.Notes];
}

// One of the three: Worst is the largest violation in noise (right is at most 1, NaN isn't), Wrong how many items or ranks are concerned,
// Faults a sentence for each (the first few), Notes what is unusual and right.
internal sealed record RankingAspect(double Worst, int Wrong, IReadOnlyList<string> Faults, IReadOnlyList<string> Notes)
{
    public static RankingAspect Nothing { get; } = new(0, 0, [], []);

    public bool Right => Worst <= 1 && Wrong == 0;

    public RankingAspect With(RankingAspect other) =>
        new(Math.Max(Worst, other.Worst), Wrong + other.Wrong, [.. Faults, .. other.Faults], [.. Notes, .. other.Notes]);
}
