using DeformDetr.Tensors;

namespace DeformDetr.Reference.Pictures;

/// <summary>
/// out = (in / 255 − mean) / std per channel, in float32, with the bits of torchvision's <c>ToTensor</c> and <c>Normalize</c>.
/// </summary>
public static class PictureNormalization
{
    private const int Channels = 3;

    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f];

    private static readonly float[] Std = [0.229f, 0.224f, 0.225f];

    /// <summary>Normalises a picture with ImageNet's statistics and moves the channels to the front.</summary>
    /// <param name="rgb">Red, green, blue. Shape [h, w, 3].</param>
    /// <returns>(3, h, w).</returns>
    /// <exception cref="ArgumentException">Another shape.</exception>
    public static Tensor<float> Normalize(Tensor<byte> rgb)
    {
        ShapeGuard.Require("normalize", nameof(rgb), rgb.Shape, "[h, w, 3]", -1, -1, Channels);
        int height = rgb.Shape[0];
        int width = rgb.Shape[1];
        Tensor<float> result = new([Channels, height, width]);
        NormalizeInto(rgb, result.AsSpan(), height, width);
        return result;
    }

    // Writes to the top left corner of a (3, paddedHeight, paddedWidth) picture.
    internal static void NormalizeInto(Tensor<byte> rgb, Span<float> padded, int paddedHeight, int paddedWidth)
    {
        int height = rgb.Shape[0];
        int width = rgb.Shape[1];
        ReadOnlySpan<byte> pixels = rgb.AsReadOnlySpan();
        for (int channel = 0; channel < Channels; channel++)
        {
            for (int y = 0; y < height; y++)
            {
                ReadOnlySpan<byte> source = pixels.Slice(y * width * Channels, width * Channels);
                Span<float> target = padded.Slice(((channel * paddedHeight) + y) * paddedWidth, width);
                for (int x = 0; x < width; x++)
                {
                    target[x] = ((source[(x * Channels) + channel] / 255f) - Mean[channel]) / Std[channel];
                }
            }
        }
    }
}
