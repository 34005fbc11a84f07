// Equation: y[j] = exp(x[j] − m) / Σ_i exp(x[i] − m), m = max x, per row.
// Mirrors torch.nn.functional.softmax over the innermost axis. Fast version: Softmax.Simd.cs.
using System.Numerics;
using DeformDetr.Tensors.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

/// <summary>Turns rows of logits into weights that sum to one.</summary>
public static partial class Softmax
{
    internal delegate void Kernel<T>(OperatorContext context, Tensor<T> input, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>Softmax of every row.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Logits. Shape [.., C]. A row with a NaN, with +∞ or of −∞ only becomes NaN, as the original's.</param>
    /// <returns>Shape [.., C].</returns>
    /// <exception cref="ArgumentException">No axis, or empty rows.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> input)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.That(
            input.Shape.Rank > 0 && input.Shape[^1] > 0, nameof(Softmax), nameof(input),
            $"holds {input.Shape}; expected [.., C] with C > 0.");
        Tensor<T> output = context.Rent<T>(input.Shape);
        Kernel<T> kernel = context.Kernels == Kernels.Textbook ? Textbook : Simd;
        kernel(context, input, output);
        return output;
    }

    private static void Textbook<T>(OperatorContext context, Tensor<T> input, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = input.Shape[^1];
        for (int row = 0; row < input.Length / channels; row++)
        {
            ReadOnlySpan<T> x = input.AsReadOnlySpan().Slice(row * channels, channels);
            Span<T> y = output.AsSpan().Slice(row * channels, channels);
            double maximum = double.NegativeInfinity;
            for (int channel = 0; channel < channels; channel++)
            {
                maximum = Math.Max(maximum, Widen(x[channel]));
            }

            double sum = 0;
            for (int channel = 0; channel < channels; channel++)
            {
                sum += Elementary.Exp(Widen(x[channel]) - maximum);
            }

            for (int channel = 0; channel < channels; channel++)
            {
                y[channel] = Round<T>(Elementary.Exp(Widen(x[channel]) - maximum) / sum);
            }
        }
    }
}
