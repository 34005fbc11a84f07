using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle;

internal sealed partial class NoiseAlgebra
{
    private const double Temperature = 10000;

    private static readonly double[] Means = [0.485, 0.456, 0.406];

    private static readonly double[] Deviations = [0.229, 0.224, 0.225];

    public override Quantity SinePosition(Quantity mask, int channels)
    {
        // (count − ½) / (total + 10⁻⁶) · 2π: the sum, the quotient, 2π and the product.
        const double Embed = 1 + 1 + 1 + 1;
        TensorShape s = mask.Shape;
        (int height, int width) = (s[1], s[2]);
        int half = channels / 2;
        double[] rows = new double[mask.Mask.Length];
        double[] columns = new double[mask.Mask.Length];
        for (int n = 0; n < s[0]; n++)
        {
            for (int column = 0; column < width; column++)
            {
                Embedded(mask.Mask, (n * height * width) + column, height, width, rows);
            }

            for (int row = 0; row < height; row++)
            {
                Embedded(mask.Mask, ((n * height) + row) * width, width, 1, columns);
            }
        }

        int map = height * width;
        return Filled(_values.SinePosition(mask, channels), s[0] * channels, 4, (first, last, to, result) =>
        {
            for (int plane = first; plane < last; plane++)
            {
                int channel = plane % channels;
                double[] embed = channel < half ? rows : columns;
                int picture = plane / channels * map;
                Wave wave = new(channel % half, half);
                for (int cell = 0; cell < map; cell++)
                {
                    int i = (plane * map) + cell;
                    double argument = embed[picture + cell] / wave.Divisor;
                    to[i] = _unit.Settle(wave.Noise(argument, U * Embed * argument, U, result[i]), result[i]);
                }
            }
        });
    }

    public override Quantity ProposalPosition(Quantity proposals)
    {
        Quantity value = _values.ProposalPosition(proposals);
        int features = value.Shape[2] / 4;
        Wave[] waves = [.. Enumerable.Range(0, features).Select(feature => new Wave(feature, features))];
        return Filled(value, proposals.Tensor.Length, Math.Max(1, Part / features), (first, last, to, result) =>
        {
            for (int i = first; i < last; i++)
            {
                double x = proposals.Real.AsReadOnlySpan()[i];
                double y = Elementary.Sigmoid(x);

                // 2π and the product with it.
                double embed = y * 2 * Math.PI;
                double error = 2 * Math.PI * (SigmoidNoise(x, At(Noise(proposals), i), y) + (2 * U * y));
                for (int feature = 0; feature < features; feature++)
                {
                    int at = (i * features) + feature;
                    Wave wave = waves[feature];
                    double argument = embed / wave.Divisor;
                    to[at] = _unit.Settle(wave.Noise(argument, error / wave.Divisor, U, result[at]), result[at]);
                }
            }
        });
    }

    // A quotient of whole numbers; a product with the reciprocal is legal.
    public override Quantity ValidRatios(IReadOnlyList<Quantity> masks) => Rounded(_values.ValidRatios(masks), 2);

    public override Quantity EncoderReferencePoints(Quantity spatialShapes, Quantity validRatios)
    {
        Quantity value = _values.EncoderReferencePoints(spatialShapes, validRatios);

        // The cell's centre by steps of 1, its division by ratio · size (which may be a product with the reciprocal), the level's ratio.
        const double Roundings = 1 + 1 + 2 + 1;
        if (validRatios.Noise is null)
        {
            return Rounded(value, Roundings);
        }

        int levels = spatialShapes.Shape[0];
        int tokens = value.Shape[1];
        double[] sizes = Sizes(spatialShapes.Whole);
        int[] levelOf = new int[tokens];
        for (int level = 0, token = 0; level < levels; level++)
        {
            int cells = (int)(sizes[2 * level] * sizes[(2 * level) + 1]);
            levelOf.AsSpan(token, cells).Fill(level);
            token += cells;
        }

        return Filled(value, (first, last, to, result) =>
        {
            ReadOnlySpan<double> ratio = validRatios.Real.AsReadOnlySpan();
            ReadOnlySpan<double> noise = Noise(validRatios);
            for (int i = first; i < last; i++)
            {
                int token = i / (2 * levels);
                int n = token / tokens;
                int own = (((n * levels) + levelOf[token % tokens]) * 2) + (i % 2);
                int other = (n * levels * 2) + (i % (2 * levels));
                double relative = own == other ? 0 : (noise[own] / ratio[own]) + (noise[other] / ratio[other]);
                to[i] = _unit.Settle(Math.Abs(result[i]) * ((Roundings * U) + relative), result[i]);
            }
        });
    }

    // σ⁻¹ of a quotient (or a product with a reciprocal), as log(p / (1 − p)) or as a difference of logarithms; p = σ of the result.
    public override Quantity OutputProposals(Quantity maskFlatten, Quantity spatialShapes) =>
        Filled(_values.OutputProposals(maskFlatten, spatialShapes), (first, last, to, result) =>
        {
            for (int i = first; i < last; i++)
            {
                double p = Elementary.Sigmoid(result[i]);
                double rest = Elementary.Sigmoid(-result[i]);

                // p by 2, 1 − p by that of p and its own, their quotient by 1.
                double inside = 2 + (2 * p / rest) + 1 + 1;
                double logs = Math.Abs(Elementary.Log(p)) + Math.Abs(Elementary.Log(rest));
                to[i] = _unit.Settle(U * (inside + (Function * logs) + Math.Abs(result[i])), result[i]);
            }
        });

    public override Quantity DetectionBoxes(Quantity boxes, Quantity ranks, int classes, Quantity targetSizes)
    {
        Quantity value = _values.DetectionBoxes(boxes, ranks, classes, targetSizes);
        int count = ranks.Shape[1];
        int queries = boxes.Shape[1];
        return Filled(value, (first, last, to, result) =>
        {
            ReadOnlySpan<double> from = boxes.Real.AsReadOnlySpan();
            ReadOnlySpan<double> noise = Noise(boxes);
            for (int i = first; i < last; i++)
            {
                int n = i / (4 * count);
                int axis = i % 2;
                int at = (((n * queries) + (int)(ranks.Whole.AsReadOnlySpan()[i / 4] / classes)) * 4) + axis;
                double size = targetSizes.Whole.AsReadOnlySpan()[(2 * n) + 1 - axis];

                // The corner, and its product with the size; or both products first.
                double ends = (Math.Abs(from[at]) + (0.5 * Math.Abs(from[at + 2]))) * U;
                double given = At(noise, at) + (0.5 * At(noise, at + 2));
                to[i] = _unit.Settle((size * (ends + given)) + (2 * U * Math.Abs(result[i])), result[i]);
            }
        });
    }

    // (x / 255 − mean) / deviation, or x · scale + shift. The values themselves are made in float32, so that roundings count on both sides.
    public override Quantity NormalizePictures(IReadOnlyList<Quantity> resized)
    {
        Quantity value = _values.NormalizePictures(resized);
        (int height, int width) = (value.Shape[2], value.Shape[3]);
        return Filled(value, value.Shape[0] * 3 * height, Math.Max(1, Part / Math.Max(1, width)), (first, last, to, result) =>
        {
            for (int line = first; line < last; line++)
            {
                int channel = line / height % 3;
                TensorShape picture = resized[line / height / 3].Shape;
                int columns = line % height < picture[0] ? picture[1] : 0;
                (double mean, double deviation) = (Means[channel], Deviations[channel]);
                for (int column = 0; column < width; column++)
                {
                    int i = (line * width) + column;
                    double size = Math.Abs(result[i]);

                    // x / 255 by two (a reciprocal) and the mean by its rounding, then the difference, the deviation and the quotient by a
                    // reciprocal; the value's own: one of each, but for the reciprocals.
                    double light = Math.Abs((result[i] * deviation) + mean);
                    double port = (((2 * light) + mean) / deviation) + (4 * size);
                    double own = ((light + mean) / deviation) + (3 * size);
                    to[i] = column < columns ? _unit.Settle((U * port) + (NoiseUnit.Float32.Epsilon * own), result[i]) : 0;
                }
            }
        });
    }

    private Quantity Rounded(Quantity value, double roundings) =>
        Filled(value, (first, last, to, result) =>
        {
            for (int i = first; i < last; i++)
            {
                to[i] = _unit.Settle(roundings * U * Math.Abs(result[i]), result[i]);
            }
        });

    // Cumulative counts of what is not masked along a line, less a half, over the whole count, in [0, 2π]; as magnitudes.
    private static void Embedded(Tensor<bool> mask, int start, int length, int step, double[] embed)
    {
        double total = 0;
        for (int i = 0; i < length; i++)
        {
            total += mask.AsReadOnlySpan()[start + (i * step)] ? 0 : 1;
            embed[start + (i * step)] = total;
        }

        for (int i = 0; i < length; i++)
        {
            ref double at = ref embed[start + (i * step)];
            at = Math.Abs(at - 0.5) / (total + 1e-6) * (2 * Math.PI);
        }
    }

    // sin or cos of argument / 10000^(2·⌊i/2⌋/F).
    private readonly struct Wave(int feature, int features)
    {
        // The power: its exponent is a rounded quotient, and as exp(exponent · log 10000) it has two roundings more;
        // then a function. The argument's division by it is one more.
        private readonly double _power =
            (3 * LogTemperature * Exponent(feature, features)) + Function + 1;

        private const double LogTemperature = 9.210340371976184;

        public double Divisor { get; } = Elementary.Pow(Temperature, Exponent(feature, features));

        // Error: of the argument's numerator. Sine and cosine err by a function, and no argument moves them by more than 2.
        public double Noise(double argument, double error, double u, double y)
        {
            double moved = error + (u * _power * argument);
            double slope = Math.Sqrt(Math.Max(0, 1 - (y * y)));
            return Math.Min(2, (slope * moved) + (moved * moved / 2)) + (u * Function * Math.Abs(y));
        }

        private static double Exponent(int feature, int features) => 2.0 * (feature / 2) / features;
    }
}
