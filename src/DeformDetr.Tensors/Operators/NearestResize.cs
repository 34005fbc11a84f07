// Equation: y[n, i, j] = x[n, min(⌊i · (H / H′)⌋, H − 1), min(⌊j · (W / W′)⌋, W − 1)], the ratio and the product in float32.
// Mirrors torch.nn.functional.interpolate(mode="nearest") of a mask, float32 as the original runs it.
namespace DeformDetr.Tensors.Operators;

/// <summary>Nearest-neighbour resizing of masks, by PyTorch's "nearest": no half-pixel shift, no rounding.</summary>
public static class NearestResize
{
    /// <summary>Resizes every mask.</summary>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Masks. Shape [N, H, W].</param>
    /// <param name="height">H′, rows of the result.</param>
    /// <param name="width">W′, columns of the result.</param>
    /// <returns>Shape [N, H′, W′].</returns>
    /// <exception cref="ArgumentException">An empty mask or size.</exception>
    public static Tensor<bool> Forward(OperatorContext context, Tensor<bool> input, int height, int width)
    {
        ShapeGuard.Rank(nameof(NearestResize), nameof(input), input.Shape, "[N, H, W]", 3);
        ShapeGuard.That(input.Length > 0, nameof(NearestResize), nameof(input), $"holds {input.Shape}; expected [N, H, W] without a zero.");
        ShapeGuard.That(
            height > 0 && width > 0, nameof(NearestResize), nameof(height), $"holds {height} x {width}; expected at least 1 x 1.");
        Tensor<bool> output = context.Rent<bool>([input.Shape[0], height, width]);
        for (int n = 0; n < input.Shape[0]; n++)
        {
            for (int i = 0; i < height; i++)
            {
                int row = Source(i, input.Shape[1], height);
                for (int j = 0; j < width; j++)
                {
                    int column = Source(j, input.Shape[2], width);
                    output.AsSpan()[(((n * height) + i) * width) + j] =
                        input.AsReadOnlySpan()[(((n * input.Shape[1]) + row) * input.Shape[2]) + column];
                }
            }
        }

        return output;
    }

    private static int Source(int index, int from, int to)
    {
        float scale = (float)from / to;
        return Math.Min((int)MathF.Floor(index * scale), from - 1);
    }
}
