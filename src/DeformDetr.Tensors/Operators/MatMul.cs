// Equation: y[.., m, n] = Σ_k a[.., m, k] · b[.., k, n]; with transposed b, · b[.., n, k].
// Mirrors torch.bmm (and its use with b.transpose(-1, -2)). Fast version: MatMul.Simd.cs.
using System.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

/// <summary>Products of matrices, one for every index of the leading axes.</summary>
public static partial class MatMul
{
    internal delegate void Kernel<T>(OperatorContext context, Tensor<T> a, Tensor<T> b, bool transposed, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>Multiplies.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="a">Left matrices. Shape [.., M, K].</param>
    /// <param name="b">Right matrices. Shape [.., K, N], or [.., N, K] when transposed.</param>
    /// <param name="transposed">Whether b holds its columns as rows.</param>
    /// <returns>Shape [.., M, N].</returns>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> a, Tensor<T> b, bool transposed = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.That(a.Shape.Rank >= 2, nameof(MatMul), nameof(a), $"holds {a.Shape}; expected [.., M, K], at least 2 axes.");
        bool fits = b.Shape.Rank == a.Shape.Rank
            && b.Shape.Sizes[..^2].SequenceEqual(a.Shape.Sizes[..^2])
            && a.Shape[^1] == b.Shape[transposed ? ^1 : ^2];
        ShapeGuard.That(
            fits, nameof(MatMul), nameof(b),
            $"holds {b.Shape}; expected {(transposed ? "[.., N, K]" : "[.., K, N]")} with the leading axes and K of a = {a.Shape}.");

        Tensor<T> output = context.Rent<T>(a.Shape.With(^1, b.Shape[transposed ? ^2 : ^1]));
        Kernel<T> kernel = context.Kernels == Kernels.Textbook ? Textbook : Simd;
        kernel(context, a, b, transposed, output);
        return output;
    }

    private static void Textbook<T>(OperatorContext context, Tensor<T> a, Tensor<T> b, bool transposed, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int rows = a.Shape[^2];
        int depth = a.Shape[^1];
        int columns = output.Shape[^1];
        int batches = a.Shape.Sizes[..^2].IsEmpty ? 1 : output.Length / Math.Max(1, rows * columns);
        for (int batch = 0; batch < batches; batch++)
        {
            ReadOnlySpan<T> left = a.AsReadOnlySpan().Slice(batch * rows * depth, rows * depth);
            ReadOnlySpan<T> right = b.AsReadOnlySpan().Slice(batch * depth * columns, depth * columns);
            Span<T> y = output.AsSpan().Slice(batch * rows * columns, rows * columns);
            for (int i = 0; i < rows; i++)
            {
                for (int j = 0; j < columns; j++)
                {
                    double sum = 0;
                    for (int k = 0; k < depth; k++)
                    {
                        sum += Widen(left[(i * depth) + k]) * Widen(transposed ? right[(j * depth) + k] : right[(k * columns) + j]);
                    }

                    y[(i * columns) + j] = Round<T>(sum);
                }
            }
        }
    }
}
