// Equation: y[row, :] = mask[row] ? value : x[row, :].
// Mirrors torch.Tensor.masked_fill with a mask over the leading axes.
namespace DeformDetr.Tensors.Operators;

/// <summary>Overwrites what a mask covers.</summary>
public static class MaskedFill
{
    /// <summary>Fills, in place, every row whose mask is true.</summary>
    /// <typeparam name="T">Any element type.</typeparam>
    /// <param name="tensor">Overwritten. Shape [.., C..] whose leading axes are the mask's.</param>
    /// <param name="mask">True: overwrite. Shape [..].</param>
    /// <param name="value">What is written.</param>
    /// <exception cref="ArgumentException">The mask's shape is not the beginning of the tensor's.</exception>
    public static void InPlace<T>(Tensor<T> tensor, Tensor<bool> mask, T value)
        where T : unmanaged
    {
        int axes = mask.Shape.Rank;
        ShapeGuard.That(
            axes <= tensor.Shape.Rank && mask.Shape.Sizes.SequenceEqual(tensor.Shape.Sizes[..axes]),
            nameof(MaskedFill), nameof(mask), $"holds {mask.Shape}; expected the leading axes of tensor = {tensor.Shape}.");
        int width = tensor.Shape.LengthFrom(axes);
        for (int row = 0; row < mask.Length; row++)
        {
            if (mask.AsReadOnlySpan()[row])
            {
                tensor.AsSpan().Slice(row * width, width).Fill(value);
            }
        }
    }

    /// <summary>A copy with every row filled whose mask is true.</summary>
    /// <typeparam name="T">Any element type.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Not changed. Shape [.., C..] whose leading axes are the mask's.</param>
    /// <param name="mask">True: fill. Shape [..].</param>
    /// <param name="value">What is written.</param>
    /// <returns>The input's shape.</returns>
    /// <exception cref="ArgumentException">The mask's shape is not the beginning of the input's.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> input, Tensor<bool> mask, T value)
        where T : unmanaged
    {
        Tensor<T> output = context.Rent<T>(input.Shape);
        input.AsReadOnlySpan().CopyTo(output.AsSpan());
        InPlace(output, mask, value);
        return output;
    }
}
