using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// The largest quotient of error and noise, and where it is; over the elements that count, and over those under the mask that don't.
internal readonly record struct ErrorMeasure(double Largest, int At, double Padding)
{
    private const int Chunk = 1 << 14;

    // Error of the port against the right value, in units of the right one's noise; where that has none, only equality is right.
    public static ErrorMeasure InNoise(
        OperatorContext context, Tensor<double> port, Tensor<double> right, Tensor<double>? noise, Tensor<bool>? padding) =>
        Over(context, port.Length, (first, last) =>
        {
            ErrorMeasure best = new(0, -1, 0);
            ReadOnlySpan<double> x = port.AsReadOnlySpan();
            ReadOnlySpan<double> y = right.AsReadOnlySpan();
            ReadOnlySpan<double> bound = noise is null ? default : noise.AsReadOnlySpan();
            ReadOnlySpan<bool> padded = padding is null ? default : padding.AsReadOnlySpan();
            for (int i = first; i < last; i++)
            {
                if (x[i] == y[i] || (double.IsNaN(x[i]) && double.IsNaN(y[i])))
                {
                    continue;
                }

                double ratio = bound.IsEmpty ? double.PositiveInfinity : Math.Abs(x[i] - y[i]) / bound[i];
                best = best.With(double.IsNaN(ratio) ? double.PositiveInfinity : ratio, i, !padded.IsEmpty && padded[i]);
            }

            return best;
        });

    // The error itself, of a tensor in any precision.
    public static ErrorMeasure Absolute(OperatorContext context, Tensor tensor, Tensor<double> truth, Tensor<bool>? padding) =>
        Over(context, tensor.Length, (first, last) =>
        {
            ErrorMeasure best = new(0, -1, 0);
            ReadOnlySpan<float> narrow = tensor is Tensor<float> f ? f.AsReadOnlySpan() : default;
            ReadOnlySpan<double> wide = tensor is Tensor<double> d ? d.AsReadOnlySpan() : default;
            ReadOnlySpan<double> y = truth.AsReadOnlySpan();
            ReadOnlySpan<bool> padded = padding is null ? default : padding.AsReadOnlySpan();
            for (int i = first; i < last; i++)
            {
                double x = narrow.IsEmpty ? wide[i] : narrow[i];
                double error = Math.Abs(x - y[i]);
                if (error <= best.Largest || x == y[i])
                {
                    continue;
                }

                best = best.With(double.IsNaN(error) ? double.PositiveInfinity : error, i, !padded.IsEmpty && padded[i]);
            }

            return best;
        });

    private ErrorMeasure With(double value, int at, bool padded) =>
        padded ? this with { Padding = Math.Max(Padding, value) }
        : value > Largest ? this with { Largest = value, At = at }
        : this;

    private static ErrorMeasure Over(OperatorContext context, int length, Func<int, int, ErrorMeasure> part)
    {
        ErrorMeasure all = new(0, -1, 0);
        Lock gate = new();
        context.Split(length, Chunk, (first, last) =>
        {
            ErrorMeasure own = part(first, last);
            lock (gate)
            {
                // The first of several equals, whichever thread comes first.
                bool better = own.Largest > all.Largest || (own.Largest == all.Largest && own.At >= 0 && own.At < all.At);
                all = new ErrorMeasure(
                    better ? own.Largest : all.Largest, better ? own.At : all.At, Math.Max(own.Padding, all.Padding));
            }
        });
        return all;
    }
}
