// Equation: ratio = (valid columns of the first row / W, valid rows of the first column / H).
// Mirrors DeformableTransformer.get_valid_ratio.
using System.Numerics;
using DeformDetr.Tensors;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Reference;

/// <summary>Which share of each level is picture and not padding.</summary>
public static class ValidRatios
{
    /// <summary>Counts the valid cells of every level.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="masks">One per level; true is padding. Shape [N, H_l, W_l].</param>
    /// <returns>Last axis (w, h), in (0, 1]. Shape [N, L, 2].</returns>
    /// <exception cref="ArgumentException">A picture has no valid cell in the first row or column of a level: the mask covers
    /// everything.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, IReadOnlyList<Tensor<bool>> masks)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int batch = masks[0].Shape[0];
        Tensor<T> output = context.Rent<T>([batch, masks.Count, 2]);
        for (int level = 0; level < masks.Count; level++)
        {
            int height = masks[level].Shape[1];
            int width = masks[level].Shape[2];
            for (int n = 0; n < batch; n++)
            {
                int validHeight = 0;
                for (int row = 0; row < height; row++)
                {
                    validHeight += masks[level][n, row, 0] ? 0 : 1;
                }

                int validWidth = 0;
                for (int column = 0; column < width; column++)
                {
                    validWidth += masks[level][n, 0, column] ? 0 : 1;
                }

                ShapeGuard.That(
                    validHeight > 0 && validWidth > 0, "valid_ratios", "mask",
                    $"of picture {n} covers the first row or column of level {level}; expected a picture that is not padding everywhere.");
                output[n, level, 0] = Round<T>((double)validWidth / width);
                output[n, level, 1] = Round<T>((double)validHeight / height);
            }
        }

        return output;
    }
}
