using System.Numerics;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors.Simd;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

public static partial class FrozenBatchNorm
{
    // One fused multiply-add per element, with scale and shift rounded to T first.
    private static void Simd<T>(
        OperatorContext context, Tensor<T> input, ReadOnlySpan<double> scale, ReadOnlySpan<double> shift, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = input.Shape[1];
        int pixels = input.Shape.LengthFrom(2);
        (T[] scales, T[] shifts) = (Rounded<T>(scale), Rounded<T>(shift));
        context.Split(input.Shape[0] * channels, Math.Max(1, (1 << 15) / Math.Max(1, pixels)), (first, last) =>
        {
            for (int map = first; map < last; map++)
            {
                ReadOnlySpan<T> x = input.AsReadOnlySpan().Slice(map * pixels, pixels);
                Span<T> y = output.AsSpan().Slice(map * pixels, pixels);
                Affine(x, scales[map % channels], shifts[map % channels], y);
            }
        });
    }

    internal static T[] Rounded<T>(ReadOnlySpan<double> factors)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] rounded = new T[factors.Length];
        for (int channel = 0; channel < rounded.Length; channel++)
        {
            rounded[channel] = Round<T>(factors[channel]);
        }

        return rounded;
    }

    internal static void Affine<T>(ReadOnlySpan<T> x, T scale, T shift, Span<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Affine<Lanes512<T>, Vector512<T>, T>(x, scale, shift, y);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            Affine<Lanes256<T>, Vector256<T>, T>(x, scale, shift, y);
        }
        else
        {
            Affine<Lanes128<T>, Vector128<T>, T>(x, scale, shift, y);
        }
    }

    private static void Affine<TLanes, TVector, T>(ReadOnlySpan<T> x, T scale, T shift, Span<T> y)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TVector scales = TLanes.Broadcast(scale);
        TVector shifts = TLanes.Broadcast(shift);
        int i = 0;
        for (; i + TLanes.Count <= x.Length; i += TLanes.Count)
        {
            TLanes.Store(TLanes.MultiplyAdd(TLanes.Load(in x[i], 0), scales, shifts), ref y[i], 0);
        }

        for (; i < x.Length; i++)
        {
            y[i] = T.FusedMultiplyAdd(x[i], scale, shift);
        }
    }
}
