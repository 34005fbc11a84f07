using System.Numerics;
using CommunityToolkit.HighPerformance.Buffers;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Tensors.Operators;

public static partial class MaxPool2d
{
    // Rows first, then along the row, both in vectors. A maximum is exact in any order.
    private static void Simd<T>(OperatorContext context, Tensor<T> input, int kernel, int stride, int padding, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int height = input.Shape[2];
        int width = input.Shape[3];
        int outputHeight = output.Shape[2];
        int outputWidth = output.Shape[3];
        context.Split(input.Shape[0] * input.Shape[1], Math.Max(1, (1 << 14) / Math.Max(1, height * width)), (first, last) =>
        {
            // A row of column maxima between its padding, then of the windows that start at each of its elements.
            int reach = ((outputWidth - 1) * stride) + 1;
            using SpanOwner<T> scratch = SpanOwner<T>.Allocate(width + (2 * padding) + reach);
            Span<T> padded = scratch.Span[..(width + (2 * padding))];
            Span<T> columnMaxima = padded.Slice(padding, width);
            Span<T> windowMaxima = scratch.Span[padded.Length..];
            padded.Fill(T.NegativeInfinity);
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

                    padded[..reach].CopyTo(windowMaxima);
                    for (int shift = 1; shift < kernel; shift++)
                    {
                        TensorPrimitives.Max(windowMaxima, padded.Slice(shift, reach), windowMaxima);
                    }

                    Conv2d.Pick(windowMaxima, stride, y.Slice(oy * outputWidth, outputWidth));
                }
            }
        });
    }
}
