// Equation: y = x · scale + shift per channel, scale = weight / √(runningVar + ε), shift = bias − runningMean · scale.
// Mirrors FrozenBatchNorm2d in models/backbone.py. Fast version: FrozenBatchNorm.Simd.cs.
using System.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

/// <summary>What a frozen batch norm holds.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="Weight">Factor per channel. Shape [C].</param>
/// <param name="Bias">Offset per channel. Shape [C].</param>
/// <param name="RunningMean">Mean per channel. Shape [C].</param>
/// <param name="RunningVar">Variance per channel. Shape [C].</param>
public readonly record struct FrozenNorm<T>(Tensor<T> Weight, Tensor<T> Bias, Tensor<T> RunningMean, Tensor<T> RunningVar)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>;

/// <summary>Batch normalisation whose statistics and factors never change.</summary>
public static partial class FrozenBatchNorm
{
    /// <summary>The original's ε.</summary>
    public const double DefaultEpsilon = 1e-5;

    internal delegate void Kernel<T>(
        OperatorContext context, Tensor<T> input, ReadOnlySpan<double> scale, ReadOnlySpan<double> shift, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>Normalises every channel by its stored statistics.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Feature maps. Shape [N, C, H, W].</param>
    /// <param name="weight">Factor per channel. Shape [C].</param>
    /// <param name="bias">Offset per channel. Shape [C].</param>
    /// <param name="runningMean">Mean per channel. Shape [C].</param>
    /// <param name="runningVar">Variance per channel. Shape [C].</param>
    /// <param name="epsilon">Added to the variance, inside the root.</param>
    /// <returns>Shape [N, C, H, W].</returns>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public static Tensor<T> Forward<T>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T> bias, Tensor<T> runningMean, Tensor<T> runningVar,
        double epsilon = DefaultEpsilon)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.Rank(nameof(FrozenBatchNorm), nameof(input), input.Shape, "[N, C, H, W]", 4);
        (double[] scale, double[] shift) = Factors(new FrozenNorm<T>(weight, bias, runningMean, runningVar), input.Shape[1], epsilon);

        Tensor<T> output = context.Rent<T>(input.Shape);
        Kernel<T> kernel = context.Kernels == Kernels.Textbook ? Textbook : Simd;
        kernel(context, input, scale, shift, output);
        return output;
    }

    // What the norm comes to: y = x · scale + shift.
    internal static (double[] Scale, double[] Shift) Factors<T>(FrozenNorm<T> norm, int channels, double epsilon = DefaultEpsilon)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        (Tensor<T> weight, Tensor<T> bias, Tensor<T> runningMean, Tensor<T> runningVar) = norm;
        ShapeGuard.Require(nameof(FrozenBatchNorm), nameof(weight), weight.Shape, "[C]", channels);
        ShapeGuard.Require(nameof(FrozenBatchNorm), nameof(bias), bias.Shape, "[C]", channels);
        ShapeGuard.Require(nameof(FrozenBatchNorm), nameof(runningMean), runningMean.Shape, "[C]", channels);
        ShapeGuard.Require(nameof(FrozenBatchNorm), nameof(runningVar), runningVar.Shape, "[C]", channels);
        double[] scale = new double[channels];
        double[] shift = new double[channels];
        for (int channel = 0; channel < channels; channel++)
        {
            scale[channel] = Widen(weight.AsReadOnlySpan()[channel]) / Math.Sqrt(Widen(runningVar.AsReadOnlySpan()[channel]) + epsilon);
            shift[channel] = Widen(bias.AsReadOnlySpan()[channel]) - (Widen(runningMean.AsReadOnlySpan()[channel]) * scale[channel]);
        }

        return (scale, shift);
    }

    private static void Textbook<T>(
        OperatorContext context, Tensor<T> input, ReadOnlySpan<double> scale, ReadOnlySpan<double> shift, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = input.Shape[1];
        int pixels = input.Shape.LengthFrom(2);
        for (int n = 0; n < input.Shape[0]; n++)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                ReadOnlySpan<T> x = input.AsReadOnlySpan().Slice(((n * channels) + channel) * pixels, pixels);
                Span<T> y = output.AsSpan().Slice(((n * channels) + channel) * pixels, pixels);
                for (int pixel = 0; pixel < pixels; pixel++)
                {
                    y[pixel] = Round<T>((Widen(x[pixel]) * scale[channel]) + shift[channel]);
                }
            }
        }
    }
}
