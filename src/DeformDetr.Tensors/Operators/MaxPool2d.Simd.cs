using System.Numerics;
using CommunityToolkit.HighPerformance.Buffers;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Tensors.Operators;

public static partial class MaxPool2d
{
    // Rows first, in vectors; then along the row. A maximum is exact in any order.
    private static void Simd<T>(OperatorContext context, Tensor<T> input, int kernel, int stride, int padding, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int height = input.Shape[2];
        int width = input.Shape[3];
        int outputHeight = output.Shape[2];
        int outputWidth = output.Shape[3];
        context.Split(input.Shape[0] * input.Shape[1], Math.Max(1, (1 << 14) / Math.Max(1, height * width)), (first, last) =>
        {
            using SpanOwner<T> scratch = SpanOwner<T>.Allocate(width);
            Span<T> columnMaxima = scratch.Span;
            for (int map = first; map < last; map++)
            {
                ReadOnlySpan<T> x = input.AsReadOnlySpan().Slice(map * height * width, height * width);
                Span<T> y = output.AsSpan().Slice(map * outputHeight * outputWidth, outputHeight * outputWidth);
                for (int oy = 0; oy < outputHeight; oy++)
                {
                    int top = Math.Max(0, (oy * stride) - padding);
                    int bottom = Math.Min(height, (oy * stride) - padding + kernel);
                    x.Slice(top * width, width).CopyTo(columnMaxima);
                    for (int iy = top + 1; iy < bottom; iy++)
                    {
                        TensorPrimitives.Max(columnMaxima, x.Slice(iy * width, width), columnMaxima);
                    }

                    for (int ox = 0; ox < outputWidth; ox++)
                    {
                        int left = Math.Max(0, (ox * stride) - padding);
                        int right = Math.Min(width, (ox * stride) - padding + kernel);
                        T maximum = columnMaxima[left];
                        for (int ix = left + 1; ix < right; ix++)
                        {
                            maximum = T.Max(maximum, columnMaxima[ix]);
                        }

                        y[(oy * outputWidth) + ox] = maximum;
                    }
                }
            }
        });
    }
}
