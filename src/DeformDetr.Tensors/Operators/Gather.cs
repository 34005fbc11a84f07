// Equation: y[n, q, :] = x[n, index[n, q], :].
// Mirrors torch.gather along axis 1 with the index repeated over the innermost axis.
namespace DeformDetr.Tensors.Operators;

/// <summary>Rows picked by index.</summary>
public static class Gather
{
    /// <summary>Picks rows of every batch element.</summary>
    /// <typeparam name="T">Any element type.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Rows. Shape [N, S, C].</param>
    /// <param name="index">Which rows. Shape [N, Q].</param>
    /// <returns>Shape [N, Q, C].</returns>
    /// <exception cref="ArgumentException">Shapes disagree, or an index lies outside [0, S).</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> input, Tensor<long> index)
        where T : unmanaged
    {
        ShapeGuard.Rank(nameof(Gather), nameof(input), input.Shape, "[N, S, C]", 3);
        ShapeGuard.Require(nameof(Gather), nameof(index), index.Shape, "[N, Q]", input.Shape[0], -1);
        int rows = input.Shape[1];
        int width = input.Shape[2];
        int picks = index.Shape[1];
        Tensor<T> output = context.Rent<T>([input.Shape[0], picks, width]);
        for (int i = 0; i < index.Length; i++)
        {
            long row = index.AsReadOnlySpan()[i];
            ShapeGuard.That(row >= 0 && row < rows, nameof(Gather), nameof(index), $"holds {row}; expected indices in [0, {rows}).");
            input.AsReadOnlySpan().Slice(((i / picks * rows) + (int)row) * width, width).CopyTo(output.AsSpan().Slice(i * width, width));
        }

        return output;
    }
}
