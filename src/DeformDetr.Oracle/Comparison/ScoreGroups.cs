namespace DeformDetr.Oracle;

// Scores in rank order, cut into groups whose neighbours lie closer than δ: inside a group order is free.
internal sealed class ScoreGroups
{
    private readonly int[] _groupOfItem;

    public ScoreGroups(double[] scores, double delta)
    {
        Order = [.. Enumerable.Range(0, scores.Length).OrderByDescending(item => scores[item]).ThenBy(item => item)];
        GroupOfRank = new int[scores.Length];
        _groupOfItem = new int[scores.Length];
        for (int rank = 0; rank < scores.Length; rank++)
        {
            bool joins = rank > 0 && !(scores[Order[rank - 1]] - scores[Order[rank]] >= Math.Max(delta, double.Epsilon));
            GroupOfRank[rank] = rank == 0 ? 0 : GroupOfRank[rank - 1] + (joins ? 0 : 1);
            _groupOfItem[Order[rank]] = GroupOfRank[rank];
        }
    }

    // Items, best first; equal scores by the lower index.
    public int[] Order { get; }

    public int[] GroupOfRank { get; }

    public int GroupOf(int item) => _groupOfItem[item];

    // How many of the ranks hold an item that may not stand there, or one that stands there twice.
    public int Misplaced(ReadOnlySpan<long> ranking)
    {
        HashSet<long> seen = [];
        int wrong = 0;
        for (int rank = 0; rank < ranking.Length; rank++)
        {
            long item = ranking[rank];
            bool right = item >= 0 && item < _groupOfItem.Length && seen.Add(item) && GroupOf((int)item) == GroupOfRank[rank];
            wrong += right ? 0 : 1;
        }

        return wrong;
    }

    // For every rank of `wanted`, the rank of `given` that holds the same item; what has no partner is paired in order.
    public static int[] Align(ReadOnlySpan<long> wanted, ReadOnlySpan<long> given)
    {
        int[] partner = new int[wanted.Length];
        Array.Fill(partner, -1);
        Dictionary<long, int> rankOf = [];
        for (int rank = 0; rank < given.Length; rank++)
        {
            rankOf.TryAdd(given[rank], rank);
        }

        bool[] used = new bool[given.Length];
        for (int rank = 0; rank < wanted.Length; rank++)
        {
            if (rankOf.TryGetValue(wanted[rank], out int at) && !used[at])
            {
                partner[rank] = at;
                used[at] = true;
            }
        }

        int free = 0;
        for (int rank = 0; rank < wanted.Length; rank++)
        {
            if (partner[rank] < 0)
            {
                while (used[free])
                {
                    free++;
                }

                partner[rank] = free;
                used[free] = true;
            }
        }

        return partner;
    }
}
