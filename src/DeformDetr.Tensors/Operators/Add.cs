// Equation: y = a + b.
// Mirrors torch.add for equal shapes; the sum of two numbers is exact before its one rounding, so there is one body.
using System.Numerics;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Tensors.Operators;

/// <summary>Sums of two tensors of one shape.</summary>
public static class Add
{
    /// <summary>Adds element by element.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="a">One addend. Shape [..].</param>
    /// <param name="b">The other; no broadcasting. Shape [..].</param>
    /// <returns>Shape [..].</returns>
    /// <exception cref="ArgumentException">Shapes differ.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> a, Tensor<T> b)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.That(a.Shape == b.Shape, nameof(Add), nameof(b), $"holds {b.Shape}; expected the shape of a = {a.Shape}.");
        Tensor<T> output = context.Rent<T>(a.Shape);
        context.Split(a.Length, 1 << 15, (first, last) =>
            TensorPrimitives.Add(a.AsReadOnlySpan()[first..last], b.AsReadOnlySpan()[first..last], output.AsSpan()[first..last]));
        return output;
    }

    /// <summary>Adds one row to every row of a tensor, in place.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="tensor">Changed. Shape [.., C].</param>
    /// <param name="row">What is added. Shape [C].</param>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public static void RowInPlace<T>(OperatorContext context, Tensor<T> tensor, T[] row)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.That(
            tensor.Shape.Rank > 0 && tensor.Shape[^1] == row.Length && row.Length > 0, nameof(Add), nameof(tensor),
            $"holds {tensor.Shape}; expected [.., C] with C = {row.Length}.");
        context.Split(tensor.Length / row.Length, Math.Max(1, (1 << 15) / row.Length), (first, last) =>
        {
            for (int at = first; at < last; at++)
            {
                Span<T> target = tensor.AsSpan().Slice(at * row.Length, row.Length);
                TensorPrimitives.Add(target, row, target);
            }
        });
    }
}
