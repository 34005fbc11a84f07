using System.Numerics;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Tensors.Operators;

public static partial class Permute
{
    private const int Block = 32;

    // Strips of columns that fit the cache, turned in registers.
    private static void Simd<T>(OperatorContext context, Tensor<T> input, ReadOnlySpan<int> axes, Tensor<T> output)
        where T : unmanaged
    {
        int rows = input.Shape[^2];
        int columns = input.Shape[^1];
        int matrices = input.Length / Math.Max(1, rows * columns);
        int strips = (columns + Block - 1) / Block;
        context.Split(matrices * strips, Math.Max(1, (1 << 14) / Math.Max(1, rows * Block)), (first, last) =>
        {
            for (int item = first; item < last; item++)
            {
                ReadOnlySpan<T> x = input.AsReadOnlySpan().Slice(item / strips * rows * columns, rows * columns);
                Span<T> y = output.AsSpan().Slice(item / strips * rows * columns, rows * columns);
                int left = item % strips * Block;
                int right = Math.Min(columns, left + Block);
                TurnStrip(x, rows, columns, left, right, y[(left * rows)..]);
            }
        });
    }

    // target[column - left, row] = x[row, column] for columns [left, right).
    private static void TurnStrip<T>(ReadOnlySpan<T> x, int rows, int columns, int left, int right, Span<T> target)
        where T : unmanaged
    {
        int row = 0;
        for (; row + Transposition.Rows<T>() <= rows && Transposition.Rows<T>() > 0; row += Transposition.Rows<T>())
        {
            Transposition.Strip(x[((row * columns) + left)..], columns, target[row..], rows, right - left);
        }

        for (; row < rows; row++)
        {
            for (int column = left; column < right; column++)
            {
                target[((column - left) * rows) + row] = x[(row * columns) + column];
            }
        }
    }

    // Maps to tokens among other tokens: tokens[n, start + p, c] = maps[n, c, p] + row[c].
    private static void SimdTokens<T>(OperatorContext context, Tensor<T> maps, T[]? row, Tensor<T> tokens, int start)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = maps.Shape[1];
        int pixels = maps.Shape.LengthFrom(2);
        int ofImage = tokens.Shape[1] * channels;
        int strips = (pixels + Block - 1) / Block;
        context.Split(maps.Shape[0] * strips, Math.Max(1, (1 << 14) / Math.Max(1, channels * Block)), (first, last) =>
        {
            for (int item = first; item < last; item++)
            {
                int n = item / strips;
                int left = item % strips * Block;
                int right = Math.Min(pixels, left + Block);
                Span<T> target = tokens.AsSpan().Slice((n * ofImage) + ((start + left) * channels), (right - left) * channels);
                TurnStrip(maps.AsReadOnlySpan().Slice(n * channels * pixels, channels * pixels), channels, pixels, left, right, target);
                for (int at = 0; row is not null && at < target.Length; at += channels)
                {
                    Span<T> token = target.Slice(at, channels);
                    TensorPrimitives.Add(token, row, token);
                }
            }
        });
    }

    // The innermost axis stays: whole rows are copied, output rows ascending.
    private static void SimdRows<T>(OperatorContext context, Tensor<T> input, ReadOnlySpan<int> axes, Tensor<T> output)
        where T : unmanaged
    {
        int row = input.Shape[^1];
        int outer = axes.Length - 1;

        // Rows of the input from one output row to the next, along each axis of the output.
        int[] steps = new int[outer];
        int[] sizes = new int[outer];
        for (int axis = 0; axis < outer; axis++)
        {
            sizes[axis] = output.Shape[axis];
            steps[axis] = 1;
            for (int inner = axes[axis] + 1; inner < outer; inner++)
            {
                steps[axis] *= input.Shape[inner];
            }
        }

        context.Split(output.Length / Math.Max(1, row), Math.Max(1, (1 << 15) / Math.Max(1, row)), (first, last) =>
        {
            ReadOnlySpan<T> x = input.AsReadOnlySpan();
            Span<T> y = output.AsSpan();
            for (int at = first; at < last;)
            {
                int rest = at;
                int from = 0;
                for (int axis = outer - 1; axis >= 0; axis--)
                {
                    from += rest % sizes[axis] * steps[axis];
                    rest /= sizes[axis];
                }

                // Along the last of the outer axes only one index moves.
                int run = Math.Min(last - at, sizes[^1] - (at % sizes[^1]));
                for (int i = 0; i < run; i++, at++, from += steps[^1])
                {
                    x.Slice(from * row, row).CopyTo(y.Slice(at * row, row));
                }
            }
        });
    }
}
