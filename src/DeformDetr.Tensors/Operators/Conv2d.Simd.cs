using System.Numerics;

namespace DeformDetr.Tensors.Operators;

public static partial class Conv2d
{
    // Implicit GEMM: rows are output channels, columns are output pixels, k runs over (c, ky, kx) as the weights lie in memory. The columns
    // of the patch matrix exist only panel by panel, packed straight from the map.
    private static void Simd<T>(
        OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T>? bias, Conv2dWindow window, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = input.Shape[1];
        int height = input.Shape[2];
        int width = input.Shape[3];
        int outputs = output.Shape[1];
        int pixels = output.Shape[2] * output.Shape[3];
        int rows = outputs / window.Groups;
        int depth = weight.Shape.LengthFrom(1);
        bool pointwise = weight.Shape[2] == 1 && weight.Shape[3] == 1 && window is { Stride: 1, Padding: 0 };
        for (int n = 0; n < input.Shape[0]; n++)
        {
            for (int group = 0; group < window.Groups; group++)
            {
                LaneMajorPanels<T> kernels = new(weight.Storage.Array, group * rows * depth, depth);
                int map = ((n * channels) + (group * weight.Shape[1])) * height * width;
                int to = ((n * outputs) + (group * rows)) * pixels;
                if (pointwise)
                {
                    Run(
                        context, kernels, new DepthMajorPanels<T>(input.Storage.Array, map, pixels), rows, pixels, depth, bias,
                        group * rows, output, to);
                }
                else
                {
                    PatchPanels<T> patches = new(
                        input.Storage.Array, map, height, width, weight.Shape[2], weight.Shape[3], window, output.Shape[3]);
                    Run(context, kernels, patches, rows, pixels, depth, bias, group * rows, output, to);
                }
            }
        }
    }

    private static void Run<T, TPanels>(
        OperatorContext context, LaneMajorPanels<T> kernels, TPanels pixels, int rows, int columns, int depth, Tensor<T>? bias,
        int firstBias, Tensor<T> output, int to)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TPanels : struct, IPanels<T>
    {
        if (bias is null)
        {
            Gemm.Multiply(context, kernels, pixels, rows, columns, depth, output.Storage.Array, to, columns, new NoEpilogue<T>());
        }
        else
        {
            Gemm.Multiply(
                context, kernels, pixels, rows, columns, depth, output.Storage.Array, to, columns,
                new RowBias<T>(bias.Storage.Array, firstBias));
        }
    }

    // Lane = output pixel (row-major), k = (c, ky, kx): the pixel of the map that the window's tap covers, or zero.
    private readonly struct PatchPanels<T>(
        T[] data, int offset, int height, int width, int kernelHeight, int kernelWidth, Conv2dWindow window, int outputWidth)
        : IPanels<T>
        where T : unmanaged
    {
        public void Pack(int lane, int lanes, int k, int depth, int panelWidth, Span<T> panel)
        {
            int taps = kernelHeight * kernelWidth;
            int c = k / taps;
            int ky = k % taps / kernelWidth;
            int kx = k % kernelWidth;
            for (int step = 0; step < depth; step++)
            {
                Span<T> row = panel.Slice(step * panelWidth, panelWidth);
                PackTap(
                    lane, lanes, data.AsSpan(offset + (c * height * width), height * width), ky * window.Dilation, kx * window.Dilation,
                    row);
                row[lanes..].Clear();
                if (++kx == kernelWidth)
                {
                    kx = 0;
                    if (++ky == kernelHeight)
                    {
                        ky = 0;
                        c++;
                    }
                }
            }
        }

        // One tap for consecutive output pixels: runs along output rows.
        private void PackTap(int lane, int lanes, ReadOnlySpan<T> map, int tapY, int tapX, Span<T> row)
        {
            int oy = lane / outputWidth;
            int ox = lane % outputWidth;
            for (int done = 0; done < lanes; oy++, ox = 0)
            {
                int run = Math.Min(outputWidth - ox, lanes - done);
                Span<T> target = row.Slice(done, run);
                done += run;
                int iy = (oy * window.Stride) - window.Padding + tapY;
                if ((uint)iy >= (uint)height)
                {
                    target.Clear();
                    continue;
                }

                // Output pixels [from, to) of the run look inside the map's row.
                int ix = (ox * window.Stride) - window.Padding + tapX;
                int from = ix >= 0 ? 0 : Math.Min(run, (-ix + window.Stride - 1) / window.Stride);
                int to = ix >= width ? from : Math.Clamp(((width - 1 - ix) / window.Stride) + 1, from, run);
                target[..from].Clear();
                target[to..].Clear();
                ReadOnlySpan<T> source = map.Slice(iy * width, width);
                if (window.Stride == 1 && from < to)
                {
                    source.Slice(ix + from, to - from).CopyTo(target[from..]);
                    continue;
                }

                for (int p = from, at = ix + (from * window.Stride); p < to; p++, at += window.Stride)
                {
                    target[p] = source[at];
                }
            }
        }
    }
}
