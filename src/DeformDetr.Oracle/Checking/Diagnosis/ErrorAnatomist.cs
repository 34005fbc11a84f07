using System.Globalization;
using System.Runtime.CompilerServices;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Says where in a tensor an error sits.
internal static class ErrorAnatomist
{
    private const int MostCells = 64;
    private const int Bins = 32;
    private const double Beyond = 1;

    // More elements than these aren't searched for factors.
    private const int MostFitted = 1 << 21;

    // The mask over tokens and the levels' sizes, where the tensor has tokens.
    public static ErrorAnatomy Examine(
        Step step, Tensor port, Quantity right, Tensor<bool>? paddingMask = null, Tensor<long>? spatialShapes = null)
    {
        Sheet expected = Sheet.Of(right);
        double[] values = Sheet.Numbers(port);
        double[] errors = new double[values.Length];
        for (int i = 0; i < errors.Length; i++)
        {
            errors[i] = Sheet.Error(values[i], expected.Values[i], expected.Noise[i]);
        }

        Along[] axes = [.. Enumerable.Range(0, expected.Shape.Rank).Select(axis => Profile(step, expected.Shape, errors, axis))];
        LevelLayout? levels = Levels(step, expected.Shape, spatialShapes);
        return new(
            [.. axes.Select(axis => new AxisProfile(axis.Word, axis.Share, axis.Largest))], Map(expected.Shape, errors, axes, levels),
            Histogram(errors), [.. Sentences(step, expected, values, errors, axes, paddingMask, levels)]);
    }

    private static LevelLayout? Levels(Step step, TensorShape shape, Tensor<long>? spatialShapes)
    {
        if (spatialShapes is null || step.Axes.Count < 2 || step.Axes[1] != "token")
        {
            return null;
        }

        LevelLayout layout = new(spatialShapes, StepKinds.Starts(spatialShapes));
        int last = layout.Count - 1;
        return layout.Start(last) + (layout.Height(last) * layout.Width(last)) == shape[1] ? layout : null;
    }

    private static Along Profile(Step step, TensorShape shape, double[] errors, int axis)
    {
        int size = shape[axis];
        int width = shape.LengthFrom(axis + 1);
        double[] largest = new double[size];
        long[] beyond = new long[size];
        double[] sum = new double[size];
        for (int start = 0, at = 0; start < errors.Length; start += width, at = at + 1 == size ? 0 : at + 1)
        {
            for (int i = start; i < start + width; i++)
            {
                double error = errors[i];
                largest[at] = Math.Max(largest[at], error);
                beyond[at] += error <= Beyond ? 0 : 1;
                sum[at] += Math.Min(error, 1e30);
            }
        }

        double each = Math.Max(1, errors.Length / Math.Max(1, size));
        return new(
            axis < step.Axes.Count ? step.Axes[axis] : Text($"axis {axis}"), [.. beyond.Select(count => count / each)], largest,
            [.. sum.Select(total => total / each)]);
    }

    private static long[] Histogram(double[] errors)
    {
        long[] bins = new long[Bins];
        foreach (double error in errors)
        {
            bins[error < 1.0 / 16 ? 0 : !double.IsFinite(error) ? Bins - 1 : Math.Clamp(Math.ILogB(error) + 5, 1, Bins - 1)]++;
        }

        return bins;
    }

    // Over the two axes along which the largest error varies most; tokens of the worst level as rows and columns.
    private static ErrorMap? Map(TensorShape shape, double[] errors, Along[] axes, LevelLayout? levels)
    {
        int[] order = [.. Enumerable.Range(0, axes.Length).Where(axis => shape[axis] > 1).OrderByDescending(axis => axes[axis].Variation)];
        if (order.Length == 0)
        {
            return null;
        }

        if (levels is not null && order.Take(2).Contains(1))
        {
            int level = Worst(axes[1].Largest, levels);
            int wide = levels.Width(level);
            return Pooled(
                Text($"row of level {level}"), Text($"column of level {level}"), levels.Height(level), wide,
                (row, column) => axes[1].Largest[levels.Start(level) + (row * wide) + column]);
        }

        if (order.Length == 1)
        {
            return null;
        }

        (int down, int across) = (Math.Min(order[0], order[1]), Math.Max(order[0], order[1]));
        (int rows, int columns) = (shape[down], shape[across]);
        (int rowWidth, int columnWidth) = (shape.LengthFrom(down + 1), shape.LengthFrom(across + 1));
        (int high, int broad) = (Math.Min(rows, MostCells), Math.Min(columns, MostCells));
        double[] cells = new double[high * broad];
        for (int i = 0; i < errors.Length; i++)
        {
            int row = i / rowWidth % rows;
            int column = i / columnWidth % columns;
            ref double cell = ref cells[((int)((long)row * high / rows) * broad) + (int)((long)column * broad / columns)];
            cell = Math.Max(cell, errors[i]);
        }

        return new(axes[down].Word, axes[across].Word, cells, broad);
    }

    private static ErrorMap Pooled(string down, string across, int rows, int columns, Func<int, int, double> error)
    {
        (int high, int broad) = (Math.Min(rows, MostCells), Math.Min(columns, MostCells));
        double[] cells = new double[high * broad];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                ref double cell = ref cells[((int)((long)row * high / rows) * broad) + (int)((long)column * broad / columns)];
                cell = Math.Max(cell, error(row, column));
            }
        }

        return new(down, across, cells, broad);
    }

    private static int Worst(IReadOnlyList<double> largest, LevelLayout levels)
    {
        int worst = 0;
        double most = -1;
        for (int level = 0; level < levels.Count; level++)
        {
            for (int cell = 0; cell < levels.Height(level) * levels.Width(level); cell++)
            {
                double error = largest[levels.Start(level) + cell];
                (worst, most) = error > most ? (level, error) : (worst, most);
            }
        }

        return worst;
    }

    private static IEnumerable<string> Sentences(
        Step step, Sheet right, double[] port, double[] errors, Along[] axes, Tensor<bool>? paddingMask, LevelLayout? levels)
    {
        long beyond = errors.LongCount(error => !(error <= Beyond));
        if (beyond == 0)
        {
            yield return "nothing is beyond noise";
            yield break;
        }

        bool narrowed = false;
        foreach (string sentence in (IEnumerable<string>)[
            .. Padding(right.Shape, step, axes, errors, paddingMask), .. axes.SelectMany(axis => Only(axis, levels is not null)),
            .. Places(step, right.Shape, errors, axes, levels)])
        {
            narrowed = true;
            yield return sentence;
        }

        foreach (string sentence in Signs(port, right, errors, beyond))
        {
            yield return sentence;
        }

        foreach (string sentence in Growth(axes, levels))
        {
            yield return sentence;
        }

        if (errors.Length <= MostFitted)
        {
            foreach (Fit fit in Fit.All(step, right, port, -1))
            {
                if (fit.Apply(right).Error(port) <= 2)
                {
                    yield return $"{fit.Name} ({fit.Detail})";
                    break;
                }
            }
        }

        double share = (double)beyond / errors.Length;
        if (!narrowed)
        {
            yield return share > 0.9
                ? "spread over everything"
                : Text($"spread over all axes, on {100 * share:0.##} % of the elements");
        }
    }

    private static IEnumerable<string> Padding(TensorShape shape, Step step, Along[] axes, double[] errors, Tensor<bool>? mask)
    {
        // Rows of the mask [N, S] go with the second axis, maps' [N, H, W] with the last two.
        bool tokens = mask is { Shape.Rank: 2 } && shape.Rank >= 2 && step.Axes.Count > 1 && step.Axes[1] == "token"
            && mask.Shape[0] == shape[0] && mask.Shape[1] == shape[1];
        bool maps = mask is { Shape.Rank: 3 } && shape.Rank == 4 && mask.Shape == TensorShape.Create([shape[0], shape[2], shape[3]]);
        if (mask is null || !(tokens || maps))
        {
            yield break;
        }

        int width = tokens ? shape.LengthFrom(2) : 1;
        int cells = mask.Length / Math.Max(1, shape[0]);
        (long inside, long outside, long padded) = (0, 0, 0);
        for (int i = 0; i < errors.Length; i++)
        {
            int cell = tokens ? i / width : (i / (shape[1] * cells) * cells) + (i % cells);
            bool padding = mask.AsReadOnlySpan()[cell];
            padded += padding ? 1 : 0;
            if (!(errors[i] <= Beyond))
            {
                inside += padding ? 1 : 0;
                outside += padding ? 0 : 1;
            }
        }

        if (padded > 0 && inside > 0 && outside == 0)
        {
            yield return "only padding";
        }
        else if (padded > 0 && inside == 0 && outside > (errors.Length - padded) / 2)
        {
            yield return "everything but padding";
        }
    }

    private static IEnumerable<string> Only(Along axis, bool levels)
    {
        int size = axis.Share.Count;
        int[] hit = [.. Enumerable.Range(0, size).Where(index => axis.Share[index] > 0)];
        if (size < 2 || hit.Length == size || hit.Length == 0 || (levels && axis.Word == "token" && hit.Length > 3))
        {
            yield break;
        }

        string word = axis.Word;
        if (Parts.TryGetValue(word, out string[]? parts) && parts.Length == size)
        {
            yield return $"only {string.Join(" and ", hit.Select(index => parts[index]))}";
        }
        else if (hit.Length == 1 && hit[0] == size - 1)
        {
            yield return Text($"only the last {word}, {hit[0]} of {size}");
        }
        else if (hit.Length <= 4)
        {
            yield return Text($"only {word} {string.Join(", ", hit.Select(index => Text($"{index}")))} of {size}");
        }
        else if (size - hit.Length <= 3)
        {
            yield return Text(
                $"every {word} but {string.Join(", ", Enumerable.Range(0, size).Except(hit).Select(index => Text($"{index}")))}");
        }
        else if (hit[^1] - hit[0] == hit.Length - 1)
        {
            yield return Text($"only {word} {hit[0]} to {hit[^1]} of {size}");
        }
        else if (hit.All(index => index % 2 == 1) && hit.Length >= size / 3)
        {
            yield return $"only every odd {word}";
        }
        else if (hit.All(index => index % 2 == 0) && hit.Length >= size / 3)
        {
            yield return $"only every even {word}";
        }
        else if (hit.Length <= size / 2)
        {
            yield return Text($"only {hit.Length} of {size} along the {word} axis");
        }
    }

    // Levels and borders, of tokens and of maps.
    private static IEnumerable<string> Places(Step step, TensorShape shape, double[] errors, Along[] axes, LevelLayout? levels)
    {
        if (levels is not null)
        {
            Along tokens = axes[1];
            List<int> hit = [];
            bool inner = false;
            bool[] touched = new bool[4];
            for (int level = 0; level < levels.Count; level++)
            {
                bool any = false;
                (int height, int width) = (levels.Height(level), levels.Width(level));
                for (int row = 0; row < height; row++)
                {
                    for (int column = 0; column < width; column++)
                    {
                        if (tokens.Share[levels.Start(level) + (row * width) + column] > 0)
                        {
                            any = true;
                            inner |= !OnBorder(touched, row, column, height, width);
                        }
                    }
                }

                if (any)
                {
                    hit.Add(level);
                }
            }

            if (hit.Count < levels.Count)
            {
                yield return $"only tokens of level {string.Join(", ", hit.Select(level => Text($"{level}")))}";
            }

            if (!inner)
            {
                string names = string.Join(", ", hit.Select(level => Text($"{level}")));
                yield return $"only the border of level {names}: {string.Join(", ", Sides(touched))}";
            }
        }
        else if (step.Axes.Count == 4 && step.Axes[2] == "row" && step.Axes[3] == "column")
        {
            (int height, int width) = (shape[2], shape[3]);
            bool[] touched = new bool[4];
            for (int i = 0; i < errors.Length; i++)
            {
                if (!(errors[i] <= Beyond) && !OnBorder(touched, i / width % height, i % width, height, width))
                {
                    yield break;
                }
            }

            yield return $"only the border: {string.Join(", ", Sides(touched))}";
        }
    }

    private static bool OnBorder(bool[] touched, int row, int column, int height, int width)
    {
        bool[] at = [row == 0, row == height - 1, column == 0, column == width - 1];
        for (int side = 0; side < 4; side++)
        {
            touched[side] |= at[side];
        }

        return at.Contains(true);
    }

    private static IEnumerable<string> Sides(bool[] touched) =>
        ((string[])["first row", "last row", "first column", "last column"]).Where((_, side) => touched[side]);

    private static IEnumerable<string> Signs(double[] port, Sheet right, double[] errors, long beyond)
    {
        (long above, long zero) = (0, 0);
        for (int i = 0; i < port.Length; i++)
        {
            if (!(errors[i] <= Beyond))
            {
                above += port[i] > right.Values[i] ? 1 : 0;
                zero += port[i] == 0 ? 1 : 0;
            }
        }

        if (beyond >= 8 && (above == 0 || above == beyond))
        {
            yield return above == 0 ? "all errors are downward" : "all errors are upward";
        }

        if (beyond >= 8 && zero == beyond)
        {
            yield return "the port is 0 wherever it is wrong";
        }
    }

    private static IEnumerable<string> Growth(Along[] axes, LevelLayout? levels)
    {
        foreach (Along axis in axes)
        {
            if (levels is not null && axis.Word == "token")
            {
                (int height, int width) = (levels.Height(0), levels.Width(0));
                double[] rows = new double[height];
                double[] columns = new double[width];
                for (int row = 0; row < height; row++)
                {
                    for (int column = 0; column < width; column++)
                    {
                        rows[row] += axis.Mean[(row * width) + column] / width;
                        columns[column] += axis.Mean[(row * width) + column] / height;
                    }
                }

                foreach ((string word, double[] means) in ((string, double[])[])[("row", rows), ("column", columns)])
                {
                    if (Trend(means) is { } trend)
                    {
                        yield return $"{trend} linearly with the {word} of level 0";
                    }
                }
            }
            else if (Trend(axis.Mean) is { } trend)
            {
                yield return $"{trend} linearly with the {axis.Word}";
            }
        }
    }

    // Null where the means don't lie on a line that rises or falls by a good part of them.
    private static string? Trend(IReadOnlyList<double> means)
    {
        int count = means.Count;
        double mean = means.Sum() / Math.Max(1, count);
        if (count < 8 || !double.IsFinite(mean) || mean <= 0)
        {
            return null;
        }

        double middle = (count - 1) / 2.0;
        (double xx, double xy, double yy) = (0, 0, 0);
        for (int i = 0; i < count; i++)
        {
            xx += (i - middle) * (i - middle);
            xy += (i - middle) * (means[i] - mean);
            yy += (means[i] - mean) * (means[i] - mean);
        }

        double correlation = xy / Math.Sqrt(xx * yy);
        bool steep = Math.Abs(xy / xx) * count > mean / 2;
        return !steep || !(Math.Abs(correlation) > 0.95) ? null : correlation > 0 ? "grows" : "falls";
    }

    private static readonly Dictionary<string, string[]> Parts = new(StringComparer.Ordinal)
    {
        ["xy"] = ["x", "y"],
        ["wh"] = ["w", "h"],
        ["hw"] = ["h", "w"],
        ["cxcywh"] = ["cx", "cy", "w", "h"],
        ["xyxy"] = ["x0", "y0", "x1", "y1"],
        ["rgb"] = ["red", "green", "blue"],
    };

    private static string Text(ref DefaultInterpolatedStringHandler text) => string.Create(CultureInfo.InvariantCulture, ref text);

    // Mean: of the errors in noise.
    private sealed record Along(string Word, IReadOnlyList<double> Share, IReadOnlyList<double> Largest, IReadOnlyList<double> Mean)
    {
        // How far the largest errors lie apart, in powers of two.
        public double Variation
        {
            get
            {
                double[] sizes = [.. Largest.Select(error => (double)Math.ILogB(Math.Clamp(error, 1.0 / 16, 1e30)))];
                double mean = sizes.Sum() / Math.Max(1, sizes.Length);
                return sizes.Sum(size => (size - mean) * (size - mean)) / Math.Max(1, sizes.Length);
            }
        }
    }
}
