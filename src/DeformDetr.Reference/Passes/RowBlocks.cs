using System.Numerics;
using DeformDetr.Tensors;

namespace DeformDetr.Reference;

// Rows of tokens in small groups, so that what is made between two steps stays in the cache. Every row has the bits that it has in one go.
internal static class RowBlocks
{
    // A multiple of the rows of a product's tile at every width.
    public const int Rows = 192;

    // The fewest rows of a group; fewer would read all weights for too little.
    public const int Least = 48;

    // Scratch tensor of one group for each thread; thread t owns the rows from t · Rows on.
    public static Tensor<T> Scratch<T>(ForwardPass pass, int width)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => pass.Rent<T>([pass.Threads * Rows, width]);

    // Rows of a tensor whose rows have the given width, all leading axes counted as one.
    public static Span<T> Of<T>(Tensor<T> tensor, int width, int row, int rows)
        where T : unmanaged => tensor.AsSpan().Slice(row * width, rows * width);

    // Rows of a tensor, in the order of the list, to the rows of another from the given one on.
    public static void Gather<T>(Tensor<T> tensor, int width, ReadOnlySpan<int> rows, Tensor<T> target, int row)
        where T : unmanaged
    {
        for (int at = 0; at < rows.Length; at++)
        {
            Of(tensor, width, rows[at], 1).CopyTo(Of(target, width, row + at, 1));
        }
    }

    // Calls the body with (first row, how many, first scratch row) until all rows are done. A thread has the same rows in each sweep, but for
    // what it takes from others at the end: rows of one part of the tokens can cost more than those of another (coarse levels look far
    // around in the fine ones). The last groups are smaller, so that threads end together.
    public static void Run(OperatorContext context, int count, Action<int, int, int> body) =>
        context.Share((count + Least - 1) / Least, Rows / Least, 1, (thread, chunks) =>
        {
            while (chunks.Take(out int first, out int last))
            {
                body(first * Least, Math.Min(last * Least, count) - (first * Least), thread * Rows);
            }
        });
}
