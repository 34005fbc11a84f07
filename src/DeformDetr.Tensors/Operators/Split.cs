// Equation: the inverse of Concat: consecutive parts along an axis.
// Mirrors torch.split with sizes.
namespace DeformDetr.Tensors.Operators;

/// <summary>Cuts a tensor.</summary>
public static class Split
{
    /// <summary>Cuts a tensor along an axis.</summary>
    /// <typeparam name="T">Any element type.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Any elements. Shape [..].</param>
    /// <param name="sizes">Sizes of the parts; they add up to the axis.</param>
    /// <param name="axis">Along which axis, counted from the outermost.</param>
    /// <returns>One tensor per size.</returns>
    /// <exception cref="ArgumentException">No such axis, or sizes that don't add up.</exception>
    public static Tensor<T>[] Forward<T>(OperatorContext context, Tensor<T> input, ReadOnlySpan<int> sizes, int axis)
        where T : unmanaged
    {
        ShapeGuard.That(
            axis >= 0 && axis < input.Shape.Rank, nameof(Split), nameof(axis), $"holds {axis}; expected an axis of {input.Shape}.");
        long sum = 0;
        foreach (int size in sizes)
        {
            ShapeGuard.That(size >= 0, nameof(Split), nameof(sizes), $"holds {size}; expected sizes >= 0.");
            sum += size;
        }

        ShapeGuard.That(
            sum == input.Shape[axis], nameof(Split), nameof(sizes),
            $"holds {sum} in all; expected {input.Shape[axis]}, axis {axis} of {input.Shape}.");
        int inner = input.Shape.LengthFrom(axis + 1);
        int stride = input.Shape[axis] * inner;
        int outer = stride == 0 ? 0 : input.Length / stride;
        Tensor<T>[] parts = new Tensor<T>[sizes.Length];
        int at = 0;
        for (int part = 0; part < parts.Length; part++)
        {
            int run = sizes[part] * inner;
            parts[part] = context.Rent<T>(input.Shape.With(axis, sizes[part]));
            for (int block = 0; block < outer; block++)
            {
                input.AsReadOnlySpan().Slice((block * stride) + at, run).CopyTo(parts[part].AsSpan().Slice(block * run, run));
            }

            at += run;
        }

        return parts;
    }
}
