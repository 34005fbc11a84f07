using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// The largest quotient of error and noise, and where it is; over the elements that count, and over those under the mask that don't.
internal readonly record struct ErrorMeasure(double Largest, int At, double Padding)
{
    private const int Part = 1 << 14;

    // Elements between two comparisons with the largest so far.
    private const int Block = 1 << 10;

    // Error of the port against the right value, in units of the right one's noise; where that has none, only equality is right.
    public static ErrorMeasure InNoise(
        OperatorContext context, Tensor<double> port, Tensor<double> right, Tensor<double>? noise, Tensor<bool>? padding) =>
        Over(context, port.Length, (first, last) => noise is null
            ? Of(new Differences(port.AsReadOnlySpan(), right.AsReadOnlySpan()), padding, first, last)
            : Of(new Quotients(port.AsReadOnlySpan(), right.AsReadOnlySpan(), noise.AsReadOnlySpan()), padding, first, last));

    // The error itself, of a tensor in any precision.
    public static ErrorMeasure Absolute(OperatorContext context, Tensor tensor, Tensor<double> truth, Tensor<bool>? padding) =>
        Over(context, tensor.Length, (first, last) => tensor is Tensor<float> narrow
            ? Of(new NarrowErrors(narrow.AsReadOnlySpan(), truth.AsReadOnlySpan()), padding, first, last)
            : Of(new Errors(((Tensor<double>)tensor).AsReadOnlySpan(), truth.AsReadOnlySpan()), padding, first, last));

    // The largest error of several tensors over the elements that count. The truth is read once.
    public static double Spread(OperatorContext context, IReadOnlyList<Tensor<float>> tensors, Tensor<double> truth, Tensor<bool>? padding)
    {
        double largest = 0;
        Lock gate = new();
        context.Split(truth.Length, Part, (first, last) =>
        {
            double own = 0;
            for (int start = first; start < last; start += Block)
            {
                int end = Math.Min(start + Block, last);
                bool padded = padding is not null && padding.AsReadOnlySpan()[start..end].Contains(true);
                foreach (Tensor<float> tensor in tensors)
                {
                    NarrowErrors errors = new(tensor.AsReadOnlySpan(), truth.AsReadOnlySpan());
                    own = Math.Max(own, padded ? Of(errors, padding, start, end).Largest : LargestOf(errors, start, end));
                }
            }

            lock (gate)
            {
                largest = Math.Max(largest, own);
            }
        });
        return largest;
    }

    // The error of each element from an index on; never NaN.
    private interface IErrors
    {
        double this[int index] { get; }

        Vector512<double> Lanes(int index);
    }

    private ErrorMeasure With(double value, int at, bool padded) =>
        padded ? this with { Padding = Math.Max(Padding, value) }
        : value > Largest ? this with { Largest = value, At = at }
        : this;

    private static ErrorMeasure Of<TErrors>(TErrors errors, Tensor<bool>? padding, int first, int last)
        where TErrors : IErrors, allows ref struct
    {
        ErrorMeasure best = new(0, -1, 0);
        ReadOnlySpan<bool> padded = padding is null ? [] : padding.AsReadOnlySpan();
        for (int start = first; start < last; start += Block)
        {
            int end = Math.Min(start + Block, last);
            bool some = !padded.IsEmpty && padded[start..end].Contains(true);
            if (some && padded[start..end].Contains(false))
            {
                for (int i = start; i < end; i++)
                {
                    best = best.With(errors[i], i, padded[i]);
                }

                continue;
            }

            double largest = LargestOf(errors, start, end);
            if (some || largest > best.Largest)
            {
                int at = start;
                while (!some && errors[at] != largest)
                {
                    at++;
                }

                best = best.With(largest, at, some);
            }
        }

        return best;
    }

    private static double LargestOf<TErrors>(TErrors errors, int start, int end)
        where TErrors : IErrors, allows ref struct
    {
        Vector512<double> lanes = Vector512<double>.Zero;
        Vector512<double> others = Vector512<double>.Zero;
        int i = start;
        for (; i + 16 <= end; i += 16)
        {
            lanes = Larger(errors.Lanes(i), lanes);
            others = Larger(errors.Lanes(i + 8), others);
        }

        lanes = Larger(lanes, others);
        double largest = 0;
        for (int lane = 0; lane < 8; lane++)
        {
            largest = Math.Max(largest, lanes[lane]);
        }

        for (; i < end; i++)
        {
            largest = Math.Max(largest, errors[i]);
        }

        return largest;
    }

    // None is NaN.
    private static Vector512<double> Larger(Vector512<double> x, Vector512<double> y) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(x, y), x, y);

    private static ErrorMeasure Over(OperatorContext context, int length, Func<int, int, ErrorMeasure> part)
    {
        ErrorMeasure all = new(0, -1, 0);
        Lock gate = new();
        context.Split(length, Part, (first, last) =>
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

    private static Vector512<double> Load(ReadOnlySpan<double> from, int at) =>
        Vector512.LoadUnsafe(ref MemoryMarshal.GetReference(from), (nuint)at);

    // What can't be said in a number is infinitely wrong.
    private static double OrInfinite(double error) => double.IsNaN(error) ? double.PositiveInfinity : error;

    private static Vector512<double> OrInfinite(Vector512<double> errors) =>
        Vector512.ConditionalSelect(Vector512.Equals(errors, errors), errors, Vector512.Create(double.PositiveInfinity));

    private readonly ref struct Quotients(ReadOnlySpan<double> x, ReadOnlySpan<double> y, ReadOnlySpan<double> noise) : IErrors
    {
        private readonly ReadOnlySpan<double> _x = x;
        private readonly ReadOnlySpan<double> _y = y;
        private readonly ReadOnlySpan<double> _noise = noise;

        public double this[int index] =>
            Differences.Same(_x[index], _y[index]) ? 0 : OrInfinite(Math.Abs(_x[index] - _y[index]) / _noise[index]);

        public Vector512<double> Lanes(int index)
        {
            (Vector512<double> x, Vector512<double> y) = (Load(_x, index), Load(_y, index));
            return Vector512.AndNot(OrInfinite(Vector512.Abs(x - y) / Load(_noise, index)), Differences.Same(x, y));
        }
    }

    // Nothing or infinitely much.
    private readonly ref struct Differences(ReadOnlySpan<double> x, ReadOnlySpan<double> y) : IErrors
    {
        private readonly ReadOnlySpan<double> _x = x;
        private readonly ReadOnlySpan<double> _y = y;

        public double this[int index] => Same(_x[index], _y[index]) ? 0 : double.PositiveInfinity;

        public Vector512<double> Lanes(int index) =>
            Vector512.AndNot(Vector512.Create(double.PositiveInfinity), Same(Load(_x, index), Load(_y, index)));

        // NaN where NaN is right.
        public static bool Same(double x, double y) => x == y || (double.IsNaN(x) && double.IsNaN(y));

        public static Vector512<double> Same(Vector512<double> x, Vector512<double> y) =>
            Vector512.Equals(x, y) | Vector512.AndNot(~Vector512.Equals(x, x), Vector512.Equals(y, y));
    }

    private readonly ref struct Errors(ReadOnlySpan<double> x, ReadOnlySpan<double> y) : IErrors
    {
        private readonly ReadOnlySpan<double> _x = x;
        private readonly ReadOnlySpan<double> _y = y;

        public double this[int index] => Of(_x[index], _y[index]);

        public Vector512<double> Lanes(int index) => Of(Load(_x, index), Load(_y, index));

        public static double Of(double x, double y) => x == y ? 0 : OrInfinite(Math.Abs(x - y));

        public static Vector512<double> Of(Vector512<double> x, Vector512<double> y) =>
            Vector512.AndNot(OrInfinite(Vector512.Abs(x - y)), Vector512.Equals(x, y));
    }

    private readonly ref struct NarrowErrors(ReadOnlySpan<float> x, ReadOnlySpan<double> y) : IErrors
    {
        private readonly ReadOnlySpan<float> _x = x;
        private readonly ReadOnlySpan<double> _y = y;

        public double this[int index] => Errors.Of(_x[index], _y[index]);

        public Vector512<double> Lanes(int index)
        {
            Vector256<float> x = Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(_x), (nuint)index);
            return Errors.Of(Vector512.Create(Vector256.WidenLower(x), Vector256.WidenUpper(x)), Load(_y, index));
        }
    }
}
