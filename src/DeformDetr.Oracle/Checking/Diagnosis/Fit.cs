using System.Globalization;
using System.Runtime.CompilerServices;

namespace DeformDetr.Oracle;

// A change with fitted numbers that turns a sheet into the port's tensor. Apply makes the changed sheet from one of any number of rows.
internal sealed record Fit(string Name, string Explanation, string Fix, string Detail, Func<Sheet, Sheet> Apply)
{
    private const double Rounding = 1.0 / (1 << 24);

    // Factors, offsets and both, over all or along an axis. Only fits that are worth a look are made; the caller measures them.
    // Skipped: an axis of which the sheet holds only some indices.
    public static IEnumerable<Fit> All(Step step, Sheet sheet, double[] port, int skipped)
    {
        double[] weights = Weights(sheet, port);
        int used = weights.Count(weight => weight > 0);
        if (used < 4)
        {
            yield break;
        }

        IReadOnlyList<(double Value, string Name)> nice = Nice(step, sheet);
        (double factor, _) = Line(sheet, port, weights, true, false);
        if (Found(factor))
        {
            foreach (double number in Candidates(factor, nice))
            {
                yield return Affine(
                    "constant factor", Text($"Everything is multiplied by {Say(number, nice)}."), Text($"Divide by {Say(number, nice)}."),
                    Text($"factor {Say(number, nice)}"), number, 0);
            }
        }

        (_, double offset) = Line(sheet, port, weights, false, true);
        if (Found(offset))
        {
            foreach (double number in Candidates(offset, nice))
            {
                yield return Affine(
                    "constant offset", Text($"{Say(number, nice)} is added to everything."), Text($"Subtract {Say(number, nice)}."),
                    Text($"offset {Say(number, nice)}"), 1, number);
            }
        }

        (factor, offset) = Line(sheet, port, weights, true, true);
        if (Found(factor) && Found(offset))
        {
            foreach (double first in Candidates(factor, nice))
            {
                foreach (double second in Candidates(offset, nice))
                {
                    yield return Affine(
                        "constant factor and offset",
                        Text($"Everything is multiplied by {Say(first, nice)}, then {Say(second, nice)} is added."),
                        "Undo the factor and the offset.", Text($"factor {Say(first, nice)}, offset {Say(second, nice)}"), first, second);
                }
            }
        }

        for (int axis = 0; axis < sheet.Shape.Rank; axis++)
        {
            int size = sheet.Shape[axis];
            if (axis == skipped || size < 2 || size > 4096 || used / size < 8)
            {
                continue;
            }

            int along = axis;
            string word = step.Axes[axis];
            double[] factors = Lines(sheet, port, weights, axis, true);
            if (factors.All(Found))
            {
                yield return new(
                    $"factor per {word}", $"Every {word} has a factor of its own.", $"Look for a scale or a weight along the {word} axis.",
                    Text($"factors {factors.Min():0.#####} to {factors.Max():0.#####}"),
                    on => Changed(on, i => factors[i / on.Shape.LengthFrom(along + 1) % size], _ => 0));
            }

            double[] offsets = Lines(sheet, port, weights, axis, false);
            if (offsets.All(Found))
            {
                yield return new(
                    $"offset per {word}", $"Every {word} has an offset of its own.",
                    $"Look for a bias or an embedding along the {word} axis.",
                    Text($"offsets {offsets.Min():0.#####} to {offsets.Max():0.#####}"),
                    on => Changed(on, _ => 1, i => offsets[i / on.Shape.LengthFrom(along + 1) % size]));
            }
        }
    }

    private static Fit Affine(string name, string explanation, string fix, string detail, double factor, double offset) =>
        new(name, explanation, fix, detail, on => Changed(on, _ => factor, _ => offset));

    private static Sheet Changed(Sheet on, Func<int, double> factor, Func<int, double> offset)
    {
        double[] values = new double[on.Values.Length];
        double[] noise = new double[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            double scale = factor(i);
            double scaled = on.Values[i] * scale;
            values[i] = scaled + offset(i);
            noise[i] = (Math.Abs(scale) * on.Noise[i]) + (Rounding * (Math.Abs(scaled) + Math.Abs(values[i])));
        }

        return new(on.Shape, values, noise);
    }

    // What an element counts: one over its squared noise; nothing where either side isn't finite.
    private static double[] Weights(Sheet sheet, double[] port)
    {
        double least = sheet.UsualNoise() * 1e-3;
        double[] weights = new double[port.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            double noise = Math.Max(sheet.Noise[i], Math.Max(least, Rounding * Math.Abs(sheet.Values[i])));
            weights[i] = double.IsFinite(port[i]) && double.IsFinite(sheet.Values[i]) && double.IsFinite(noise)
                ? (noise > 0 ? 1 / (noise * noise) : least > 0 ? 0 : 1)
                : 0;
        }

        return weights;
    }

    private static (double Factor, double Offset) Line(Sheet sheet, double[] port, double[] weights, bool scales, bool shifts)
    {
        (double w, double wx, double wy, double wxx, double wxy) = (0, 0, 0, 0, 0);
        for (int i = 0; i < port.Length; i++)
        {
            double weight = weights[i];
            if (weight > 0)
            {
                double x = sheet.Values[i];
                w += weight;
                wx += weight * x;
                wy += weight * port[i];
                wxx += weight * x * x;
                wxy += weight * x * port[i];
            }
        }

        return Solve(w, wx, wy, wxx, wxy, scales, shifts);
    }

    private static (double Factor, double Offset) Solve(double w, double wx, double wy, double wxx, double wxy, bool scales, bool shifts)
    {
        if (!shifts)
        {
            return (wxy / wxx, 0);
        }

        if (!scales)
        {
            return (1, (wy - wx) / w);
        }

        double determinant = (w * wxx) - (wx * wx);
        return (((w * wxy) - (wx * wy)) / determinant, ((wxx * wy) - (wx * wxy)) / determinant);
    }

    private static double[] Lines(Sheet sheet, double[] port, double[] weights, int axis, bool factors)
    {
        int size = sheet.Shape[axis];
        int width = sheet.Shape.LengthFrom(axis + 1);
        double[] over = new double[size];
        double[] under = new double[size];
        for (int i = 0; i < port.Length; i++)
        {
            double weight = weights[i];
            if (weight > 0)
            {
                int at = i / width % size;
                double x = sheet.Values[i];
                over[at] += weight * (factors ? x * port[i] : port[i] - x);
                under[at] += weight * (factors ? x * x : 1);
            }
        }

        for (int at = 0; at < size; at++)
        {
            // Nothing there to fit.
            over[at] = under[at] > 0 ? over[at] / under[at] : factors ? 1 : 0;
        }

        return over;
    }

    private static bool Found(double number) => double.IsFinite(number);

    // The number that was fitted, and before it the round one that it may stand for.
    private static IEnumerable<double> Candidates(double fitted, IReadOnlyList<(double Value, string Name)> nice)
    {
        foreach ((double value, _) in nice)
        {
            if (Math.Abs(fitted - value) <= 1e-4 * Math.Abs(value))
            {
                yield return value;
            }
        }

        yield return fitted;
    }

    private static string Say(double number, IReadOnlyList<(double Value, string Name)> nice)
    {
        foreach ((double value, string name) in nice)
        {
            if (value == number)
            {
                return name;
            }
        }

        return Text($"{number:0.########}");
    }

    private static IReadOnlyList<(double Value, string Name)> Nice(Step step, Sheet sheet)
    {
        List<(double Value, string Name)> nice = [];
        void Both(double value, string name)
        {
            nice.Add((value, name));
            nice.Add((1 / value, name.Contains('/') ? $"1/({name})" : $"1/{name}"));
        }

        nice.Add((-1, "-1"));
        foreach (double sign in (double[])[1, -1])
        {
            for (int n = 1; n <= 16; n++)
            {
                if (sign * n != 1)
                {
                    Both(sign * n, Text($"{sign * n:0}"));
                }
            }
        }

        foreach (int n in (int[])[32, 64, 100, 128, 255, 256, 512, 1000, 1024, 65535])
        {
            Both(n, Text($"{n}"));
        }

        foreach (int n in (int[])[2, 3, 8, 32, 64, 128, 256])
        {
            Both(Math.Sqrt(n), Text($"sqrt({n})"));
        }

        Both(Math.PI, "pi");
        Both(2 * Math.PI, "(2 pi)");
        StepOptions o = step.Options;
        Both(1.5, "1.5");
        Both(0.75, "0.75");
        if (o.Heads > 0 && o.Channels > 0)
        {
            Both(Math.Sqrt(o.Channels / (double)o.Heads), Text($"sqrt({o.Channels / o.Heads})"));
            Both(Math.Sqrt(o.Channels), Text($"sqrt({o.Channels})"));
            Both(o.Channels, Text($"{o.Channels}"));
            Both(Math.Max(1, o.Levels * o.Points), Text($"{o.Levels * o.Points}"));
        }

        for (int axis = 0; axis < sheet.Shape.Rank; axis++)
        {
            Both(Math.Max(1, sheet.Shape[axis]), Text($"{sheet.Shape[axis]}"));
        }

        nice.RemoveAll(entry => entry.Value == 1 || !double.IsFinite(entry.Value));
        nice.Add((1, "1"));
        return nice;
    }

    private static string Text(ref DefaultInterpolatedStringHandler text) => string.Create(CultureInfo.InvariantCulture, ref text);
}
