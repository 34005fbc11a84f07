// Equation: y = (x − mean) / √(variance + ε) · weight + bias, per row, population variance.
// Mirrors torch.nn.functional.layer_norm over the innermost axis. Fast version: LayerNorm.Simd.cs.
using System.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

/// <summary>Normalisation of every row.</summary>
public static partial class LayerNorm
{
    /// <summary>PyTorch's default ε.</summary>
    public const double DefaultEpsilon = 1e-5;

    internal delegate void Kernel<T>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T> bias, double epsilon, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>Gives every row zero mean and unit variance, then applies a factor and an offset per channel.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Rows to normalise. Shape [.., C].</param>
    /// <param name="weight">Factor per channel. Shape [C].</param>
    /// <param name="bias">Offset per channel. Shape [C].</param>
    /// <param name="epsilon">Added to the variance, inside the root.</param>
    /// <returns>Shape [.., C].</returns>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public static Tensor<T> Forward<T>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T> bias, double epsilon = DefaultEpsilon)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.That(
            input.Shape.Rank > 0 && input.Shape[^1] > 0, nameof(LayerNorm), nameof(input),
            $"holds {input.Shape}; expected [.., C] with C > 0.");
        ShapeGuard.Require(nameof(LayerNorm), nameof(weight), weight.Shape, "[C]", input.Shape[^1]);
        ShapeGuard.Require(nameof(LayerNorm), nameof(bias), bias.Shape, "[C]", input.Shape[^1]);

        Tensor<T> output = context.Rent<T>(input.Shape);
        Kernel<T> kernel = context.Kernels == Kernels.Textbook ? Textbook : Simd;
        kernel(context, input, weight, bias, epsilon, output);
        return output;
    }

    private static void Textbook<T>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T> bias, double epsilon, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = weight.Length;
        for (int row = 0; row < input.Length / channels; row++)
        {
            ReadOnlySpan<T> x = input.AsReadOnlySpan().Slice(row * channels, channels);
            Span<T> y = output.AsSpan().Slice(row * channels, channels);
            double sum = 0;
            for (int channel = 0; channel < channels; channel++)
            {
                sum += Widen(x[channel]);
            }

            double mean = sum / channels;
            double squares = 0;
            for (int channel = 0; channel < channels; channel++)
            {
                double deviation = Widen(x[channel]) - mean;
                squares += deviation * deviation;
            }

            double inverse = 1 / Math.Sqrt((squares / channels) + epsilon);
            for (int channel = 0; channel < channels; channel++)
            {
                double normalised = (Widen(x[channel]) - mean) * inverse;
                y[channel] = Round<T>((normalised * Widen(weight.AsReadOnlySpan()[channel])) + Widen(bias.AsReadOnlySpan()[channel]));
            }
        }
    }
}
