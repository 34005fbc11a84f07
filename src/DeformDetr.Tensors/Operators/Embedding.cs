// Equation: y[i, :] = weight[index[i], :].
// Mirrors torch.nn.functional.embedding.
namespace DeformDetr.Tensors.Operators;

/// <summary>Rows of a learned table.</summary>
public static class Embedding
{
    /// <summary>Looks up rows.</summary>
    /// <typeparam name="T">Any element type.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="weight">The table. Shape [R, C].</param>
    /// <param name="index">Which rows. Shape [..].</param>
    /// <returns>Shape [.., C].</returns>
    /// <exception cref="ArgumentException">The table has not two axes, or an index lies outside [0, R).</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> weight, Tensor<long> index)
        where T : unmanaged
    {
        ShapeGuard.Rank(nameof(Embedding), nameof(weight), weight.Shape, "[R, C]", 2);
        int width = weight.Shape[1];
        Tensor<T> output = context.Rent<T>([.. index.Shape.Sizes, width]);
        for (int i = 0; i < index.Length; i++)
        {
            long row = index.AsReadOnlySpan()[i];
            ShapeGuard.That(
                row >= 0 && row < weight.Shape[0], nameof(Embedding), nameof(index),
                $"holds {row}; expected indices in [0, {weight.Shape[0]}).");
            weight.AsReadOnlySpan().Slice((int)row * width, width).CopyTo(output.AsSpan().Slice(i * width, width));
        }

        return output;
    }
}
