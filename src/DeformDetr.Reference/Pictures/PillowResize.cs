using DeformDetr.Tensors;

namespace DeformDetr.Reference.Pictures;

/// <summary>
/// Resizes 8-bit pictures with the very bits of Pillow 9.4's <c>Image.resize(size, Image.BILINEAR)</c>, which is what the original's
/// pictures go through.
/// </summary>
/// <remarks>
/// <para>out(x) = Σ_i w(i) in(i) along each row and then along each column, w a triangle around the place of x in the input. When the
/// picture shrinks, the triangle widens with the scale (antialiasing), unlike in <c>torch.nn.functional.interpolate</c> by default or in
/// OpenCV.</para>
/// <para>Weights are fixed-point numbers of 22 bits, and each of the two passes rounds to a byte.</para>
/// </remarks>
public static class PillowResize
{
    private const int Channels = 3;

    /// <summary>Resizes a picture.</summary>
    /// <param name="picture">Shape [h, w, 3]; three channels that don't mix, such as red, green, blue.</param>
    /// <param name="height">Height of the result, pixels.</param>
    /// <param name="width">Width of the result, pixels.</param>
    /// <returns>(height, width, 3); a copy where the size is the picture's.</returns>
    /// <exception cref="ArgumentException">Another shape, a side of 0, or a result too large for a tensor.</exception>
    public static Tensor<byte> Bilinear(Tensor<byte> picture, int height, int width)
    {
        ShapeGuard.Require("resize", nameof(picture), picture.Shape, "[h, w, 3]", -1, -1, Channels);
        ShapeGuard.That(picture.Length > 0, "resize", nameof(picture), $"holds {picture.Shape}; expected h, w >= 1.");
        ShapeGuard.That(height >= 1, "resize", nameof(height), $"holds {height}; expected >= 1.");
        ShapeGuard.That(width >= 1, "resize", nameof(width), $"holds {width}; expected >= 1.");

        Tensor<byte> result = picture;
        if (width != picture.Shape[1])
        {
            result = Horizontally(result, width);
        }

        if (height != picture.Shape[0])
        {
            result = Vertically(result, height);
        }

        return ReferenceEquals(result, picture) ? picture.Clone() : result;
    }

    private static Tensor<byte> Horizontally(Tensor<byte> picture, int width)
    {
        int height = picture.Shape[0];
        int rowBytes = picture.Shape[1] * Channels;
        Tensor<byte> result = new([height, width, Channels]);
        ResizeWeights weights = new(picture.Shape[1], width);
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> row = picture.AsReadOnlySpan().Slice(y * rowBytes, rowBytes);
            Span<byte> target = result.AsSpan().Slice(y * width * Channels, width * Channels);
            for (int x = 0; x < width; x++)
            {
                ReadOnlySpan<int> taps = weights.Of(x, out int first);
                ReadOnlySpan<byte> pixels = row.Slice(first * Channels, taps.Length * Channels);
                int red = ResizeWeights.Half;
                int green = ResizeWeights.Half;
                int blue = ResizeWeights.Half;
                for (int tap = 0; tap < taps.Length; tap++)
                {
                    int weight = taps[tap];
                    red += weight * pixels[tap * Channels];
                    green += weight * pixels[(tap * Channels) + 1];
                    blue += weight * pixels[(tap * Channels) + 2];
                }

                target[x * Channels] = ResizeWeights.ToByte(red);
                target[(x * Channels) + 1] = ResizeWeights.ToByte(green);
                target[(x * Channels) + 2] = ResizeWeights.ToByte(blue);
            }
        }

        return result;
    }

    private static Tensor<byte> Vertically(Tensor<byte> picture, int height)
    {
        int width = picture.Shape[1];
        int rowBytes = width * Channels;
        Tensor<byte> result = new([height, width, Channels]);
        ResizeWeights weights = new(picture.Shape[0], height);
        int[] sums = new int[rowBytes];
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<int> taps = weights.Of(y, out int first);
            sums.AsSpan().Fill(ResizeWeights.Half);
            for (int tap = 0; tap < taps.Length; tap++)
            {
                int weight = taps[tap];
                ReadOnlySpan<byte> row = picture.AsReadOnlySpan().Slice((first + tap) * rowBytes, rowBytes);
                for (int x = 0; x < sums.Length; x++)
                {
                    sums[x] += weight * row[x];
                }
            }

            Span<byte> target = result.AsSpan().Slice(y * rowBytes, rowBytes);
            for (int x = 0; x < sums.Length; x++)
            {
                target[x] = ResizeWeights.ToByte(sums[x]);
            }
        }

        return result;
    }
}
