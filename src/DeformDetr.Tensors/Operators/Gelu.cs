// Equation: y = x · (1 + erf(x / √2)) / 2.
// Mirrors torch.nn.functional.gelu (the exact form). Fast version: Gelu.Simd.cs.
using System.Numerics;
using DeformDetr.Tensors.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

/// <summary>The Gaussian error linear unit.</summary>
public static partial class Gelu
{
    internal delegate void Kernel<T>(OperatorContext context, Tensor<T> input, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>The Gaussian error linear unit.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Any numbers. Shape [..].</param>
    /// <returns>Shape [..].</returns>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> input)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> output = context.Rent<T>(input.Shape);
        Kernel<T> kernel = context.Kernels == Kernels.Textbook ? Textbook : Simd;
        kernel(context, input, output);
        return output;
    }

    private static void Textbook<T>(OperatorContext context, Tensor<T> input, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ReadOnlySpan<T> x = input.AsReadOnlySpan();
        Span<T> y = output.AsSpan();
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = Round<T>(Widen(x[i]) * 0.5 * (1 + Elementary.Erf(Widen(x[i]) / Math.Sqrt(2))));
        }
    }
}
