// Equation: y[row, o] = Σ_i x[row, i] · weight[o, i] + bias[o].
// Mirrors torch.nn.functional.linear. Fast version: Linear.Simd.cs.
using System.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

/// <summary>An affine map of the innermost axis.</summary>
public static partial class Linear
{
    internal delegate void Kernel<T>(OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T>? bias, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>Maps every row of the input.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Rows to map. Shape [.., I].</param>
    /// <param name="weight">One row per output feature. Shape [O, I].</param>
    /// <param name="bias">Added last; null for none. Shape [O].</param>
    /// <returns>Shape [.., O].</returns>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T>? bias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.Rank(nameof(Linear), nameof(weight), weight.Shape, "[O, I]", 2);
        ShapeGuard.That(
            input.Shape.Rank > 0 && input.Shape[^1] == weight.Shape[1], nameof(Linear), nameof(input),
            $"holds {input.Shape}; expected [.., I] with I = {weight.Shape[1]}.");
        if (bias is not null)
        {
            ShapeGuard.Require(nameof(Linear), nameof(bias), bias.Shape, "[O]", weight.Shape[0]);
        }

        Tensor<T> output = context.Rent<T>(input.Shape.With(^1, weight.Shape[0]));
        Kernel<T> kernel = context.Kernels == Kernels.Textbook ? Textbook : Simd;
        kernel(context, input, weight, bias, output);
        return output;
    }

    private static void Textbook<T>(OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T>? bias, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int inputs = weight.Shape[1];
        int outputs = weight.Shape[0];
        int rows = output.Length / Math.Max(1, outputs);
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<T> x = input.AsReadOnlySpan().Slice(row * inputs, inputs);
            Span<T> y = output.AsSpan().Slice(row * outputs, outputs);
            for (int o = 0; o < outputs; o++)
            {
                ReadOnlySpan<T> w = weight.AsReadOnlySpan().Slice(o * inputs, inputs);
                double sum = 0;
                for (int i = 0; i < inputs; i++)
                {
                    sum += Widen(x[i]) * Widen(w[i]);
                }

                if (bias is not null)
                {
                    sum += Widen(bias.AsReadOnlySpan()[o]);
                }

                y[o] = Round<T>(sum);
            }
        }
    }
}
