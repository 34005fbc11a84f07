// Equation: y = 1 / (1 + exp(−x)).
// Mirrors torch.sigmoid. Fast version: Sigmoid.Simd.cs.
using System.Numerics;
using DeformDetr.Tensors.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

/// <summary>The logistic function.</summary>
public static partial class Sigmoid
{
    internal delegate void Kernel<T>(OperatorContext context, Tensor<T> input, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>The logistic function.</summary>
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
            y[i] = Round<T>(Elementary.Sigmoid(Widen(x[i])));
        }
    }
}
