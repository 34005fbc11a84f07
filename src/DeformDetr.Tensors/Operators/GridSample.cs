// Equation: y[n, c, i, j] = Σ over the four pixels around (px, py) of (1 − |px − ix|) · (1 − |py − iy|) · x[n, c, iy, ix]; pixels outside
// are 0.
// Mirrors torch.nn.functional.grid_sample, bilinear, zeros; px = ((gx + 1) · W − 1) / 2, or (gx + 1) / 2 · (W − 1) with aligned corners.
using System.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

/// <summary>Bilinear reading of maps at given places.</summary>
public static class GridSample
{
    /// <summary>Samples every channel at every place.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Feature maps. Shape [N, C, H, W].</param>
    /// <param name="grid">Where to read; last axis (x, y): -1 is the left or top edge of the map, 1 the right or bottom; outside is
    /// allowed. Shape [N, Ho, Wo, 2].</param>
    /// <param name="alignCorners">True: ±1 are the centres of the corner pixels. False: they are the outer edges of the map.</param>
    /// <returns>Shape [N, C, Ho, Wo].</returns>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> input, Tensor<T> grid, bool alignCorners)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.Rank(nameof(GridSample), nameof(input), input.Shape, "[N, C, H, W]", 4);
        ShapeGuard.Require(nameof(GridSample), nameof(grid), grid.Shape, "[N, Ho, Wo, 2]", input.Shape[0], -1, -1, 2);
        int channels = input.Shape[1];
        int height = input.Shape[2];
        int width = input.Shape[3];
        int places = grid.Shape[1] * grid.Shape[2];
        Tensor<T> output = context.Rent<T>([input.Shape[0], channels, grid.Shape[1], grid.Shape[2]]);
        for (int n = 0; n < input.Shape[0]; n++)
        {
            for (int place = 0; place < places; place++)
            {
                double gx = Widen(grid.AsReadOnlySpan()[((n * places) + place) * 2]);
                double gy = Widen(grid.AsReadOnlySpan()[(((n * places) + place) * 2) + 1]);
                double px = alignCorners ? (gx + 1) / 2 * (width - 1) : (((gx + 1) * width) - 1) / 2;
                double py = alignCorners ? (gy + 1) / 2 * (height - 1) : (((gy + 1) * height) - 1) / 2;
                double left = Math.Floor(px);
                double top = Math.Floor(py);
                for (int c = 0; c < channels; c++)
                {
                    ReadOnlySpan<T> map = input.AsReadOnlySpan().Slice(((n * channels) + c) * height * width, height * width);
                    double sum = 0;
                    for (int corner = 0; corner < 4; corner++)
                    {
                        double ix = left + (corner & 1);
                        double iy = top + (corner >> 1);
                        if (ix >= 0 && ix < width && iy >= 0 && iy < height)
                        {
                            sum += (1 - Math.Abs(px - ix)) * (1 - Math.Abs(py - iy)) * Widen(map[((int)iy * width) + (int)ix]);
                        }
                    }

                    output.AsSpan()[(((n * channels) + c) * places) + place] = Round<T>(sum);
                }
            }
        }

        return output;
    }
}
