using System.Numerics;

namespace DeformDetr.Tensors.Operators;

public static partial class Conv2d
{
    private static void Simd<T>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T>? bias, Conv2dWindow window, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (bias is null)
        {
            Run(context, input, weight, window, output, _ => default(NoEpilogue<T>));
        }
        else
        {
            Run(context, input, weight, window, output, firstChannel => new RowBias<T>(bias.At(firstChannel)));
        }
    }

    private static void SimdNormed<T>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Conv2dWindow window, T[] scale, T[] shift, Tensor<T>? residual,
        bool relu, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int apart = residual is null ? 0 : residual.At().Start - output.At().Start;
        Run(
            context, input, weight, window, output,
            firstChannel => new RowNorm<T>(scale, shift, firstChannel, residual?.At().Array, apart, relu));
    }

    // Implicit GEMM: rows are output channels, columns are output pixels, k runs over (c, ky, kx) as the weights lie in memory. The matrix of
    // patches is never whole: some of its panels are packed at a time, or, for few kernels, tiles read a padded part of the map. follow: what a
    // group's sums go through, by its first output channel, which is row 0 of the product.
    private static void Run<T, TEpilogue>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Conv2dWindow window, Tensor<T> output, Func<int, TEpilogue> follow)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        int channels = input.Shape[1];
        int height = input.Shape[2];
        int width = input.Shape[3];
        int outputs = output.Shape[1];
        int pixels = output.Shape[2] * output.Shape[3];
        int rows = outputs / window.Groups;
        int depth = weight.Shape.LengthFrom(1);
        bool pointwise = weight.Shape[2] == 1 && weight.Shape[3] == 1 && window.Padding == 0;

        // A 1x1 window with a stride reads few of the pixels, each once: those are laid side by side first.
        bool strided = pointwise && window.Stride > 1;
        using AlignedBuffer<T> picked = context.Scratch<T>(strided ? input.Shape[0] * channels * pixels : 0);
        if (strided)
        {
            PickPixels(context, input, window.Stride, output.Shape[2], output.Shape[3], picked);
        }

        for (int n = 0; n < input.Shape[0]; n++)
        {
            for (int group = 0; group < window.Groups; group++)
            {
                LaneMajorPanels<T> kernels = new(weight.At(group * rows * depth), depth);
                Place<T> maps = input.At(((n * channels) + (group * weight.Shape[1])) * height * width);
                Place<T> sums = output.At(((n * outputs) + (group * rows)) * pixels);
                TEpilogue epilogue = follow(group * rows);
                if (pointwise)
                {
                    Place<T> read = strided ? picked.At(((n * channels) + (group * weight.Shape[1])) * pixels) : maps;
                    Gemm.Multiply(context, kernels, new DepthMajorPanels<T>(read, pixels), rows, pixels, depth, sums, pixels, epilogue);
                }
                else if (context.SummationOrder == SummationOrder.House && depth > 0 && rows <= MostKernelsForWindows)
                {
                    Windows<T> windows = new(
                        maps, weight.Shape[1], height, width, weight.Shape[2], weight.Shape[3], window, output.Shape[2],
                        output.Shape[3]);
                    Gemm.MultiplyWindows(context, kernels, windows, rows, sums, epilogue);
                }
                else
                {
                    PatchPanels<T> patches = new(
                        maps, height, width, weight.Shape[2], weight.Shape[3], window, output.Shape[3]);
                    Gemm.Multiply(context, kernels, patches, rows, pixels, depth, sums, pixels, epilogue);
                }
            }
        }
    }

    private static void PickPixels<T>(
        OperatorContext context, Tensor<T> input, int stride, int outputHeight, int outputWidth, AlignedBuffer<T> picked)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int height = input.Shape[2];
        int width = input.Shape[3];
        context.Split(input.Shape[0] * input.Shape[1], Math.Max(1, (1 << 14) / (outputHeight * outputWidth)), (first, last) =>
        {
            for (int map = first; map < last; map++)
            {
                ReadOnlySpan<T> x = input.AsReadOnlySpan().Slice(map * height * width, height * width);
                Span<T> y = picked.Span.Slice(map * outputHeight * outputWidth, outputHeight * outputWidth);
                for (int oy = 0; oy < outputHeight; oy++)
                {
                    Pick(x[(oy * stride * width)..], stride, y.Slice(oy * outputWidth, outputWidth));
                }
            }
        });
    }
}
