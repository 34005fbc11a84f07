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
}
