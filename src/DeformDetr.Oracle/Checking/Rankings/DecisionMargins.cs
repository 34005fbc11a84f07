using System.Globalization;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// How far the model's discrete decisions are from their other outcome, in noise; below 1 a decision is anybody's. What isn't a number
// decides nothing and has the margin 0. Nearest resizing of masks is integer arithmetic and so never close.
internal static class DecisionMargins
{
    // The k best of each row of scores [N, S]: where the ranking is cut, and which neighbours in it are nearest. noise [N, S]. The names
    // of items are numbers after the word, "token" or "score".
    public static IReadOnlyList<DecisionMargin> TopK(string name, Tensor<double> scores, Tensor<double> noise, int k, string word)
    {
        ShapeGuard.Rank("decision margins", nameof(scores), scores.Shape, "[N, S]", 2);
        (int batch, int items) = (scores.Shape[0], scores.Shape[1]);
        ShapeGuard.Require("decision margins", nameof(noise), noise.Shape, "[N, S]", batch, items);
        ShapeGuard.That(k >= 0 && k <= items, "decision margins", nameof(k), $"holds {k}; expected at most S = {items}.");
        Nearest cut = new();
        Nearest neighbours = new();
        for (int n = 0; n < batch; n++)
        {
            ReadOnlySpan<double> own = scores.AsReadOnlySpan().Slice(n * items, items);
            ReadOnlySpan<double> ownNoise = noise.AsReadOnlySpan().Slice(n * items, items);
            string picture = NoiseWords.Picture(n, batch);
            if (!AllNumbers(own))
            {
                cut.Add(0, k < items ? 1 : 0, () => $"{picture}scores that are NaN");
                neighbours.Add(0, Math.Max(0, k - 1), () => $"{picture}scores that are NaN");
                continue;
            }

            int[] sorted = RankingRule.Sorted(own);
            for (int rank = 1; rank < k; rank++)
            {
                (int upper, int lower) = (sorted[rank - 1], sorted[rank]);
                double margin = Margin(own[upper] - own[lower], ownNoise[upper] + ownNoise[lower]);
                int at = rank;
                neighbours.Add(margin, 1, () => Invariant($"{picture}rank {at - 1} against {at} ({word} {upper} and {word} {lower})"));
            }

            if (k > 0 && k < items)
            {
                (double margin, int inside, int outside) = Cut(own, ownNoise, sorted, k);
                cut.Add(margin, 1, () => Invariant($"{picture}the cut at rank {k} ({word} {inside} stays, {word} {outside} doesn't)"));
            }
        }

        return [.. cut.Report(name), .. neighbours.Report(name)];
    }

    // The cell that each coordinate of samplingLocations [N, Lq, M, L, P, 2] falls in: the floor of location · size − 0.5, with the size of
    // the level from spatialShapes [L, 2], (H, W). Samples between cells are continuous there, so a flip changes gradients, not values.
    public static IReadOnlyList<DecisionMargin> SamplingFloor(
        string name, Tensor<double> samplingLocations, Tensor<double> noise, Tensor<long> spatialShapes)
    {
        TensorShape shape = samplingLocations.Shape;
        ShapeGuard.Rank("decision margins", "sampling_locations", shape, "[N, Lq, M, L, P, 2]", 6);
        (int levels, int points) = (shape[3], shape[4]);
        ShapeGuard.Require(
            "decision margins", "sampling_locations", shape, "[N, Lq, M, L, P, 2]", shape[0], shape[1], shape[2], levels, points, 2);
        ShapeGuard.Require("decision margins", "spatial_shapes", spatialShapes.Shape, "[L, 2]", levels, 2);
        ShapeGuard.That(noise.Shape == shape, "decision margins", nameof(noise), $"holds {noise.Shape}; expected {shape}.");
        if (samplingLocations.Length == 0)
        {
            return [];
        }

        ReadOnlySpan<double> locations = samplingLocations.AsReadOnlySpan();
        ReadOnlySpan<double> noises = noise.AsReadOnlySpan();
        double least = double.PositiveInfinity;
        int nearest = 0;
        long undecided = 0;
        for (int start = 0; start < locations.Length;)
        {
            for (int level = 0; level < levels; level++)
            {
                double height = spatialShapes[level, 0];
                double width = spatialShapes[level, 1];
                int end = start + (2 * points);
                for (int i = start; i < end; i++)
                {
                    double size = (i & 1) == 0 ? width : height;
                    double pixel = (locations[i] * size) - 0.5;

                    // Beyond the outermost cells there is nothing left to decide but whether it is beyond.
                    double whole = Math.Clamp(Math.Round(pixel), -1, size);
                    double margin = Margin(Math.Abs(pixel - whole), noises[i] * size);
                    undecided += margin >= 1 ? 0 : 1;
                    if (margin < least)
                    {
                        least = margin;
                        nearest = i;
                    }
                }

                start = end;
            }
        }

        int point = nearest / 2 % points;
        int atLevel = nearest / (2 * points) % levels;
        int head = nearest / (2 * points * levels) % shape[2];
        int query = nearest / (2 * points * levels * shape[2]) % shape[1];
        int picture = nearest / (2 * points * levels * shape[2] * shape[1]);
        string axis = (nearest & 1) == 0 ? "x" : "y";
        string what = Invariant(
            $"floor in sampling at [{picture}, {query}, {head}, {atLevel}, {point}], {axis} = {locations[nearest]:G9}");
        return [new DecisionMargin(name, what, least, undecided, locations.Length)];
    }

    // On which side of one of the thresholds each value lies, such as scores [..] of detections. noise [..].
    public static IReadOnlyList<DecisionMargin> Threshold(
        string name, string what, Tensor<double> values, Tensor<double> noise, params ReadOnlySpan<double> thresholds)
    {
        ShapeGuard.That(noise.Shape == values.Shape, "decision margins", nameof(noise), $"holds {noise.Shape}; expected {values.Shape}.");
        if (values.Length == 0 || thresholds.IsEmpty)
        {
            return [];
        }

        double least = double.PositiveInfinity;
        int nearest = 0;
        double threshold = thresholds[0];
        long undecided = 0;
        for (int i = 0; i < values.Length; i++)
        {
            foreach (double limit in thresholds)
            {
                double margin = Margin(Math.Abs(values.AsReadOnlySpan()[i] - limit), noise.AsReadOnlySpan()[i]);
                undecided += margin >= 1 ? 0 : 1;
                if (margin < least)
                {
                    (least, nearest, threshold) = (margin, i, limit);
                }
            }
        }

        string sentence = Invariant($"{what} {threshold} for element {nearest}, {values.AsReadOnlySpan()[nearest]:G9}");
        return [new DecisionMargin(name, sentence, least, undecided, (long)values.Length * thresholds.Length)];
    }

    // Whether the centre and sides of each cell's proposal lie within (0.01, 0.99), cells of padding aside. paddingMask [N, S], true is
    // padding. Sides are rounded twice, thresholds once, at the given epsilon; where a side is a threshold exactly (half a cell of 50)
    // the margin is 0: the answer hangs on how the port divides.
    public static IReadOnlyList<DecisionMargin> Validity(string name, Tensor<bool> paddingMask, LevelLayout levels, double epsilon)
    {
        ShapeGuard.Rank("decision margins", "padding_mask", paddingMask.Shape, "[N, S]", 2);
        (int batch, int tokens) = (paddingMask.Shape[0], paddingMask.Shape[1]);
        int last = levels.Count - 1;
        ShapeGuard.Require(
            "decision margins", "padding_mask", paddingMask.Shape, "[N, S]", batch,
            levels.Start(last) + (levels.Height(last) * levels.Width(last)));
        ReadOnlySpan<bool> padding = paddingMask.AsReadOnlySpan();
        double least = double.PositiveInfinity;
        string what = "";
        long undecided = 0;
        long of = 0;
        for (int n = 0; n < batch; n++)
        {
            for (int level = 0; level <= last; level++)
            {
                int start = (n * tokens) + levels.Start(level);
                int width = levels.Width(level);
                int cells = levels.Height(level) * width;
                int validHeight = 0;
                int validWidth = 0;
                for (int row = 0; row < levels.Height(level); row++)
                {
                    validHeight += padding[start + (row * width)] ? 0 : 1;
                }

                for (int column = 0; column < width; column++)
                {
                    validWidth += padding[start + column] ? 0 : 1;
                }

                for (int cell = 0; cell < cells; cell++)
                {
                    if (padding[start + cell])
                    {
                        continue;
                    }

                    for (int axis = 0; axis < 3; axis++)
                    {
                        double side = axis == 0 ? ((cell % width) + 0.5) / validWidth
                            : axis == 1 ? ((cell / width) + 0.5) / validHeight
                            : 0.05 * (1L << level);
                        foreach (double limit in (ReadOnlySpan<double>)[0.01, 0.99])
                        {
                            double margin = Margin(Math.Abs(side - limit), epsilon * ((2 * side) + limit));
                            undecided += margin >= 1 ? 0 : 1;
                            of++;
                            if (margin < least)
                            {
                                least = margin;
                                string word = axis == 0 ? "cx" : axis == 1 ? "cy" : "w and h";
                                what = Invariant($"validity of token {levels.Start(level) + cell}: {word} = {side:G9} against {limit}");
                                what = NoiseWords.Picture(n, batch) + what;
                            }
                        }
                    }
                }
            }
        }

        return of == 0 ? [] : [new DecisionMargin(name, what, least, undecided, of)];
    }

    // The pair across the cut that is nearest to being exchanged; not always the two beside it, as noises differ.
    private static (double Margin, int Inside, int Outside) Cut(
        ReadOnlySpan<double> scores, ReadOnlySpan<double> noise, int[] sorted, int k)
    {
        (double Margin, int Inside, int Outside) nearest = (double.PositiveInfinity, sorted[k - 1], sorted[k]);
        double largestNoise = 0;
        for (int rank = k; rank < sorted.Length; rank++)
        {
            largestNoise = Math.Max(largestNoise, noise[sorted[rank]]);
        }

        for (int rank = k - 1; rank >= 0; rank--)
        {
            int inside = sorted[rank];
            for (int below = k; below < sorted.Length; below++)
            {
                int outside = sorted[below];
                double gap = scores[inside] - scores[outside];
                if (Margin(gap, noise[inside] + largestNoise) > nearest.Margin)
                {
                    break;
                }

                double margin = Margin(gap, noise[inside] + noise[outside]);
                nearest = margin < nearest.Margin ? (margin, inside, outside) : nearest;
            }
        }

        return nearest;
    }

    // NaN decides nothing.
    private static double Margin(double distance, double noise)
    {
        double margin = distance > 0 ? distance / noise : 0;
        return margin >= 0 ? margin : 0;
    }

    private static bool AllNumbers(ReadOnlySpan<double> values)
    {
        foreach (double value in values)
        {
            if (double.IsNaN(value))
            {
                return false;
            }
        }

        return true;
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    // The least margin of one kind, and how many are below 1.
    private sealed class Nearest
    {
        private double _least = double.PositiveInfinity;
        private Func<string>? _what;
        private long _undecided;
        private long _of;

        public void Add(double margin, long decisions, Func<string> what)
        {
            _of += decisions;
            _undecided += margin >= 1 ? 0 : decisions;
            if (decisions > 0 && (_what is null || margin < _least))
            {
                _least = margin;
                _what = what;
            }
        }

        public IReadOnlyList<DecisionMargin> Report(string name) =>
            _what is null ? [] : [new DecisionMargin(name, _what(), _least, _undecided, _of)];
    }
}
