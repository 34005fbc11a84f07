using System.Globalization;

namespace DeformDetr.Reference.Pictures;

/// <summary>The size that the original resizes a picture to (<c>get_size_with_aspect_ratio</c> in datasets/transforms.py).</summary>
public static class PictureSize
{
    /// <summary>
    /// The shorter side becomes <paramref name="shortest"/>, or less where the longer one would exceed <paramref name="longest"/>; the
    /// ratio is kept.
    /// </summary>
    /// <param name="height">Height of the picture, pixels.</param>
    /// <param name="width">Width of the picture, pixels.</param>
    /// <param name="shortest">What the shorter side should become, pixels (the original's <c>size</c>).</param>
    /// <param name="longest">What the longer side may be at most, pixels (the original's <c>max_size</c>). Rounding may put it one or more
    /// pixels above or below.</param>
    /// <returns>Height and width after the resize, pixels.</returns>
    /// <exception cref="ArgumentException">A number below 1; a picture so narrow that its shorter side would become 0; or a result too
    /// large for a tensor.</exception>
    public static (int Height, int Width) Resized(int height, int width, int shortest, int longest)
    {
        if (height < 1 || width < 1 || shortest < 1 || longest < 1)
        {
            throw new ArgumentException(Text(
                $"picture size: height, width, shortest, longest hold {height}, {width}, {shortest}, {longest}; expected numbers >= 1."));
        }

        int size = shortest;
        double min = Math.Min(height, width);
        double max = Math.Max(height, width);
        if (max / min * size > longest)
        {
            // Python's round: a half goes to the even neighbour.
            size = (int)Math.Round(longest * min / max, MidpointRounding.ToEven);
            if (size == 0)
            {
                throw new ArgumentException(Text(
                    $"picture size: a picture of height {height} and width {width} is so narrow that its shorter side becomes 0 under longest {longest}; expected at least 1."));
            }
        }

        if (Math.Min(height, width) == size)
        {
            return (height, width);
        }

        // Exact in double wherever the result passes: a product above 2^53 would mean a picture beyond any tensor.
        double other = (double)((long)size * Math.Max(height, width)) / Math.Min(height, width);
        if (other * size * 3 > Array.MaxLength)
        {
            throw new ArgumentException(Text(
                $"picture size: height {height} and width {width} under shortest {shortest}, longest {longest} become {size} x {other:F0}; expected at most {Array.MaxLength} bytes of RGB."));
        }

        return width < height ? ((int)other, size) : (size, (int)other);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
