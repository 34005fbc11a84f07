// Equation: y = the tensors one after another along an axis.
// Mirrors torch.cat.
namespace DeformDetr.Tensors.Operators;

/// <summary>Joins tensors.</summary>
public static class Concat
{
    /// <summary>Joins tensors along an axis.</summary>
    /// <typeparam name="T">Any element type.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="tensors">At least one; they differ in the size of that axis only.</param>
    /// <param name="axis">Along which axis, counted from the outermost.</param>
    /// <returns>The common shape, with the sizes of the axis added up.</returns>
    /// <exception cref="ArgumentException">No tensor, no such axis, or shapes that differ elsewhere.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, IReadOnlyList<Tensor<T>> tensors, int axis)
        where T : unmanaged
    {
        ShapeGuard.That(tensors.Count > 0, nameof(Concat), nameof(tensors), $"holds none; expected at least 1.");
        TensorShape first = tensors[0].Shape;
        ShapeGuard.That(axis >= 0 && axis < first.Rank, nameof(Concat), nameof(axis), $"holds {axis}; expected an axis of {first}.");
        int size = 0;
        foreach (Tensor<T> tensor in tensors)
        {
            ShapeGuard.That(
                tensor.Shape.Rank == first.Rank && tensor.Shape.With(axis, 0) == first.With(axis, 0),
                nameof(Concat), nameof(tensors), $"holds {tensor.Shape}; expected {first} but for axis {axis}.");
            size += tensor.Shape[axis];
        }

        Tensor<T> output = context.Rent<T>(first.With(axis, size));
        int inner = first.LengthFrom(axis + 1);
        int outer = size * inner == 0 ? 0 : output.Length / (size * inner);
        int at = 0;
        foreach (Tensor<T> tensor in tensors)
        {
            int run = tensor.Shape[axis] * inner;
            for (int block = 0; block < outer; block++)
            {
                tensor.AsReadOnlySpan().Slice(block * run, run).CopyTo(output.AsSpan().Slice((block * size * inner) + at, run));
            }

            at += run;
        }

        return output;
    }
}
