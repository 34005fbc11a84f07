namespace DeformDetr.Tensors.Operators;

public static partial class Permute
{
    private const int Block = 32;

    // Blocks that fit the cache, so that neither the reads nor the writes stride through memory.
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
                for (int top = 0; top < rows; top += Block)
                {
                    int bottom = Math.Min(rows, top + Block);
                    for (int column = left; column < right; column++)
                    {
                        Span<T> target = y[((column * rows) + top)..((column * rows) + bottom)];
                        for (int row = 0; row < target.Length; row++)
                        {
                            target[row] = x[((top + row) * columns) + column];
                        }
                    }
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
