using System.Globalization;

namespace DeformDetr.Oracle;

// Items chosen and ordered by scores that are known to within a noise of their own. A ranking is right where some scores, each within its
// noise, give it: exactly where no item stands behind (or is left out for) another whose score is smaller by more than both noises
// together. Unlike groups of neighbours (ScoreGroups), near-ties don't chain: a long run of them doesn't excuse exchanging its ends.
internal static class RankingRule
{
    // By how much a score that should be the smaller one is larger, in the noise of both; at most 1 can be rounding.
    public static double Excess(double larger, double smaller, double noise)
    {
        double gap = larger == smaller ? 0 : larger - smaller;
        return gap <= 0 ? 0 : noise > 0 ? gap / noise : gap > 0 ? double.PositiveInfinity : double.NaN;
    }

    // Items, best first; equal scores by the lower index. No NaN.
    public static int[] Sorted(ReadOnlySpan<double> scores)
    {
        double[] keys = new double[scores.Length];
        int[] items = new int[scores.Length];
        for (int item = 0; item < keys.Length; item++)
        {
            keys[item] = -scores[item];
            items[item] = item;
        }

        Array.Sort(keys, items);
        for (int from = 0; from < keys.Length;)
        {
            int to = from + 1;
            while (to < keys.Length && keys[to] == keys[from])
            {
                to++;
            }

            Array.Sort(items, from, to - from);
            from = to;
        }

        return items;
    }

    // Chosen: items, best first. Word: what an item is called in sentences.
    public static (RankingAspect Set, RankingAspect Order) Judge(
        ReadOnlySpan<double> scores, ReadOnlySpan<double> noise, ReadOnlySpan<long> chosen, Func<long, string> word, string picture)
    {
        AspectBuilder set = new(picture);
        AspectBuilder order = new(picture);
        for (int item = 0; item < scores.Length; item++)
        {
            if (double.IsNaN(scores[item]))
            {
                set.Fault(double.PositiveInfinity, $"the score of {word(item)} is NaN");
            }
            else if (!(noise[item] >= 0) || !double.IsFinite(noise[item]))
            {
                set.Fault(double.PositiveInfinity, $"the noise of {word(item)} is {NoiseWords.Count(noise[item])}");
            }
        }

        if (!set.Clean)
        {
            order.Fault(double.PositiveInfinity, "there is no order without scores");
            return (set.Build(), order.Build());
        }

        // Rank by item; what can't be an item, or stands twice, is left out from here on.
        int[] rankOf = new int[scores.Length];
        Array.Fill(rankOf, -1);
        List<int> ranks = [];
        for (int rank = 0; rank < chosen.Length; rank++)
        {
            long item = chosen[rank];
            if (item < 0 || item >= scores.Length)
            {
                set.Fault(double.PositiveInfinity, Invariant($"rank {rank} holds index {item}; expected 0 to {scores.Length - 1}"));
            }
            else if (rankOf[item] >= 0)
            {
                set.Fault(double.PositiveInfinity, Invariant($"{word(item)} is chosen twice, at ranks {rankOf[item]} and {rank}"));
            }
            else
            {
                rankOf[item] = rank;
                ranks.Add(rank);
            }
        }

        int[] sorted = Sorted(scores);
        JudgeSet(set, scores, noise, chosen, rankOf, ranks, sorted, word);
        JudgeOrder(order, scores, noise, chosen, ranks, word);
        return (set.Build(), order.Build());
    }

    private static void JudgeSet(
        AspectBuilder set, ReadOnlySpan<double> scores, ReadOnlySpan<double> noise, ReadOnlySpan<long> chosen, int[] rankOf,
        List<int> ranks, int[] sorted, Func<long, string> word)
    {
        int count = Math.Min(chosen.Length, sorted.Length);
        if (count == 0)
        {
            return;
        }

        int cut = sorted[count - 1];
        bool[] belongs = new bool[sorted.Length];
        List<int> missing = [];
        for (int rank = 0; rank < count; rank++)
        {
            belongs[sorted[rank]] = true;
            if (rankOf[sorted[rank]] < 0)
            {
                missing.Add(sorted[rank]);
            }
        }

        List<int> extra = [];
        for (int rank = sorted.Length - 1; rank >= count; rank--)
        {
            if (rankOf[sorted[rank]] >= 0)
            {
                extra.Add(sorted[rank]);
            }
        }

        // Places that hold no item at all leave that many of the missing ones, the best first, without an excuse.
        int holes = chosen.Length - ranks.Count;
        double[] worstOfMissing = new double[missing.Count];
        int[] rival = new int[missing.Count];
        double[] worstOfExtra = new double[extra.Count];
        for (int m = 0; m < missing.Count; m++)
        {
            foreach (int rank in ranks)
            {
                int other = (int)chosen[rank];
                double excess = Excess(scores[missing[m]], scores[other], noise[missing[m]] + noise[other]);
                if (!(excess <= worstOfMissing[m]))
                {
                    worstOfMissing[m] = excess;
                    rival[m] = other;
                }

                int e = belongs[other] ? -1 : extra.IndexOf(other);
                if (e >= 0 && !(excess <= worstOfExtra[e]))
                {
                    worstOfExtra[e] = excess;
                }
            }

            set.Reach(worstOfMissing[m]);
        }

        // An extra item is to blame where it is beyond noise below the cut, a missing one where it is above what is just outside.
        List<int> wrongExtra = [];
        for (int e = 0; e < extra.Count; e++)
        {
            if (!(worstOfExtra[e] <= 1) && !(Excess(scores[cut], scores[extra[e]], noise[cut] + noise[extra[e]]) <= 1))
            {
                wrongExtra.Add(extra[e]);
            }
        }

        int outside = count < sorted.Length ? sorted[count] : cut;
        List<int> wrongMissing = [];
        List<int> overtaken = [];
        for (int m = 0; m < missing.Count; m++)
        {
            bool above = !(Excess(scores[missing[m]], scores[outside], noise[missing[m]] + noise[outside]) <= 1);
            if (m < holes || (!(worstOfMissing[m] <= 1) && above))
            {
                wrongMissing.Add(missing[m]);
            }
            else if (!(worstOfMissing[m] <= 1))
            {
                overtaken.Add(m);
            }
        }

        int faults = Math.Max(wrongExtra.Count, wrongMissing.Count);
        for (int fault = 0; fault < faults; fault++)
        {
            string? chosenWrongly = null;
            if (fault < wrongExtra.Count)
            {
                int item = wrongExtra[fault];
                string far = NoiseWords.Gap(scores[cut] - scores[item], noise[cut] + noise[item]);
                chosenWrongly = $"{word(item)} is chosen, its score {NoiseWords.Number(scores[item])} is {far} below the cut";
            }

            string? left = null;
            if (fault < wrongMissing.Count)
            {
                int item = wrongMissing[fault];
                string far = NoiseWords.Gap(scores[item] - scores[outside], noise[item] + noise[outside]);
                left = chosenWrongly is not null ? $"{word(item)} is missing"
                    : $"{word(item)} is missing, its score {NoiseWords.Number(scores[item])} is {far} above the cut";
            }

            set.Fault(0, chosenWrongly is null || left is null ? chosenWrongly ?? left! : $"{chosenWrongly}; {left}");
        }

        // Only where noises differ: near the cut on its own, and yet beaten by one that is left out.
        if (faults == 0)
        {
            foreach (int m in overtaken)
            {
                string far = NoiseWords.Gap(scores[missing[m]] - scores[rival[m]], noise[missing[m]] + noise[rival[m]]);
                set.Fault(0, $"{word(rival[m])} is chosen and {word(missing[m])} isn't, whose score is {far} above its");
            }
        }

        if (set.Clean && extra.Count > 0)
        {
            set.Note(Invariant(
                $"{extra.Count} of {count} are exchanged across the cut within noise, such as {word(extra[0])} for {word(missing[^1])}"));
        }
    }

    private static void JudgeOrder(
        AspectBuilder order, ReadOnlySpan<double> scores, ReadOnlySpan<double> noise, ReadOnlySpan<long> chosen, List<int> ranks,
        Func<long, string> word)
    {
        // The least change that makes the order right: each item in turn moves before the first that it beats beyond noise, if any.
        List<int> repaired = [];
        double[] worst = new double[chosen.Length];
        foreach (int rank in ranks)
        {
            int item = (int)chosen[rank];
            int place = repaired.Count;
            for (int at = repaired.Count - 1; at >= 0; at--)
            {
                int other = (int)chosen[repaired[at]];
                double excess = Excess(scores[item], scores[other], noise[item] + noise[other]);
                order.Reach(excess);
                if (!(excess <= 1))
                {
                    place = at;
                    worst[rank] = Math.Max(worst[rank], excess);
                    worst[repaired[at]] = Math.Max(worst[repaired[at]], excess);
                }
            }

            repaired.Insert(place, rank);
        }

        int[] placeOf = new int[chosen.Length];
        for (int at = 0; at < ranks.Count; at++)
        {
            placeOf[repaired[at]] = ranks[at];
        }

        List<int> others = [];
        foreach (int rank in ranks)
        {
            int place = placeOf[rank];
            if (place == rank || placeOf[place] != rank)
            {
                others.Add(rank);
            }
            else if (place > rank)
            {
                NameExchange(order, scores, noise, chosen, rank, place, word);
            }
        }

        // One item that moves far shifts all between: only those are named that leave the rest in order. Near-ties around two exchanged
        // ones hide that each stands in the other's place; exchanging them back shows it.
        List<int> movers = Movers(others, placeOf);
        for (int i = 0; i < Math.Min(movers.Count, 16); i++)
        {
            int partner = i + 1;
            while (partner < movers.Count && !AreExchanged(scores, noise, chosen, ranks, movers[i], movers[partner]))
            {
                partner++;
            }

            if (partner < movers.Count)
            {
                NameExchange(order, scores, noise, chosen, movers[i], movers[partner], word);
                movers.RemoveAt(partner);
                movers.RemoveAt(i--);
            }
        }

        foreach (int rank in movers)
        {
            string far = double.IsFinite(worst[rank]) ? $"wrong by {NoiseWords.Count(worst[rank])} noise" : "wrong where there is no noise";
            order.Fault(0, Invariant($"rank {rank} holds {word(chosen[rank])}, whose place is rank {placeOf[rank]}: {far}"));
        }

        if (order.Clean)
        {
            NoteTies(order, scores, chosen, ranks);
        }
    }

    private static void NameExchange(
        AspectBuilder order, ReadOnlySpan<double> scores, ReadOnlySpan<double> noise, ReadOnlySpan<long> chosen, int rank, int place,
        Func<long, string> word)
    {
        (int item, int other) = ((int)chosen[rank], (int)chosen[place]);
        string far = NoiseWords.Gap(scores[other] - scores[item], noise[item] + noise[other]);
        order.Fault(0, Invariant($"ranks {rank} and {place} are exchanged ({word(item)} and {word(other)}): the gap is {far}"));
    }

    // Whether two items are out of order, and in order with all once they are put in each other's places.
    private static bool AreExchanged(
        ReadOnlySpan<double> scores, ReadOnlySpan<double> noise, ReadOnlySpan<long> chosen, List<int> ranks, int first, int second)
    {
        (int item, int other) = ((int)chosen[first], (int)chosen[second]);
        if (Excess(scores[other], scores[item], noise[item] + noise[other]) <= 1)
        {
            return false;
        }

        foreach (int rank in ranks)
        {
            int at = rank == first ? second : rank == second ? first : rank;
            foreach (int end in (ReadOnlySpan<int>)[first, second])
            {
                int place = end == first ? second : first;
                (int upper, int lower) = at < place ? ((int)chosen[rank], (int)chosen[end]) : ((int)chosen[end], (int)chosen[rank]);
                if (rank != end && !(Excess(scores[lower], scores[upper], noise[lower] + noise[upper]) <= 1))
                {
                    return false;
                }
            }
        }

        return true;
    }

    // What is left of a list of ranks when a longest sequence of ascending places is taken out.
    private static List<int> Movers(List<int> ranks, int[] placeOf)
    {
        int[] length = new int[ranks.Count];
        int[] previous = new int[ranks.Count];
        int last = -1;
        for (int i = 0; i < ranks.Count; i++)
        {
            length[i] = 1;
            previous[i] = -1;
            for (int j = 0; j < i; j++)
            {
                if (placeOf[ranks[j]] < placeOf[ranks[i]] && length[j] >= length[i])
                {
                    length[i] = length[j] + 1;
                    previous[i] = j;
                }
            }

            last = last < 0 || length[i] > length[last] ? i : last;
        }

        bool[] stays = new bool[ranks.Count];
        for (; last >= 0; last = previous[last])
        {
            stays[last] = true;
        }

        List<int> movers = [];
        for (int i = 0; i < ranks.Count; i++)
        {
            if (!stays[i])
            {
                movers.Add(ranks[i]);
            }
        }

        return movers;
    }

    private static void NoteTies(AspectBuilder order, ReadOnlySpan<double> scores, ReadOnlySpan<long> chosen, List<int> ranks)
    {
        double[] ranked = new double[ranks.Count];
        int[] items = new int[ranks.Count];
        for (int at = 0; at < items.Length; at++)
        {
            items[at] = (int)chosen[ranks[at]];
        }

        Array.Sort(items);
        for (int at = 0; at < items.Length; at++)
        {
            ranked[at] = scores[items[at]];
        }

        int[] sorted = Sorted(ranked);
        int other = 0;
        for (int at = 0; at < items.Length; at++)
        {
            other += items[sorted[at]] == chosen[ranks[at]] ? 0 : 1;
        }

        if (other > 0)
        {
            order.Note(Invariant(
                $"{other} of {items.Length} ranks hold another item than score and index give; all are ties within noise"));
        }
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
