// Equation: y = (x − mean) / √(variance + ε) · weight[c] + bias[c]; mean and population variance over the channels and pixels of a group.
// Mirrors torch.nn.functional.group_norm. Fast version: GroupNorm.Simd.cs.
using System.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

/// <summary>Normalisation over groups of channels.</summary>
public static partial class GroupNorm
{
    /// <summary>PyTorch's default ε.</summary>
    public const double DefaultEpsilon = 1e-5;

    internal delegate void Kernel<T>(
        OperatorContext context, Tensor<T> input, int groups, Tensor<T> weight, Tensor<T> bias, double epsilon, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>Gives every group of every image zero mean and unit variance, then applies a factor and an offset per channel.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Feature maps. Shape [N, C, H, W].</param>
    /// <param name="groups">How many groups; divides C.</param>
    /// <param name="weight">Factor per channel. Shape [C].</param>
    /// <param name="bias">Offset per channel. Shape [C].</param>
    /// <param name="epsilon">Added to the variance, inside the root.</param>
    /// <returns>Shape [N, C, H, W].</returns>
    /// <exception cref="ArgumentException">Shapes disagree, or the groups don't divide the channels.</exception>
    public static Tensor<T> Forward<T>(
        OperatorContext context, Tensor<T> input, int groups, Tensor<T> weight, Tensor<T> bias, double epsilon = DefaultEpsilon)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.Rank(nameof(GroupNorm), nameof(input), input.Shape, "[N, C, H, W]", 4);
        int channels = input.Shape[1];
        ShapeGuard.That(
            groups > 0 && channels % groups == 0, nameof(GroupNorm), nameof(groups),
            $"holds {groups}; expected a divisor of C = {channels}.");
        ShapeGuard.Require(nameof(GroupNorm), nameof(weight), weight.Shape, "[C]", channels);
        ShapeGuard.Require(nameof(GroupNorm), nameof(bias), bias.Shape, "[C]", channels);

        Tensor<T> output = context.Rent<T>(input.Shape);
        Kernel<T> kernel = context.Kernels == Kernels.Textbook ? Textbook : Simd;
        kernel(context, input, groups, weight, bias, epsilon, output);
        return output;
    }

    private static void Textbook<T>(
        OperatorContext context, Tensor<T> input, int groups, Tensor<T> weight, Tensor<T> bias, double epsilon, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = input.Shape[1] / groups;
        int pixels = input.Shape.LengthFrom(2);
        int size = channels * pixels;
        for (int n = 0; n < input.Shape[0]; n++)
        {
            for (int group = 0; group < groups; group++)
            {
                ReadOnlySpan<T> x = input.AsReadOnlySpan().Slice(((n * groups) + group) * size, size);
                Span<T> y = output.AsSpan().Slice(((n * groups) + group) * size, size);
                double sum = 0;
                for (int i = 0; i < size; i++)
                {
                    sum += Widen(x[i]);
                }

                double mean = sum / size;
                double squares = 0;
                for (int i = 0; i < size; i++)
                {
                    double deviation = Widen(x[i]) - mean;
                    squares += deviation * deviation;
                }

                double inverse = 1 / Math.Sqrt((squares / size) + epsilon);
                for (int i = 0; i < size; i++)
                {
                    int channel = (group * channels) + (i / pixels);
                    double normalised = (Widen(x[i]) - mean) * inverse;
                    y[i] = Round<T>((normalised * Widen(weight.AsReadOnlySpan()[channel])) + Widen(bias.AsReadOnlySpan()[channel]));
                }
            }
        }
    }
}
