// Equation: y[n, c, oy, ox] = max over ky, kx of x[n, c, oy·s − p + ky, ox·s − p + kx]; positions outside the map don't take part.
// Mirrors torch.nn.functional.max_pool2d. Fast version: MaxPool2d.Simd.cs.
using System.Numerics;

namespace DeformDetr.Tensors.Operators;

/// <summary>The largest number under a moving square window.</summary>
public static partial class MaxPool2d
{
    internal delegate void Kernel<T>(OperatorContext context, Tensor<T> input, int kernel, int stride, int padding, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>Pools every map.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Feature maps; a NaN under the window gives NaN. Shape [N, C, H, W].</param>
    /// <param name="kernel">Side of the window, pixels.</param>
    /// <param name="stride">Input pixels from one window to the next.</param>
    /// <param name="padding">How far windows may start outside the map; at most half the kernel.</param>
    /// <returns>Shape [N, C, Ho, Wo].</returns>
    /// <exception cref="ArgumentException">Shapes or the window don't fit.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> input, int kernel, int stride, int padding)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.Rank(nameof(MaxPool2d), nameof(input), input.Shape, "[N, C, H, W]", 4);
        ShapeGuard.That(
            kernel > 0 && stride > 0 && padding >= 0 && 2 * padding <= kernel,
            nameof(MaxPool2d), nameof(kernel),
            $"holds {kernel}, stride {stride}, padding {padding}; expected kernel, stride > 0 and 0 <= padding <= kernel / 2.");
        Conv2dWindow window = new(stride, padding);
        int outputHeight = window.OutputSize(input.Shape[2], kernel);
        int outputWidth = window.OutputSize(input.Shape[3], kernel);
        ShapeGuard.That(
            input.Length > 0 && outputHeight > 0 && outputWidth > 0, nameof(MaxPool2d), nameof(input),
            $"holds {input.Shape}; expected padded maps no smaller than the window {kernel}.");

        Tensor<T> output = context.Rent<T>([input.Shape[0], input.Shape[1], outputHeight, outputWidth]);
        Kernel<T> body = context.Kernels == Kernels.Textbook ? Textbook : Simd;
        body(context, input, kernel, stride, padding, output);
        return output;
    }

    private static void Textbook<T>(OperatorContext context, Tensor<T> input, int kernel, int stride, int padding, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int height = input.Shape[2];
        int width = input.Shape[3];
        int outputHeight = output.Shape[2];
        int outputWidth = output.Shape[3];
        for (int map = 0; map < input.Shape[0] * input.Shape[1]; map++)
        {
            ReadOnlySpan<T> x = input.AsReadOnlySpan().Slice(map * height * width, height * width);
            Span<T> y = output.AsSpan().Slice(map * outputHeight * outputWidth, outputHeight * outputWidth);
            for (int oy = 0; oy < outputHeight; oy++)
            {
                for (int ox = 0; ox < outputWidth; ox++)
                {
                    T maximum = T.NegativeInfinity;
                    for (int ky = 0; ky < kernel; ky++)
                    {
                        for (int kx = 0; kx < kernel; kx++)
                        {
                            int iy = (oy * stride) - padding + ky;
                            int ix = (ox * stride) - padding + kx;
                            if (iy >= 0 && iy < height && ix >= 0 && ix < width)
                            {
                                maximum = T.Max(maximum, x[(iy * width) + ix]);
                            }
                        }
                    }

                    y[(oy * outputWidth) + ox] = maximum;
                }
            }
        }
    }
}
