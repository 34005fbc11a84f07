using System.Numerics;
using CommunityToolkit.HighPerformance.Buffers;
using DeformDetr.Tensors.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

public static partial class Softmax
{
    private static void Simd<T>(OperatorContext context, Tensor<T> input, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = input.Shape[^1];
        context.Split(input.Length / channels, Math.Max(1, (1 << 12) / channels), (first, last) =>
        {
            using SpanOwner<double> scratch = SpanOwner<double>.Allocate(channels);
            Span<double> powers = scratch.Span;
            for (int row = first; row < last; row++)
            {
                ReadOnlySpan<T> x = input.AsReadOnlySpan().Slice(row * channels, channels);
                Span<T> y = output.AsSpan().Slice(row * channels, channels);
                T maximum = T.NegativeInfinity;
                foreach (T value in x)
                {
                    maximum = T.Max(maximum, value);
                }

                double shift = Widen(maximum);
                for (int channel = 0; channel < channels; channel++)
                {
                    powers[channel] = Widen(x[channel]) - shift;
                }

                Elementary.Exp<double>(powers, powers);
                double sum = RowSum.Of<double>(powers);
                for (int channel = 0; channel < channels; channel++)
                {
                    y[channel] = Round<T>(powers[channel] / sum);
                }
            }
        });
    }
}
