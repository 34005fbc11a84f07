using System.Numerics;
using System.Runtime.Intrinsics;
using CommunityToolkit.HighPerformance.Buffers;
using DeformDetr.Tensors.Numerics;
using DeformDetr.Tensors.Simd;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

public static partial class Softmax
{
    private static void Simd<T>(OperatorContext context, Tensor<T> input, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = input.Shape[^1];
        context.Split(input.Length / channels, Math.Max(1, (1 << 12) / channels), (first, last) =>
            Rows(
                input.AsReadOnlySpan()[(first * channels)..(last * channels)], channels,
                output.AsSpan()[(first * channels)..(last * channels)]));
    }

    /// <summary>The Simd body for rows that lie one after another.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="input">Whole rows.</param>
    /// <param name="channels">How long a row is.</param>
    /// <param name="output">As long as the input; may be the same memory.</param>
    /// <exception cref="ArgumentException">Not whole rows, or another length of the output.</exception>
    public static void Rows<T>(ReadOnlySpan<T> input, int channels, Span<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.WholeRows(nameof(Softmax), input.Length, channels, output.Length);
        using SpanOwner<double> scratch = SpanOwner<double>.Allocate(channels);
        for (int row = 0; row + channels <= input.Length; row += channels)
        {
            ReadOnlySpan<T> x = input.Slice(row, channels);
            Span<T> y = output.Slice(row, channels);
            if (Vector512.IsHardwareAccelerated)
            {
                Row<DoubleLanes512, Vector512<double>, T>(x, y, scratch.Span);
            }
            else if (Vector256.IsHardwareAccelerated)
            {
                Row<DoubleLanes256, Vector256<double>, T>(x, y, scratch.Span);
            }
            else
            {
                Row<DoubleLanes128, Vector128<double>, T>(x, y, scratch.Span);
            }
        }
    }

    private static void Row<TLanes, TVector, T>(ReadOnlySpan<T> x, Span<T> y, Span<double> powers)
        where TLanes : struct, IDoubleLanes<TVector>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double shift = Maximum<TLanes, TVector, T>(x);
        TVector shifts = TLanes.Broadcast(shift);
        int i = 0;
        for (; i + TLanes.Count <= x.Length; i += TLanes.Count)
        {
            TLanes.Store(TLanes.Subtract(Lanes.Load<TLanes, TVector, T>(in x[i], 0), shifts), ref powers[i], 0);
        }

        for (; i < x.Length; i++)
        {
            powers[i] = Widen(x[i]) - shift;
        }

        Elementary.Exp<double>(powers, powers);
        double sum = RowSum.Of<double>(powers);
        TVector sums = TLanes.Broadcast(sum);
        for (i = 0; i + TLanes.Count <= x.Length; i += TLanes.Count)
        {
            Lanes.Store<TLanes, TVector, T>(TLanes.Divide(TLanes.Load(in powers[i], 0), sums), ref y[i], 0);
        }

        for (; i < x.Length; i++)
        {
            y[i] = Round<T>(powers[i] / sum);
        }
    }

    // Exact in any order.
    private static double Maximum<TLanes, TVector, T>(ReadOnlySpan<T> x)
        where TLanes : struct, IDoubleLanes<TVector>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double maximum = double.NegativeInfinity;
        int i = 0;
        if (x.Length >= TLanes.Count)
        {
            TVector largest = Lanes.Load<TLanes, TVector, T>(in x[0], 0);
            for (i = TLanes.Count; i + TLanes.Count <= x.Length; i += TLanes.Count)
            {
                largest = TLanes.Max(largest, Lanes.Load<TLanes, TVector, T>(in x[i], 0));
            }

            Span<double> lanes = stackalloc double[TLanes.Count];
            TLanes.Store(largest, ref lanes[0], 0);
            foreach (double lane in lanes)
            {
                maximum = Math.Max(maximum, lane);
            }
        }

        for (; i < x.Length; i++)
        {
            maximum = Math.Max(maximum, Widen(x[i]));
        }

        return maximum;
    }
}
