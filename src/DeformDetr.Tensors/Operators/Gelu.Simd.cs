using System.Numerics;
using CommunityToolkit.HighPerformance.Buffers;
using DeformDetr.Tensors.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

public static partial class Gelu
{
    private const int Chunk = 1024;

    // The textbook's arithmetic, with erf in vectors: the same bits.
    private static void Simd<T>(OperatorContext context, Tensor<T> input, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        context.Split(input.Length, 1 << 12, (first, last) =>
        {
            using SpanOwner<double> owner = SpanOwner<double>.Allocate(Chunk);
            for (int from = first; from < last; from += Chunk)
            {
                int count = Math.Min(Chunk, last - from);
                ReadOnlySpan<T> x = input.AsReadOnlySpan().Slice(from, count);
                Span<T> y = output.AsSpan().Slice(from, count);
                Span<double> scratch = owner.Span[..count];
                for (int i = 0; i < count; i++)
                {
                    scratch[i] = Widen(x[i]) / Math.Sqrt(2);
                }

                Elementary.Erf<double>(scratch, scratch);
                for (int i = 0; i < count; i++)
                {
                    y[i] = Round<T>(Widen(x[i]) * 0.5 * (1 + scratch[i]));
                }
            }
        });
}
