using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;
using Ops = DeformDetr.Tensors.Operators;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Oracle;

internal sealed partial class NoiseAlgebra
{
    // The largest magnitude is brought to 2^40: products of two, summed, stay within float32, and so does what is 2^80 times smaller.
    private const int Headroom = 40;

    public override Quantity Linear(Quantity x, Quantity weight, Quantity? bias) =>
        Summed(
            _values.Linear(x, weight, bias), x, weight, bias, weight.Shape[1], 1, AlikeRows.In(weight.Real, weight.Shape[1], 1),
            (left, right) => Ops.Linear.Forward(_fast, left, right, null));

    public override Quantity MatMul(Quantity a, Quantity b, bool transposed = false) =>
        Summed(
            _values.MatMul(a, b, transposed), a, b, null, a.Shape[^1], 1,
            AlikeRows.In(b.Real, a.Shape[^1], transposed ? 1 : b.Shape[^1]),
            (left, right) => Ops.MatMul.Forward(_fast, left, right, transposed));

    public override Quantity Conv2d(Quantity x, Quantity weight, Quantity? bias, Conv2dWindow window)
    {
        Quantity value = _values.Conv2d(x, weight, bias, window);
        return Summed(
            value, x, weight, bias, weight.Shape.LengthFrom(1), value.Shape.LengthFrom(2),
            AlikeRows.In(weight.Real, weight.Shape.LengthFrom(1), 1),
            (left, right) => Ops.Conv2d.Forward(_fast, left, right, null, window));
    }

    public override Quantity FrozenBatchNorm(
        Quantity x, Quantity weight, Quantity bias, Quantity runningMean, Quantity runningVar, double epsilon = 1e-5)
    {
        // weight / √(runningVar + ε): the sum and ε (each halved by the root), the root by a function, the product; one more for x · scale.
        const double Scale = 0.5 + 0.5 + Function + 1 + 1;
        int channels = x.Shape[1];
        double[] slope = new double[channels];
        double[] moving = new double[channels];
        double[] still = new double[channels];
        for (int channel = 0; channel < channels; channel++)
        {
            double variance = runningVar.Real.AsReadOnlySpan()[channel] + epsilon;
            double mean = Math.Abs(runningMean.Real.AsReadOnlySpan()[channel]);
            double root = Math.Sqrt(variance);
            double scale = Math.Abs(weight.Real.AsReadOnlySpan()[channel]) / root;
            double shift = Math.Abs(bias.Real.AsReadOnlySpan()[channel]) + (mean * scale);
            double given = (At(Noise(weight), channel) / root) + (scale * At(Noise(runningVar), channel) / (2 * variance));
            slope[channel] = scale;
            moving[channel] = (Scale * U * scale) + given;
            still[channel] = (moving[channel] * mean) + (U * shift) + At(Noise(bias), channel) + (scale * At(Noise(runningMean), channel));
        }

        int pixels = x.Shape.LengthFrom(2);
        return Filled(_values.FrozenBatchNorm(x, weight, bias, runningMean, runningVar, epsilon), x.Shape[0] * channels,
            Math.Max(1, Part / Math.Max(1, pixels)), (first, last, to, result) =>
            {
                ReadOnlySpan<double> from = x.Real.AsReadOnlySpan();
                ReadOnlySpan<double> noise = Noise(x);
                for (int map = first; map < last; map++)
                {
                    int channel = map % channels;
                    Span<double> own = to.Slice(map * pixels, pixels);
                    ReadOnlySpan<double> y = result.Slice(map * pixels, pixels);
                    double shared = still[channel];
                    if (noise.Length == 0)
                    {
                        NoiseLanes.Affine(_unit, from.Slice(map * pixels, pixels), moving[channel], shared, U, y, own);
                        continue;
                    }

                    for (int i = 0; i < own.Length; i++)
                    {
                        int at = (map * pixels) + i;
                        double given = (moving[channel] * Math.Abs(from[at])) + (slope[channel] * noise[at]);
                        own[i] = _unit.Settle(given + shared + (U * Math.Abs(y[i])), y[i]);
                    }
                }
            });
    }

    // The largest of a window moves by no more than the most that one of the window moves by.
    public override Quantity MaxPool2d(Quantity x, int kernel, int stride, int padding) =>
        new(
            _values.MaxPool2d(x, kernel, stride, padding).Tensor,
            x.Noise is null ? null : Ops.MaxPool2d.Forward(_fast, x.Noise, kernel, stride, padding));

    // Σ a b + bias. Growth times the sum of magnitudes and what a's noise makes of b are one product, since both are linear in b:
    // Σ (growth |a| + noise of a) |b|. A run is how many elements in a row share a bias. Where all weights of an output are nearly alike,
    // and (outside convolutions) all inputs of a row are too, a chain's rounding doesn't average.
    private Quantity Summed(
        Quantity value, Quantity a, Quantity b, Quantity? bias, int terms, int run, AlikeRows alike,
        Func<Tensor<float>, Tensor<float>, Tensor<float>> product)
    {
        Tensor<double> noise = Context.Rent<double>(value.Shape);
        double growth = U * SumGrowth.Of(terms) * SumShare;
        using BufferScope scope = _fast.Scope();
        (Tensor<float> left, double leftUnit) = Magnitudes(a.Real, growth, a.Noise);
        (Tensor<float> right, double rightUnit) = Magnitudes(b.Real, 1, null);
        Tensor<float> sums = product(left, right);
        double unit = leftUnit * rightUnit;
        Tensor<float>? given = null;
        double givenUnit = 0;
        if (b.Noise is not null)
        {
            (Tensor<float> all, double allUnit) = Magnitudes(a.Real, 1, a.Noise);
            (Tensor<float> moved, double movedUnit) = Magnitudes(b.Noise, 1, null);
            given = product(all, moved);
            givenUnit = allUnit * movedUnit;
        }

        int outputs = run == 1 ? value.Shape[^1] : value.Shape[1];
        double[] biases = new double[outputs];
        for (int o = 0; bias is not null && o < outputs; o++)
        {
            biases[o] = (growth * Math.Abs(bias.Real.AsReadOnlySpan()[o])) + At(Noise(bias), o);
        }

        // What growth falls short of for sums of terms that are alike.
        double more = Math.Max(0, (terms / 2.0 / SumGrowth.Of(terms)) - 1);
        AlikeRows? inputs = alike.Any && run == 1 && more > 0 ? AlikeRows.In(a.Real, terms, 1) : null;

        // Rows of outputs, or maps of one output.
        int width = run == 1 ? outputs : run;
        int rows = value.Tensor.Length / Math.Max(1, width);
        Context.Split(rows, Math.Max(1, Part / Math.Max(1, width)), (first, last) =>
        {
            for (int row = first; row < last; row++)
            {
                ReadOnlySpan<double> y = value.Real.AsReadOnlySpan().Slice(row * width, width);
                ReadOnlySpan<float> own = sums.AsReadOnlySpan().Slice(row * width, width);
                Span<double> to = noise.AsSpan().Slice(row * width, width);
                double shared = run == 1 ? 0 : biases[row % outputs];
                bool mapAlike = run != 1 && more > 0 && alike.Is(row % outputs);
                bool rowAlike = inputs is not null && inputs.Is(row);
                if (!mapAlike && !rowAlike && given is null)
                {
                    NoiseLanes.Sum(_unit, own, unit, run == 1 ? biases : [], shared, y, to);
                    continue;
                }

                ReadOnlySpan<float> other = given is null ? [] : given.AsReadOnlySpan().Slice(row * width, width);
                int group = run == 1 ? row / Math.Max(1, rows / alike.Groups(outputs)) * outputs : 0;
                for (int i = 0; i < y.Length; i++)
                {
                    double moved = other.Length == 0 ? 0 : other[i] * givenUnit;
                    double added = run == 1 ? biases[i] : shared;
                    double sum = own[i] * unit;
                    if (mapAlike || (rowAlike && alike.Is(group + i)))
                    {
                        sum += more * (sum + (2 * added));
                    }

                    to[i] = _unit.Settle(sum + moved + added + (U * Math.Abs(y[i])), y[i]);
                }
            }
        });
        return new Quantity(value.Tensor, noise);
    }

    // factor · |x| + noise as float32, in units of a power of two, so that any scale keeps its bits.
    private (Tensor<float> Magnitudes, double Unit) Magnitudes(Tensor<double> x, double factor, Tensor<double>? noise)
    {
        double largest = (factor * Largest(Context, x)) + (noise is null ? 0 : Largest(Context, noise));
        int exponent = largest > 0 ? Math.Clamp(Headroom - Math.ILogB(largest), -1000, 1000) : 0;
        double up = Math.ScaleB(1, exponent);
        Tensor<float> result = _fast.Rent<float>(x.Shape);
        Context.Split(x.Length, Part, (first, last) =>
        {
            ReadOnlySpan<double> added = noise is null ? [] : noise.AsReadOnlySpan()[first..last];
            NoiseLanes.Magnitudes(x.AsReadOnlySpan()[first..last], factor * up, added, up, result.AsSpan()[first..last]);
        });
        return (result, Math.ScaleB(1, -exponent));
    }

    // The largest finite magnitude.
    private static double Largest(OperatorContext context, Tensor<double> x)
    {
        double largest = 0;
        Lock gate = new();
        context.Split(x.Length, Part, (first, last) =>
        {
            double own = Largest(x.AsReadOnlySpan()[first..last]);
            lock (gate)
            {
                largest = Math.Max(largest, own);
            }
        });
        return largest;
    }

    private static double Largest(ReadOnlySpan<double> x)
    {
        double largest = Math.Abs(TensorPrimitives.MaxMagnitude(x));
        if (double.IsFinite(largest))
        {
            return largest;
        }

        largest = 0;
        foreach (double element in x)
        {
            double size = Math.Abs(element);
            largest = size > largest && double.IsFinite(size) ? size : largest;
        }

        return largest;
    }

    // Which rows hold numbers of one sign that are nearly alike, for sums over them.
    private sealed class AlikeRows
    {
        private readonly bool[] _alike;

        private AlikeRows(bool[] alike)
        {
            _alike = alike;
            Any = alike.AsSpan().Contains(true);
        }

        public bool Any { get; }

        // Rows of so many numbers; a step above 1 means columns, of matrices one after another.
        public static AlikeRows In(Tensor<double> x, int length, int step)
        {
            bool[] alike = new bool[length == 0 ? 0 : x.Length / length];
            ReadOnlySpan<double> from = x.AsReadOnlySpan();
            for (int row = 0; row < alike.Length; row++)
            {
                int start = (row / step * step * length) + (row % step);
                double first = from[start];
                (double least, double most) = (first, first);
                bool within = first != 0;
                for (int i = 1; within && i < length; i++)
                {
                    double element = from[start + (i * step)];
                    (least, most) = (Math.Min(least, element), Math.Max(most, element));
                    within = SumGrowth.Alike(length, Math.Abs(first), most - least);
                }

                alike[row] = within;
            }

            return new AlikeRows(alike);
        }

        // How many matrices there are of so many rows.
        public int Groups(int rows) => Math.Max(1, _alike.Length / Math.Max(1, rows));

        public bool Is(int row) => _alike[row];
    }
}
