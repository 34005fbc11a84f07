namespace DeformDetr.Oracle;

internal sealed partial class NoiseAlgebra
{
    public override Quantity LayerNorm(Quantity x, Quantity weight, Quantity bias, double epsilon = 1e-5)
    {
        int channels = x.Shape[^1];
        Affine[] affine = [.. Enumerable.Range(0, channels).Select(channel => Affine.Of(weight, bias, channel))];
        return Filled(_values.LayerNorm(x, weight, bias, epsilon), x.Tensor.Length / channels, Math.Max(1, Part / channels),
            (first, last, to, result) =>
            {
                for (int row = first; row < last; row++)
                {
                    int start = row * channels;
                    NormRow norm = Row(x, start, channels, epsilon);
                    ReadOnlySpan<double> from = x.Real.AsReadOnlySpan().Slice(start, channels);
                    ReadOnlySpan<double> noise = x.Noise is null ? [] : x.Noise.AsReadOnlySpan().Slice(start, channels);
                    ReadOnlySpan<double> y = result.Slice(start, channels);
                    Span<double> own = to.Slice(start, channels);
                    for (int channel = 0; channel < own.Length; channel++)
                    {
                        own[channel] = _unit.Settle(
                            norm.Noise(from[channel], At(noise, channel), in affine[channel], y[channel]), y[channel]);
                    }
                }
            });
    }

    public override Quantity GroupNorm(Quantity x, int groups, Quantity weight, Quantity bias, double epsilon = 1e-5)
    {
        int channels = x.Shape[1] / groups;
        int pixels = x.Shape.LengthFrom(2);
        return Filled(_values.GroupNorm(x, groups, weight, bias, epsilon), x.Shape[0] * groups, 1, (first, last, to, result) =>
        {
            for (int group = first; group < last; group++)
            {
                int start = group * channels * pixels;
                NormRow norm = Row(x, start, channels * pixels, epsilon);
                for (int map = 0; map < channels; map++)
                {
                    Affine affine = Affine.Of(weight, bias, (group % groups * channels) + map);
                    ReadOnlySpan<double> from = x.Real.AsReadOnlySpan();
                    ReadOnlySpan<double> noise = Noise(x);
                    for (int i = start + (map * pixels); i < start + ((map + 1) * pixels); i++)
                    {
                        to[i] = _unit.Settle(norm.Noise(from[i], At(noise, i), in affine, result[i]), result[i]);
                    }
                }
            }
        });
    }

    public override Quantity Softmax(Quantity x)
    {
        int channels = x.Shape[^1];

        return Filled(_values.Softmax(x), x.Tensor.Length / channels, Math.Max(1, Part / channels), (first, last, to, result) =>
        {
            for (int row = first; row < last; row++)
            {
                ReadOnlySpan<double> from = x.Real.AsReadOnlySpan().Slice(row * channels, channels);
                ReadOnlySpan<double> y = result.Slice(row * channels, channels);
                ReadOnlySpan<double> noise = x.Noise is null ? [] : x.Noise.AsReadOnlySpan().Slice(row * channels, channels);
                Span<double> errors = to.Slice(row * channels, channels);
                double maximum = double.NegativeInfinity;
                (double least, double most) = (1, 0);
                double lost = 0;
                long repeats = 0;
                for (int channel = 0; channel < y.Length; channel++)
                {
                    maximum = Math.Max(maximum, from[channel]);
                    (least, most) = (Math.Min(least, y[channel]), Math.Max(most, y[channel]));
                    repeats += channel > 0 && from[channel] == from[channel - 1] ? 1 : 0;
                    lost += y[channel] < 2 * U ? Math.Min(y[channel], U) : 0;
                }

                // The sum of positive numbers, where those below its last place may be lost one by one; and the quotient, which may be a
                // product with a reciprocal.
                double sum = (U * (SumGrowth.Of(channels, 1.0 / channels, most - least, repeats) + 2)) + lost;

                // x − maximum is rounded, and so may be its product with log₂ e; an error of the maximum is common to all and cancels.
                for (int channel = 0; channel < y.Length; channel++)
                {
                    double distance = maximum - from[channel];
                    errors[channel] = distance <= double.MaxValue
                        ? (U * (Function + (2 * distance))) + Grown(At(noise, channel))
                        : 0;
                    sum += y[channel] * errors[channel];
                }

                for (int channel = 0; channel < y.Length; channel++)
                {
                    // Both y and a port's y lie in [0, 1].
                    double error = y[channel] * (errors[channel] + sum);
                    double bound = Math.Max(y[channel], 1 - y[channel]) + U;
                    errors[channel] = _unit.Settle(Math.Min(error, bound), y[channel]);
                }
            }
        });
    }

    // What a row, or a group, that is normalised errs by: (x − mean) / √(variance + ε), the variance in one pass or in two, the result
    // as (x − mean) · inverse or as x · inverse − mean · inverse.
    private NormRow Row(Quantity x, int start, int length, double epsilon)
    {
        ReadOnlySpan<double> from = x.Real.AsReadOnlySpan().Slice(start, length);
        ReadOnlySpan<double> noise = x.Noise is null ? [] : x.Noise.AsReadOnlySpan().Slice(start, length);
        double sum = 0;
        double magnitudes = 0;
        double given = 0;
        double least = double.PositiveInfinity;
        double most = double.NegativeInfinity;
        long repeats = 0;
        for (int i = 0; i < from.Length; i++)
        {
            repeats += i > 0 && from[i] == from[i - 1] ? 1 : 0;
            sum += from[i];
            magnitudes += Math.Abs(from[i]);
            least = Math.Min(least, from[i]);
            most = Math.Max(most, from[i]);
        }

        double mean = sum / length;
        magnitudes /= length;
        double variance = 0;
        double leaning = 0;
        for (int i = 0; i < from.Length; i++)
        {
            double deviation = from[i] - mean;
            variance += deviation * deviation;
            if (noise.Length != 0)
            {
                given += noise[i];
                leaning += Math.Abs(deviation) * noise[i];
            }
        }

        variance /= length;
        given /= length;
        double growth = SumGrowth.Of(length, magnitudes, most - least, repeats);

        // The sum and its division by the length.
        double meanError = U * ((growth * magnitudes) + Math.Abs(mean));

        // The mean of squares, with its division and the squares' own rounding, less the square of the mean: one pass. Two passes err by no
        // more, but for the square of the mean's error.
        double squares = variance + (mean * mean);
        double varianceError = (U * (growth + 3) * squares) + (2 * Math.Abs(mean) * meanError) + (meanError * meanError)
            + (2 * leaning / length) + (given * given);

        // A variance is never taken below 0. The sum with ε, and ε, count half; then the root by a function.
        double inverse = 1 / Math.Sqrt(variance + epsilon);
        double inverseError = Math.Max(
            (1 / Math.Sqrt(Math.Max(0, variance - varianceError) + epsilon)) - inverse,
            inverse - (1 / Math.Sqrt(variance + varianceError + epsilon)));
        return new NormRow(U, mean, meanError + given, inverse, inverseError + (U * (0.5 + 0.5 + Function) * inverse));
    }

    private readonly record struct Affine(double Weight, double Bias, double WeightNoise, double BiasNoise)
    {
        public static Affine Of(Quantity weight, Quantity bias, int channel) =>
            new(
                Math.Abs(weight.Real.AsReadOnlySpan()[channel]), Math.Abs(bias.Real.AsReadOnlySpan()[channel]),
                At(NoiseAlgebra.Noise(weight), channel), At(NoiseAlgebra.Noise(bias), channel));
    }

    private readonly record struct NormRow(double U, double Mean, double MeanError, double Inverse, double InverseError)
    {
        public double Noise(double from, double given, in Affine affine, double y)
        {
            double deviation = Math.Abs(from - Mean);

            // Products with the inverse and the weight, and in the folded form a product of x, one of the mean and their difference.
            double inside = (deviation * (InverseError + (2 * U * Inverse)))
                + ((MeanError + given) * (Inverse + InverseError))
                + (U * Inverse * (Math.Abs(from) + (2 * Math.Abs(Mean))));
            return (affine.Weight * inside) + (U * (affine.Bias + Math.Abs(y)))
                + (affine.WeightNoise * deviation * Inverse) + affine.BiasNoise;
        }
    }
}
