using System.Numerics;

namespace DeformDetr.Tensors.Operators;

public static partial class Conv2d
{
    // What follows the sums of one image and group; row 0 is the group's first output channel.
    private interface IFollow<T, TEpilogue>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        TEpilogue Of(int firstChannel);
    }

    private static void Simd<T>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T>? bias, Conv2dWindow window, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (bias is null)
        {
            Run<T, NoEpilogue<T>, Nothing<T>>(context, input, weight, window, output, default);
        }
        else
        {
            Run<T, RowBias<T>, Biased<T>>(context, input, weight, window, output, new Biased<T>(bias.Storage.Array));
        }
    }

    private static void SimdNormed<T>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Conv2dWindow window, T[] scale, T[] shift, Tensor<T>? residual,
        bool relu, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        Run<T, RowNorm<T>, Normed<T>>(
            context, input, weight, window, output, new Normed<T>(scale, shift, residual?.Storage.Array, relu));

    // Implicit GEMM: rows are output channels, columns are output pixels, k runs over (c, ky, kx) as the weights lie in memory. The columns
    // of the patch matrix exist only panel by panel, packed straight from the map.
    private static void Run<T, TEpilogue, TFollow>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Conv2dWindow window, Tensor<T> output, TFollow follow)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
        where TFollow : struct, IFollow<T, TEpilogue>
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
                LaneMajorPanels<T> kernels = new(weight.Storage.Array, group * rows * depth, depth);
                int map = ((n * channels) + (group * weight.Shape[1])) * height * width;
                int to = ((n * outputs) + (group * rows)) * pixels;
                TEpilogue epilogue = follow.Of(group * rows);
                if (pointwise)
                {
                    DepthMajorPanels<T> maps = strided
                        ? new(picked.Array, picked.Start + (((n * channels) + (group * weight.Shape[1])) * pixels), pixels)
                        : new(input.Storage.Array, map, pixels);
                    Gemm.Multiply(context, kernels, maps, rows, pixels, depth, output.Storage.Array, to, pixels, epilogue);
                }
                else
                {
                    PatchPanels<T> patches = new(
                        input.Storage.Array, map, height, width, weight.Shape[2], weight.Shape[3], window, output.Shape[3]);
                    Gemm.Multiply(context, kernels, patches, rows, pixels, depth, output.Storage.Array, to, pixels, epilogue);
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

    private readonly struct Nothing<T> : IFollow<T, NoEpilogue<T>>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        public NoEpilogue<T> Of(int firstChannel) => default;
    }

    private readonly struct Biased<T>(T[] bias) : IFollow<T, RowBias<T>>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        public RowBias<T> Of(int firstChannel) => new(bias, firstChannel);
    }

    private readonly struct Normed<T>(T[] scale, T[] shift, T[]? residual, bool relu) : IFollow<T, RowNorm<T>>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        public RowNorm<T> Of(int firstChannel) => new(scale, shift, firstChannel, residual, relu);
    }
}
