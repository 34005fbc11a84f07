using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle;

// The detections of one picture. A detection doesn't say whose it is, so each is first given a query and a class that it could be.
internal static partial class RankingCheck
{
    // What a wrong label, and an error that has no size, cost beside the natural logarithm of an error in noise.
    private const double WrongLabel = 11;
    private const double Hopeless = 64;

    // scores [R], labels [R], boxes [R, 4] of the port for picture n of predLogits [N, Q, K], predBoxes [N, Q, 4] and targetSizes [N, 2];
    // scoreNoise [N, Q, K] is that of probabilities, boxNoise [N, Q, 4] that of corners, in pixels.
    public static RankingVerdict Results(
        int n, Tensor<double> scores, Tensor<long> labels, Tensor<double> boxes, Tensor<double> predLogits, Tensor<double> predBoxes,
        Tensor<long> targetSizes, Tensor<double> scoreNoise, Tensor<double> boxNoise)
    {
        ShapeGuard.Rank("results", "pred_logits", predLogits.Shape, "[N, Q, K]", 3);
        ShapeGuard.Rank("results", nameof(scores), scores.Shape, "[R]", 1);
        (int batch, int queries, int classes) = (predLogits.Shape[0], predLogits.Shape[1], predLogits.Shape[2]);
        int count = scores.Length;
        ShapeGuard.Require("results", nameof(labels), labels.Shape, "[R]", count);
        ShapeGuard.Require("results", nameof(boxes), boxes.Shape, "[R, 4]", count, 4);
        ShapeGuard.Require("results", "pred_boxes", predBoxes.Shape, "[N, Q, 4]", batch, queries, 4);
        ShapeGuard.Require("results", "target_sizes", targetSizes.Shape, "[N, 2]", batch, 2);
        ShapeGuard.Require("results", "score_noise", scoreNoise.Shape, "[N, Q, K]", batch, queries, classes);
        ShapeGuard.Require("results", "box_noise", boxNoise.Shape, "[N, Q, 4]", batch, queries, 4);
        Detections side = new(
            ResultsRule.Candidates(n, predLogits, predBoxes, targetSizes)!.Value,
            new ResultsRule.Side(scores.AsReadOnlySpan().ToArray(), labels.AsReadOnlySpan().ToArray(), boxes.AsReadOnlySpan().ToArray()),
            scoreNoise.AsReadOnlySpan().Slice(n * queries * classes, queries * classes).ToArray(),
            boxNoise.AsReadOnlySpan().Slice(n * queries * 4, queries * 4).ToArray(), classes);
        string picture = NoiseWords.Picture(n, batch);
        int[] items = side.Assign();
        (RankingAspect set, RankingAspect order) = RankingRule.Judge(
            side.Candidates.Scores, side.ScoreNoise, Array.ConvertAll(items, item => (long)item), side.Word, picture);
        return new RankingVerdict(set, order, side.JudgeValues(items, picture));
    }

    // Noise of scores [N, Q, K] and corners [N, Q, 4] that a correct post-processing adds by itself, at a given epsilon: eight roundings of
    // the probability (1e-30 where it underflows), four of the terms of a corner.
    public static (Tensor<double> ScoreNoise, Tensor<double> BoxNoise) ResultsNoise(
        Tensor<double> predLogits, Tensor<double> predBoxes, Tensor<long> targetSizes, double epsilon)
    {
        ShapeGuard.Rank("results", "pred_logits", predLogits.Shape, "[N, Q, K]", 3);
        (int batch, int queries) = (predLogits.Shape[0], predLogits.Shape[1]);
        ShapeGuard.Require("results", "pred_boxes", predBoxes.Shape, "[N, Q, 4]", batch, queries, 4);
        ShapeGuard.Require("results", "target_sizes", targetSizes.Shape, "[N, 2]", batch, 2);
        Tensor<double> scoreNoise = new(predLogits.Shape);
        for (int i = 0; i < scoreNoise.Length; i++)
        {
            scoreNoise.AsSpan()[i] = 1e-30 + (8 * epsilon * Elementary.Sigmoid(predLogits.AsReadOnlySpan()[i]));
        }

        Tensor<double> boxNoise = new(predBoxes.Shape);
        for (int row = 0; row < batch * queries; row++)
        {
            ReadOnlySpan<double> box = predBoxes.AsReadOnlySpan().Slice(4 * row, 4);
            for (int corner = 0; corner < 4; corner++)
            {
                int axis = corner & 1;
                double terms = Math.Abs(box[axis]) + (0.5 * Math.Abs(box[2 + axis]));
                boxNoise.AsSpan()[(4 * row) + corner] = 4 * epsilon * terms * targetSizes[row / queries, 1 - axis];
            }
        }

        return (scoreNoise, boxNoise);
    }

    // Candidates are all (query, class) pairs, item = query · K + class.
    private sealed record Detections(
        ResultsRule.Side Candidates, ResultsRule.Side Given, double[] ScoreNoise, double[] BoxNoise, int Classes)
    {
        public string Word(long item) => Invariant($"query {item / Classes} as class {item % Classes}");

        public int[] Assign()
        {
            int[] items = new int[Given.Scores.Length];
            Array.Fill(items, -1);
            bool[] used = new bool[Candidates.Scores.Length];
            AssignWithinNoise(items, used);
            AssignRest(items, used);
            return items;
        }

        public RankingAspect JudgeValues(int[] items, string picture)
        {
            AspectBuilder values = new(picture);
            for (int rank = 0; rank < items.Length; rank++)
            {
                int item = items[rank];
                if (item < 0)
                {
                    values.Fault(double.PositiveInfinity, Invariant($"rank {rank} is nobody's detection"));
                    continue;
                }

                double score = ScoreError(rank, item);
                double box = BoxError(rank, item);
                double error = Math.Max(score, box);
                values.Reach(error);
                if (Given.Labels[rank] != Candidates.Labels[item])
                {
                    string sentence = Invariant(
                        $"rank {rank}, query {item / Classes}: label {Given.Labels[rank]}, expected {Candidates.Labels[item]}");
                    values.Fault(double.PositiveInfinity, sentence);
                }
                else if (!(score <= 1))
                {
                    string far = NoiseWords.Gap(Math.Abs(Given.Scores[rank] - Candidates.Scores[item]), ScoreNoise[item]);
                    string numbers = $"{NoiseWords.Number(Given.Scores[rank])}, expected {NoiseWords.Number(Candidates.Scores[item])}";
                    values.Fault(error, Invariant($"rank {rank}, {Word(item)}: score {numbers}; off by {far}"));
                }
                else if (!(box <= 1))
                {
                    string numbers = $"{Box(Given, rank)}, expected {Box(Candidates, item)}";
                    values.Fault(error, Invariant($"rank {rank}, {Word(item)}: box {numbers}; off by {NoiseWords.Count(box)} noise"));
                }
            }

            return values.Build();
        }

        // Who fits in label, score and box, to noise: as many as possible.
        private void AssignWithinNoise(int[] items, bool[] used)
        {
            int queries = used.Length / Classes;
            List<int> ranks = [];
            for (int label = 0; label < Classes; label++)
            {
                ranks.Clear();
                for (int rank = 0; rank < items.Length; rank++)
                {
                    if (Given.Labels[rank] == label)
                    {
                        ranks.Add(rank);
                    }
                }

                double[] cost = new double[ranks.Count * queries];
                for (int i = 0; i < ranks.Count; i++)
                {
                    for (int query = 0; query < queries; query++)
                    {
                        int item = (query * Classes) + label;
                        double score = ScoreError(ranks[i], item);
                        double error = score <= 1 ? Math.Max(score, BoxError(ranks[i], item)) : score;
                        cost[(i * queries) + query] = error <= 1 ? error : double.PositiveInfinity;
                    }
                }

                int[] columns = Assignment.Solve(cost, ranks.Count, queries);
                for (int i = 0; i < ranks.Count; i++)
                {
                    if (columns[i] >= 0)
                    {
                        items[ranks[i]] = (columns[i] * Classes) + label;
                        used[items[ranks[i]]] = true;
                    }
                }
            }
        }

        // The others stand for what should be there and isn't, or for the item of their own label that is nearest.
        private void AssignRest(int[] items, bool[] used)
        {
            List<int> ranks = [];
            for (int rank = 0; rank < items.Length; rank++)
            {
                if (items[rank] < 0)
                {
                    ranks.Add(rank);
                }
            }

            if (ranks.Count == 0 || Array.Exists(Candidates.Scores, double.IsNaN))
            {
                return;
            }

            List<int> columns = [];
            int[] sorted = RankingRule.Sorted(Candidates.Scores);
            for (int rank = 0; rank < Math.Min(items.Length, sorted.Length); rank++)
            {
                Offer(sorted[rank]);
            }

            foreach (int rank in ranks)
            {
                int nearest = -1;
                for (int query = 0; query < used.Length / Classes && Given.Labels[rank] >= 0 && Given.Labels[rank] < Classes; query++)
                {
                    int item = (query * Classes) + (int)Given.Labels[rank];
                    nearest = !used[item] && (nearest < 0 || Cost(rank, item) < Cost(rank, nearest)) ? item : nearest;
                }

                if (nearest >= 0)
                {
                    Offer(nearest);
                }
            }

            double[] cost = new double[ranks.Count * columns.Count];
            for (int i = 0; i < ranks.Count; i++)
            {
                for (int column = 0; column < columns.Count; column++)
                {
                    cost[(i * columns.Count) + column] = Cost(ranks[i], columns[column]);
                }
            }

            int[] partners = Assignment.Solve(cost, ranks.Count, columns.Count);
            for (int i = 0; i < ranks.Count; i++)
            {
                items[ranks[i]] = partners[i] < 0 ? -1 : columns[partners[i]];
            }

            void Offer(int item)
            {
                if (!used[item])
                {
                    used[item] = true;
                    columns.Add(item);
                }
            }
        }

        private double Cost(int rank, int item)
        {
            double label = Given.Labels[rank] == Candidates.Labels[item] ? 0 : WrongLabel;
            return label + Size(ScoreError(rank, item)) + Size(BoxError(rank, item));
        }

        private static double Size(double error) => error < 1e27 ? Elementary.Log(1 + error) : Hopeless;

        private double ScoreError(int rank, int item) => NoiseDistance.Of(Given.Scores[rank], Candidates.Scores[item], ScoreNoise[item]);

        private double BoxError(int rank, int item) => NoiseDistance.Largest(
            Given.Boxes.AsSpan(4 * rank, 4), Candidates.Boxes.AsSpan(4 * item, 4), BoxNoise.AsSpan(4 * (item / Classes), 4));

        private static string Box(ResultsRule.Side side, int at) =>
            "[" + string.Join(", ", Array.ConvertAll(side.Boxes[(4 * at)..((4 * at) + 4)], NoiseWords.Number)) + "]";
    }
}
