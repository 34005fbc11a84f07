// Equation: y[n, o, oy, ox] = Σ_c Σ_ky Σ_kx x[n, g(o)·C/G + c, oy·s − p + ky·d, ox·s − p + kx·d] · weight[o, c, ky, kx] + bias[o]; x is 0
// outside the map.
// Mirrors torch.nn.functional.conv2d. Fast version: Conv2d.Simd.cs.
using System.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

/// <summary>How a convolution's window moves.</summary>
/// <param name="Stride">Input pixels from one output pixel to the next.</param>
/// <param name="Padding">Zero pixels around the map, on each side.</param>
/// <param name="Dilation">Input pixels from one tap of the window to the next.</param>
/// <param name="Groups">G: channels are cut into so many independent convolutions.</param>
public readonly record struct Conv2dWindow(int Stride = 1, int Padding = 0, int Dilation = 1, int Groups = 1)
{
    /// <summary>An ordinary window: stride 1, no padding, no dilation, one group.</summary>
    public Conv2dWindow()
        : this(1)
    {
    }

    /// <summary>The length of an output side.</summary>
    /// <param name="size">The length of the input side, pixels.</param>
    /// <param name="kernel">The length of the kernel's side, taps.</param>
    public int OutputSize(int size, int kernel) =>
        size + (2 * Padding) - (Dilation * (kernel - 1)) - 1 is >= 0 and int room ? (room / Stride) + 1 : 0;
}

/// <summary>Two-dimensional cross-correlation, which this field calls convolution.</summary>
public static partial class Conv2d
{
    internal delegate void Kernel<T>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T>? bias, Conv2dWindow window, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>Convolves.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Feature maps. Shape [N, C, H, W].</param>
    /// <param name="weight">Kernels. Shape [O, C / G, kh, kw].</param>
    /// <param name="bias">Added last; null for none. Shape [O].</param>
    /// <param name="window">Stride, padding, dilation and groups G.</param>
    /// <returns>Shape [N, O, Ho, Wo].</returns>
    /// <exception cref="ArgumentException">Shapes disagree, or the kernel is larger than the padded map.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T>? bias, Conv2dWindow window)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> output = context.Rent<T>(OutputShape(input, weight, bias, window));
        Kernel<T> kernel = context.Kernels == Kernels.Textbook ? Textbook : Simd;
        kernel(context, input, weight, bias, window, output);
        return output;
    }

    /// <summary>
    /// Convolution, frozen batch norm, residual and ReLU one after another. With Simd kernels they are one: the tensors between them don't
    /// exist, and the result has the bits that the separate operators give.
    /// </summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Feature maps. Shape [N, C, H, W].</param>
    /// <param name="weight">Kernels. Shape [O, C / G, kh, kw].</param>
    /// <param name="window">Stride, padding, dilation and groups G.</param>
    /// <param name="norm">The norm over the O output channels.</param>
    /// <param name="residual">Added to the normalised maps; null for none. Shape [N, O, Ho, Wo].</param>
    /// <param name="relu">Whether only the positive part stays.</param>
    /// <param name="spent">
    /// True: nobody reads the residual afterwards. The result then takes its place where the order of summation lets it, which saves a map in
    /// memory and the reading of what is only written.
    /// </param>
    /// <returns>Shape [N, O, Ho, Wo]; the residual itself where it was replaced.</returns>
    /// <exception cref="ArgumentException">Shapes disagree, or the kernel is larger than the padded map.</exception>
    public static Tensor<T> ForwardNormed<T>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Conv2dWindow window, FrozenNorm<T> norm, Tensor<T>? residual, bool relu,
        bool spent = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (context.Kernels == Kernels.Textbook)
        {
            using BufferScope scope = context.Scope();
            Tensor<T> y = FrozenBatchNorm.Forward(
                context, Forward(context, input, weight, null, window), norm.Weight, norm.Bias, norm.RunningMean, norm.RunningVar);
            y = residual is null ? y : Add.Forward(context, y, residual);
            return scope.Keep(relu ? Relu.Forward(context, y) : y);
        }

        TensorShape shape = OutputShape(input, weight, null, window);
        ShapeGuard.That(
            residual is null || residual.Shape == shape, nameof(Conv2d), nameof(residual), $"holds {residual?.Shape}; expected {shape}.");

        // Sums of several depth blocks wait in the output: the residual can't be there as well.
        bool replaces = spent && residual is not null && weight.Shape.LengthFrom(1) <= Gemm.DepthBlock
            && context.SummationOrder == SummationOrder.House && input.Storage != residual.Storage;
        Tensor<T> output = replaces ? residual! : context.Rent<T>(shape);
        (double[] scale, double[] shift) = FrozenBatchNorm.Factors(norm, weight.Shape[0]);
        SimdNormed(
            context, input, weight, window, FrozenBatchNorm.Rounded<T>(scale), FrozenBatchNorm.Rounded<T>(shift), residual, relu, output);
        return output;
    }

    private static TensorShape OutputShape<T>(Tensor<T> input, Tensor<T> weight, Tensor<T>? bias, Conv2dWindow window)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.Rank(nameof(Conv2d), nameof(input), input.Shape, "[N, C, H, W]", 4);
        ShapeGuard.Rank(nameof(Conv2d), nameof(weight), weight.Shape, "[O, C / G, kh, kw]", 4);
        ShapeGuard.That(
            window is { Stride: > 0, Padding: >= 0, Dilation: > 0, Groups: > 0 }, nameof(Conv2d), nameof(window),
            $"holds {window}; expected stride, dilation, groups > 0 and padding >= 0.");
        ShapeGuard.That(
            weight.Length > 0, nameof(Conv2d), nameof(weight), $"holds {weight.Shape}; expected [O, C / G, kh, kw] without a zero.");
        ShapeGuard.That(
            weight.Shape[0] % window.Groups == 0 && input.Shape[1] == weight.Shape[1] * window.Groups,
            nameof(Conv2d), nameof(weight),
            $"holds {weight.Shape}; expected [O, C / G, kh, kw] with C = {input.Shape[1]}, G = {window.Groups}.");
        if (bias is not null)
        {
            ShapeGuard.Require(nameof(Conv2d), nameof(bias), bias.Shape, "[O]", weight.Shape[0]);
        }

        int outputHeight = window.OutputSize(input.Shape[2], weight.Shape[2]);
        int outputWidth = window.OutputSize(input.Shape[3], weight.Shape[3]);
        ShapeGuard.That(
            outputHeight > 0 && outputWidth > 0, nameof(Conv2d), nameof(input),
            $"holds {input.Shape}; expected padded maps no smaller than the kernel [{weight.Shape[2]}, {weight.Shape[3]}].");

        return [input.Shape[0], weight.Shape[0], outputHeight, outputWidth];
    }

    private static void Textbook<T>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T>? bias, Conv2dWindow window, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int height = input.Shape[2];
        int width = input.Shape[3];
        int inputsPerGroup = weight.Shape[1];
        int kernelHeight = weight.Shape[2];
        int kernelWidth = weight.Shape[3];
        int outputs = output.Shape[1];
        int outputHeight = output.Shape[2];
        int outputWidth = output.Shape[3];
        int outputsPerGroup = outputs / window.Groups;
        ReadOnlySpan<T> x = input.AsReadOnlySpan();
        ReadOnlySpan<T> w = weight.AsReadOnlySpan();
        Span<T> y = output.AsSpan();
        for (int n = 0; n < input.Shape[0]; n++)
        {
            for (int o = 0; o < outputs; o++)
            {
                int firstChannel = o / outputsPerGroup * inputsPerGroup;
                for (int oy = 0; oy < outputHeight; oy++)
                {
                    for (int ox = 0; ox < outputWidth; ox++)
                    {
                        double sum = 0;
                        for (int c = 0; c < inputsPerGroup; c++)
                        {
                            int map = ((n * input.Shape[1]) + firstChannel + c) * height * width;
                            int taps = ((o * inputsPerGroup) + c) * kernelHeight * kernelWidth;
                            for (int ky = 0; ky < kernelHeight; ky++)
                            {
                                int iy = (oy * window.Stride) - window.Padding + (ky * window.Dilation);
                                for (int kx = 0; kx < kernelWidth; kx++)
                                {
                                    int ix = (ox * window.Stride) - window.Padding + (kx * window.Dilation);
                                    if (iy >= 0 && iy < height && ix >= 0 && ix < width)
                                    {
                                        sum += Widen(x[map + (iy * width) + ix]) * Widen(w[taps + (ky * kernelWidth) + kx]);
                                    }
                                }
                            }
                        }

                        if (bias is not null)
                        {
                            sum += Widen(bias.AsReadOnlySpan()[o]);
                        }

                        y[(((((n * outputs) + o) * outputHeight) + oy) * outputWidth) + ox] = Round<T>(sum);
                    }
                }
            }
        }
    }
}
