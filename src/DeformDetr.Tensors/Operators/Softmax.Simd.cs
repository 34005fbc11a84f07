using System.Numerics;
using System.Runtime.Intrinsics;
using CommunityToolkit.HighPerformance.Buffers;
using DeformDetr.Tensors.Numerics;
using DeformDetr.Tensors.Simd;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

public static partial class Softmax
{
    // Short rows go through the exponential together, so many elements at a time.
    private const int Together = 512;

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
        int group = Math.Max(1, Together / channels) * channels;
        using SpanOwner<double> scratch = SpanOwner<double>.Allocate(Math.Min(group, input.Length));
        for (int row = 0; row < input.Length; row += group)
        {
            int length = Math.Min(group, input.Length - row);
            ReadOnlySpan<T> x = input.Slice(row, length);
            Span<T> y = output.Slice(row, length);
            if (Vector512.IsHardwareAccelerated)
            {
                Group<DoubleLanes512, Vector512<double>, T>(x, channels, y, scratch.Span[..length]);
            }
            else if (Vector256.IsHardwareAccelerated)
            {
                Group<DoubleLanes256, Vector256<double>, T>(x, channels, y, scratch.Span[..length]);
            }
            else
            {
                Group<DoubleLanes128, Vector128<double>, T>(x, channels, y, scratch.Span[..length]);
            }
        }
    }

    private static void Group<TLanes, TVector, T>(ReadOnlySpan<T> x, int channels, Span<T> y, Span<double> powers)
        where TLanes : struct, IDoubleLanes<TVector>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int row = 0; row < x.Length; row += channels)
        {
            Shift<TLanes, TVector, T>(x.Slice(row, channels), powers.Slice(row, channels));
        }

        Elementary.Exp<double>(powers, powers);
        for (int row = 0; row < x.Length; row += channels)
        {
            Divide<TLanes, TVector, T>(powers.Slice(row, channels), y.Slice(row, channels));
        }
    }

    private static void Shift<TLanes, TVector, T>(ReadOnlySpan<T> x, Span<double> shifted)
        where TLanes : struct, IDoubleLanes<TVector>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double shift = Maximum<TLanes, TVector, T>(x);
        TVector shifts = TLanes.Broadcast(shift);
        int i = 0;
        for (; i + TLanes.Count <= x.Length; i += TLanes.Count)
        {
            TLanes.Store(TLanes.Subtract(Lanes.Load<TLanes, TVector, T>(in x[i], 0), shifts), ref shifted[i], 0);
        }

        for (; i < x.Length; i++)
        {
            shifted[i] = Widen(x[i]) - shift;
        }
    }

    private static void Divide<TLanes, TVector, T>(ReadOnlySpan<double> powers, Span<T> y)
        where TLanes : struct, IDoubleLanes<TVector>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double sum = RowSum.Of(powers);
        TVector sums = TLanes.Broadcast(sum);
        int i = 0;
        for (; i + TLanes.Count <= powers.Length; i += TLanes.Count)
        {
            Lanes.Store<TLanes, TVector, T>(TLanes.Divide(TLanes.Load(in powers[i], 0), sums), ref y[i], 0);
        }

        for (; i < powers.Length; i++)
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
            Vector128<double> two = Vector128.LoadUnsafe(in lanes[0]);
            for (int lane = 2; lane < lanes.Length; lane += 2)
            {
                two = Vector128.Max(two, Vector128.LoadUnsafe(in lanes[lane]));
            }

            maximum = Math.Max(two[0], two[1]);
        }

        for (; i < x.Length; i++)
        {
            maximum = Math.Max(maximum, Widen(x[i]));
        }

        return maximum;
    }
}
