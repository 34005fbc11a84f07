// Equation: y[.., i, ..] = Σ over i' <= i of x[.., i', ..] along one axis.
// Mirrors torch.cumsum.
using System.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

/// <summary>Running sums along an axis.</summary>
public static class CumulativeSum
{
    /// <summary>Sums along an axis.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Any numbers. Shape [..].</param>
    /// <param name="axis">Along which axis, counted from the outermost.</param>
    /// <returns>Shape [..].</returns>
    /// <exception cref="ArgumentException">No such axis.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> input, int axis)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.That(
            axis >= 0 && axis < input.Shape.Rank, nameof(CumulativeSum), nameof(axis), $"holds {axis}; expected an axis of {input.Shape}.");
        Tensor<T> output = context.Rent<T>(input.Shape);
        int inner = input.Shape.LengthFrom(axis + 1);
        int size = input.Shape[axis];
        ReadOnlySpan<T> x = input.AsReadOnlySpan();
        Span<T> y = output.AsSpan();
        for (int line = 0; line < input.Length / Math.Max(1, size); line++)
        {
            int start = (line / inner * size * inner) + (line % inner);
            double sum = 0;
            for (int i = 0; i < size; i++)
            {
                sum += Widen(x[start + (i * inner)]);
                y[start + (i * inner)] = Round<T>(sum);
            }
        }

        return output;
    }

    /// <summary>Counts the true elements along an axis.</summary>
    /// <typeparam name="T">float or double: what the counts are given in.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">True counts one. Shape [..].</param>
    /// <param name="axis">Along which axis, counted from the outermost.</param>
    /// <returns>Shape [..].</returns>
    /// <exception cref="ArgumentException">No such axis.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<bool> input, int axis)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> ones = context.Rent<T>(input.Shape);
        for (int i = 0; i < input.Length; i++)
        {
            ones.AsSpan()[i] = input.AsReadOnlySpan()[i] ? T.One : T.Zero;
        }

        return Forward(context, ones, axis);
    }
}
