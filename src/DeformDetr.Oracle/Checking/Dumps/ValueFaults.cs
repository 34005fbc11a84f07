using System.Globalization;
using DeformDetr.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Oracle;

/// <summary>Why a tensor's numbers can't be judged.</summary>
/// <param name="Text">What it holds and what was expected, in one line.</param>
/// <param name="IsBuffer">True where the numbers are a dump's and no step's: zeros, one number, or another tensor's bits.</param>
internal sealed record ValueFault(string Text, bool IsBuffer);

/// <summary>What makes a tensor's numbers unfit to be judged at all: NaN, misplaced infinities, nothing but zeros, one number.</summary>
internal static class ValueFaults
{
    /// <summary>The first fault, in one line; null where there is none.</summary>
    /// <param name="port">The port's tensor. Shape [..].</param>
    /// <param name="expected">What it should hold; infinities and NaN are right where this one has them. Shape as the port's.</param>
    /// <param name="dtype">The port's precision: what overflows in it may be infinite.</param>
    /// <param name="padding">True for elements that don't count; they are only said to be so. Shape as the port's.</param>
    /// <param name="context">Threads; null for this one.</param>
    /// <param name="placed">True where it is known already that NaN and infinities stand where they should and nowhere else.</param>
    public static ValueFault? Of(
        Tensor<double> port, Tensor<double> expected, DumpDType dtype, Tensor<bool>? padding = null, OperatorContext? context = null,
        bool placed = false)
    {
        if (port.Shape != expected.Shape)
        {
            return new ValueFault($"holds {port.Shape}; expected {expected.Shape}", IsBuffer: false);
        }

        ReadOnlySpan<double> x = port.AsReadOnlySpan();
        ReadOnlySpan<double> y = expected.AsReadOnlySpan();
        if (placed || (AllFinite(port, context) && AllFinite(expected, context)))
        {
            return Constant(x, y, dtype);
        }

        double overflow = dtype.Overflow();
        Misplaced nan = new();
        Misplaced infinite = new();
        Misplaced finite = new();
        for (int index = 0; index < x.Length; index++)
        {
            if (double.IsFinite(x[index]) ? double.IsFinite(y[index]) : x[index].Equals(y[index]))
            {
                continue;
            }

            bool padded = padding is not null && padding.AsReadOnlySpan()[index];
            if (double.IsNaN(x[index]))
            {
                nan.Add(index, padded);
            }
            else if (double.IsFinite(x[index]))
            {
                finite.Add(index, padded);
            }
            else if (!(double.IsFinite(y[index]) && Math.Abs(y[index]) >= overflow && (x[index] > 0) == (y[index] > 0)))
            {
                infinite.Add(index, padded);
            }
        }

        if (nan.Count > 0)
        {
            return Say("NaN", nan, port, expected);
        }

        if (infinite.Count > 0)
        {
            return Say("infinities", infinite, port, expected);
        }

        if (finite.Count > 0)
        {
            return Say("numbers where none is finite", finite, port, expected);
        }

        return Constant(x, y, dtype);
    }

    private static bool AllFinite(Tensor<double> tensor, OperatorContext? context)
    {
        if (context is null)
        {
            return TensorPrimitives.IsFiniteAll<double>(tensor.AsReadOnlySpan());
        }

        bool all = true;
        context.Split(tensor.Length, 1 << 16, (first, last) =>
        {
            if (!TensorPrimitives.IsFiniteAll(tensor.AsReadOnlySpan()[first..last]))
            {
                Volatile.Write(ref all, false);
            }
        });
        return all;
    }

    // Over the expected tensor's finite elements alone: infinities in their places are right, and a NaN never gets here but in its place.
    private static ValueFault? Constant(ReadOnlySpan<double> port, ReadOnlySpan<double> expected, DumpDType dtype)
    {
        double smallest = double.PositiveInfinity;
        double largest = double.NegativeInfinity;
        double first = double.NaN;
        for (int index = 0; index < port.Length; index++)
        {
            if (double.IsFinite(expected[index]))
            {
                smallest = Math.Min(smallest, expected[index]);
                largest = Math.Max(largest, expected[index]);
                first = double.IsNaN(first) ? port[index] : first;
                if (port[index] != first)
                {
                    return null;
                }
            }
        }

        // A range that the port's precision can't tell from one number may come out as one.
        bool varies = largest - smallest > 8 * dtype.Epsilon() * Math.Max(Math.Abs(smallest), Math.Abs(largest));
        if (!varies)
        {
            return null;
        }

        string held = first == 0 ? "zeros only" : $"{Number(first)} in every element";
        return new ValueFault(
            string.Create(CultureInfo.InvariantCulture, $"holds {held}; expected numbers from {smallest:G6} to {largest:G6}"), IsBuffer: true);
    }

    private static ValueFault Say(string what, Misplaced misplaced, Tensor<double> port, Tensor<double> expected)
    {
        string where = misplaced.Padded == 0 ? ""
            : misplaced.Padded == misplaced.Count ? ", all of them in padding"
            : string.Create(CultureInfo.InvariantCulture, $", {misplaced.Padded} of them in padding");
        double held = port.AsReadOnlySpan()[misplaced.First];
        double wanted = expected.AsReadOnlySpan()[misplaced.First];
        return new ValueFault(string.Create(
            CultureInfo.InvariantCulture,
            $"holds {what}: {misplaced.Count} of {port.Length} elements{where}, the first at {Place(port.Shape, misplaced.First)} "
            + $"holds {Number(held)}; expected {Number(wanted)} there"), IsBuffer: false);
    }

    private static string Number(double value) =>
        double.IsNaN(value) ? "NaN"
        : double.IsPositiveInfinity(value) ? "+inf"
        : double.IsNegativeInfinity(value) ? "-inf"
        : value.ToString("G6", CultureInfo.InvariantCulture);

    private static string Place(TensorShape shape, int index)
    {
        string[] words = new string[shape.Rank];
        for (int axis = shape.Rank - 1; axis >= 0; axis--)
        {
            words[axis] = (index % shape[axis]).ToString(CultureInfo.InvariantCulture);
            index /= shape[axis];
        }

        return $"[{string.Join(", ", words)}]";
    }

    private struct Misplaced
    {
        public int Count;
        public int Padded;
        public int First;

        public void Add(int index, bool padded)
        {
            First = Count == 0 ? index : First;
            Count++;
            Padded += padded ? 1 : 0;
        }
    }
}
