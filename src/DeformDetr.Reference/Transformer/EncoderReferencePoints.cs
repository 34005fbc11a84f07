// Equation: point of cell (i, j) of level l, seen by level l′: ((j + 0.5) / (ratio_l,w · W_l), (i + 0.5) / (ratio_l,h · H_l)) · ratio_l′.
// Mirrors DeformableTransformerEncoder.get_reference_points.
using System.Numerics;
using DeformDetr.Tensors;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Reference;

/// <summary>The centres of all cells, as fractions of the unpadded picture, scaled to every level's padded map.</summary>
public static class EncoderReferencePoints
{
    /// <summary>Makes the points.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="levels">The levels' layout.</param>
    /// <param name="validRatios">Last axis (w, h). Shape [N, L, 2].</param>
    /// <returns>Last axis (x, y), fractions of the padded level. Shape [N, S, L, 2].</returns>
    public static Tensor<T> Forward<T>(OperatorContext context, LevelLayout levels, Tensor<T> validRatios)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.Require("encoder reference points", "valid_ratios", validRatios.Shape, "[N, L, 2]", -1, levels.Count, 2);
        int batch = validRatios.Shape[0];
        int count = levels.Count;
        int tokens = levels.Start(count - 1) + (levels.Height(count - 1) * levels.Width(count - 1));
        Tensor<T> output = context.Rent<T>([batch, tokens, count, 2]);
        for (int n = 0; n < batch; n++)
        {
            double[] ratioW = new double[count];
            double[] ratioH = new double[count];
            for (int level = 0; level < count; level++)
            {
                ratioW[level] = Widen(validRatios[n, level, 0]);
                ratioH[level] = Widen(validRatios[n, level, 1]);
            }

            for (int level = 0; level < count; level++)
            {
                int height = levels.Height(level);
                int width = levels.Width(level);
                Span<T> cells = output.AsSpan().Slice(((n * tokens) + levels.Start(level)) * count * 2, height * width * count * 2);
                for (int row = 0; row < height; row++)
                {
                    double y = (row + 0.5) / (ratioH[level] * height);
                    for (int column = 0; column < width; column++)
                    {
                        double x = (column + 0.5) / (ratioW[level] * width);
                        Span<T> points = cells.Slice(((row * width) + column) * count * 2, count * 2);
                        for (int target = 0; target < count; target++)
                        {
                            points[2 * target] = Round<T>(x * ratioW[target]);
                            points[(2 * target) + 1] = Round<T>(y * ratioH[target]);
                        }
                    }
                }
            }
        }

        return output;
    }
}
