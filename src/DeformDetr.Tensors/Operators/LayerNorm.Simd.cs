using System.Numerics;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors.Numerics;
using DeformDetr.Tensors.Simd;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

public static partial class LayerNorm
{
    private static void Simd<T>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T> bias, double epsilon, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = weight.Length;
        context.Split(input.Length / channels, Math.Max(1, (1 << 14) / channels), (first, last) => Rows(
            input.AsReadOnlySpan()[(first * channels)..(last * channels)], weight.AsReadOnlySpan(), bias.AsReadOnlySpan(), epsilon,
            output.AsSpan()[(first * channels)..(last * channels)]));
    }

    /// <summary>The Simd body for rows that lie one after another.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="input">Whole rows.</param>
    /// <param name="weight">Factor per channel; as long as a row.</param>
    /// <param name="bias">Offset per channel; as long as a row.</param>
    /// <param name="epsilon">Added to the variance, inside the root.</param>
    /// <param name="output">As long as the input; may be the same memory.</param>
    /// <exception cref="ArgumentException">Not whole rows, or another length of the output or of the bias.</exception>
    public static void Rows<T>(ReadOnlySpan<T> input, ReadOnlySpan<T> weight, ReadOnlySpan<T> bias, double epsilon, Span<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = weight.Length;
        ShapeGuard.WholeRows(nameof(LayerNorm), input.Length, channels, output.Length);
        ShapeGuard.That(
            bias.Length == channels, nameof(LayerNorm), nameof(bias), $"holds {bias.Length} elements; expected as many as weight = {channels}.");
        for (int row = 0; row + channels <= input.Length; row += channels)
        {
            ReadOnlySpan<T> x = input.Slice(row, channels);
            double mean = RowSum.Of(x) / channels;
            double inverse = 1 / Math.Sqrt((RowSum.OfSquares(x, mean) / channels) + epsilon);
            Normalise(x, mean, inverse, weight, bias, output.Slice(row, channels));
        }
    }

    // y = (x − mean) · inverse · weight + bias in double lanes: the second product and the sum are fused, the result rounded once.
    private static void Normalise<T>(
        ReadOnlySpan<T> x, double mean, double inverse, ReadOnlySpan<T> weight, ReadOnlySpan<T> bias, Span<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Normalise<DoubleLanes512, Vector512<double>, T>(x, mean, inverse, weight, bias, y);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            Normalise<DoubleLanes256, Vector256<double>, T>(x, mean, inverse, weight, bias, y);
        }
        else
        {
            Normalise<DoubleLanes128, Vector128<double>, T>(x, mean, inverse, weight, bias, y);
        }
    }

    private static void Normalise<TLanes, TVector, T>(
        ReadOnlySpan<T> x, double mean, double inverse, ReadOnlySpan<T> weight, ReadOnlySpan<T> bias, Span<T> y)
        where TLanes : struct, IDoubleLanes<TVector>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TVector means = TLanes.Broadcast(mean);
        TVector inverses = TLanes.Broadcast(inverse);
        int i = 0;
        for (; i + TLanes.Count <= x.Length; i += TLanes.Count)
        {
            TVector normalised = TLanes.Multiply(TLanes.Subtract(Lanes.Load<TLanes, TVector, T>(in x[i], 0), means), inverses);
            TVector result = TLanes.MultiplyAdd(
                normalised, Lanes.Load<TLanes, TVector, T>(in weight[i], 0), Lanes.Load<TLanes, TVector, T>(in bias[i], 0));
            Lanes.Store<TLanes, TVector, T>(result, ref y[i], 0);
        }

        for (; i < x.Length; i++)
        {
            y[i] = Round<T>(Math.FusedMultiplyAdd((Widen(x[i]) - mean) * inverse, Widen(weight[i]), Widen(bias[i])));
        }
    }

    // y = (x − mean) · scale + shift in double lanes; shared with GroupNorm, whose factor is one per channel.
    internal static void Centre<T>(ReadOnlySpan<T> x, double mean, double scale, double shift, Span<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Centre<DoubleLanes512, Vector512<double>, T>(x, mean, scale, shift, y);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            Centre<DoubleLanes256, Vector256<double>, T>(x, mean, scale, shift, y);
        }
        else
        {
            Centre<DoubleLanes128, Vector128<double>, T>(x, mean, scale, shift, y);
        }
    }

    private static void Centre<TLanes, TVector, T>(ReadOnlySpan<T> x, double mean, double scale, double shift, Span<T> y)
        where TLanes : struct, IDoubleLanes<TVector>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TVector means = TLanes.Broadcast(mean);
        TVector scales = TLanes.Broadcast(scale);
        TVector shifts = TLanes.Broadcast(shift);
        int i = 0;
        for (; i + TLanes.Count <= x.Length; i += TLanes.Count)
        {
            TVector deviation = TLanes.Subtract(Lanes.Load<TLanes, TVector, T>(in x[i], 0), means);
            Lanes.Store<TLanes, TVector, T>(TLanes.MultiplyAdd(deviation, scales, shifts), ref y[i], 0);
        }

        for (; i < x.Length; i++)
        {
            y[i] = Round<T>(Math.FusedMultiplyAdd(Widen(x[i]) - mean, scale, shift));
        }
    }
}
