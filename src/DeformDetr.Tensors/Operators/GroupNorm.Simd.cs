using System.Numerics;
using DeformDetr.Tensors.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

public static partial class GroupNorm
{
    private static void Simd<T>(
        OperatorContext context, Tensor<T> input, int groups, Tensor<T> weight, Tensor<T> bias, double epsilon, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = input.Shape[1] / groups;
        int pixels = input.Shape.LengthFrom(2);
        int size = channels * pixels;
        context.Split(input.Shape[0] * groups, Math.Max(1, (1 << 14) / Math.Max(1, size)), (first, last) =>
        {
            for (int item = first; item < last; item++)
            {
                ReadOnlySpan<T> x = input.AsReadOnlySpan().Slice(item * size, size);
                Span<T> y = output.AsSpan().Slice(item * size, size);
                double mean = RowSum.Of(x) / size;
                double inverse = 1 / Math.Sqrt((RowSum.OfSquares(x, mean) / size) + epsilon);
                for (int c = 0; c < channels; c++)
                {
                    int channel = (item % groups * channels) + c;
                    double scale = inverse * Widen(weight.AsReadOnlySpan()[channel]);
                    double shift = Widen(bias.AsReadOnlySpan()[channel]);
                    LayerNorm.Centre(x.Slice(c * pixels, pixels), mean, scale, shift, y.Slice(c * pixels, pixels));
                }
            }
        });
    }
}
