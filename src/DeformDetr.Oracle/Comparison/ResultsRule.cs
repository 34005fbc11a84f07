using System.Globalization;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle;

// Post-processed detections of one picture, judged as a ranking: scores by rank; labels and boxes within groups of scores that lie closer
// than δ.
internal static class ResultsRule
{
    // One side's detections: scores, labels, boxes.
    public readonly record struct Side(double[] Scores, long[] Labels, double[] Boxes)
    {
        public static Side? Of(int picture, Func<string, Tensor?> tensors)
        {
            string prefix = string.Create(CultureInfo.InvariantCulture, $"results.{picture}.");
            Tensor? scores = tensors($"{prefix}scores");
            Tensor? boxes = tensors($"{prefix}boxes");
            bool whole = scores is not null && boxes is not null && tensors($"{prefix}labels") is Tensor<long>
                && scores.ElementType.IsFloat() && boxes.ElementType.IsFloat() && boxes.Length == 4 * scores.Length;
            return whole
                ? new Side(
                    PassRule.Numbers(scores!), ((Tensor<long>)tensors($"{prefix}labels")!).AsReadOnlySpan().ToArray(),
                    PassRule.Numbers(boxes!))
                : null;
        }

        public Side Reordered(int[] partners)
        {
            Side side = this;
            return new Side(
                side.Scores,
                [.. partners.Select(rank => side.Labels[rank])],
                [.. partners.SelectMany(rank => side.Boxes.AsSpan(4 * rank, 4).ToArray())]);
        }
    }

    // All (label, box) pairs that a picture's predictions offer, with their scores: who may stand in a group that the cut divides.
    public static Side? Candidates(int picture, Tensor? logits, Tensor? boxes, Tensor<long>? targetSizes)
    {
        if (logits is null || boxes is null || targetSizes is null || !logits.ElementType.IsFloat() || !boxes.ElementType.IsFloat())
        {
            return null;
        }

        int queries = logits.Shape[1];
        int classes = logits.Shape[2];
        double[] allLogits = PassRule.Numbers(logits);
        double[] allBoxes = PassRule.Numbers(boxes);
        double height = targetSizes[picture, 0];
        double width = targetSizes[picture, 1];
        Side side = new(new double[queries * classes], new long[queries * classes], new double[4 * queries * classes]);
        for (int item = 0; item < queries * classes; item++)
        {
            ReadOnlySpan<double> box = allBoxes.AsSpan(4 * ((picture * queries) + (item / classes)), 4);
            side.Scores[item] = Elementary.Sigmoid(allLogits[(picture * queries * classes) + item]);
            side.Labels[item] = item % classes;
            side.Boxes[4 * item] = (box[0] - (0.5 * box[2])) * width;
            side.Boxes[(4 * item) + 1] = (box[1] - (0.5 * box[3])) * height;
            side.Boxes[(4 * item) + 2] = (box[0] + (0.5 * box[2])) * width;
            side.Boxes[(4 * item) + 3] = (box[1] + (0.5 * box[3])) * height;
        }

        return side;
    }

    // For every rank of `wanted` the rank of `given` that belongs there: same group, same label, the nearest box.
    public static int[] Align(Side wanted, Side given, double delta)
    {
        ScoreGroups groups = new(wanted.Scores, delta);
        int[] partners = new int[wanted.Scores.Length];
        Array.Fill(partners, -1);
        bool[] used = new bool[given.Scores.Length];
        for (int pass = 0; pass < 2; pass++)
        {
            for (int rank = 0; rank < partners.Length; rank++)
            {
                if (partners[rank] >= 0)
                {
                    continue;
                }

                int best = -1;
                double nearest = double.PositiveInfinity;
                for (int other = 0; other < used.Length; other++)
                {
                    // First by label within the group; what is left, in order within the group.
                    if (used[other]
                        || other >= partners.Length
                        || groups.GroupOfRank[other] != groups.GroupOfRank[rank]
                        || (pass == 0 && given.Labels[other] != wanted.Labels[rank]))
                    {
                        continue;
                    }

                    double distance = pass == 0 ? Distance(wanted, rank, given, other) : other;
                    if (!(distance >= nearest))
                    {
                        best = other;
                        nearest = distance;
                    }
                }

                if (best >= 0)
                {
                    partners[rank] = best;
                    used[best] = true;
                }
            }
        }

        for (int rank = 0; rank < partners.Length; rank++)
        {
            partners[rank] = partners[rank] < 0 ? rank : partners[rank];
        }

        return partners;
    }

    // Puts, for ranks of a group that the cut divides, other members of the group in the place of the expected ones where the run chose
    // them.
    public static Side AtTheCut(Side wanted, Side given, Side candidates, double delta, double boxAllowance)
    {
        ScoreGroups groups = new(candidates.Scores, delta);
        int count = wanted.Scores.Length;
        if (count >= groups.Order.Length || groups.GroupOfRank[count] != groups.GroupOfRank[count - 1])
        {
            return wanted;
        }

        Side result = new(wanted.Scores, [.. wanted.Labels], [.. wanted.Boxes]);
        int cut = groups.GroupOfRank[count - 1];
        int[] ranks = [.. Enumerable.Range(0, count).Where(rank => groups.GroupOfRank[rank] == cut)];
        List<int> members = [.. Enumerable.Range(0, groups.Order.Length).Where(at => groups.GroupOfRank[at] == cut).Select(at => groups.Order[at])];

        // A member stands once: those that stand where they are expected take theirs first.
        bool Expected(int rank) => given.Labels[rank] == wanted.Labels[rank] && Distance(wanted, rank, given, rank) <= boxAllowance;
        foreach (int rank in ranks.OrderByDescending(Expected))
        {
            int at = members.FindIndex(
                item => candidates.Labels[item] == given.Labels[rank] && Distance(candidates, item, given, rank) <= boxAllowance);
            if (at < 0)
            {
                continue;
            }

            int member = members[at];
            members.RemoveAt(at);
            if (!Expected(rank))
            {
                result.Labels[rank] = candidates.Labels[member];
                candidates.Boxes.AsSpan(4 * member, 4).CopyTo(result.Boxes.AsSpan(4 * rank, 4));
            }
        }

        return result;
    }

    private static double Distance(Side a, int i, Side b, int j)
    {
        double largest = 0;
        for (int axis = 0; axis < 4; axis++)
        {
            double difference = Math.Abs(a.Boxes[(4 * i) + axis] - b.Boxes[(4 * j) + axis]);
            largest = difference <= largest ? largest : difference;
        }

        return largest;
    }
}
