using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Pictures;

/// <summary>Pictures of any sizes as the model takes them: resized, normalised, and padded at the bottom and right to one size.</summary>
/// <param name="SamplesTensor"><c>samples.tensor</c>; 0 on padding (set after normalising, so it is no colour). Shape [N, 3, H, W].</param>
/// <param name="SamplesMask"><c>samples.mask</c>; true on padding. Shape [N, H, W].</param>
/// <param name="TargetSizes">Height and width of each picture as decoded, pixels: the frame that results are given in.
/// Shape [N, 2].</param>
public sealed record PictureBatch(Tensor<float> SamplesTensor, Tensor<bool> SamplesMask, Tensor<long> TargetSizes)
{
    /// <summary>Resizes, normalises and pads pictures, as the original does for evaluation.</summary>
    /// <param name="decoded">N pictures, each (h, w, 3), red, green, blue.</param>
    /// <param name="options">To which size.</param>
    /// <param name="see">Gets <c>images.{b}.decoded</c> and <c>images.{b}.resized</c>, (h, w, 3) each, where someone wants to look; not to
    /// be written to.</param>
    /// <returns>One batch; H and W are the largest height and width after the resize.</returns>
    /// <exception cref="ArgumentException">No picture, another shape, a picture too narrow to resize, or a batch too large for a
    /// tensor.</exception>
    public static PictureBatch Prepare(IReadOnlyList<Tensor<byte>> decoded, PreprocessOptions options, Action<string, Tensor>? see = null)
    {
        ArgumentNullException.ThrowIfNull(decoded);
        ArgumentNullException.ThrowIfNull(options);
        ShapeGuard.That(decoded.Count > 0, "picture batch", nameof(decoded), $"holds no picture; expected at least one.");

        int count = decoded.Count;
        Tensor<byte>[] resized = new Tensor<byte>[count];
        Tensor<long> targetSizes = new([count, 2]);
        for (int b = 0; b < count; b++)
        {
            Tensor<byte> picture = decoded[b];
            ShapeGuard.Require("picture batch", nameof(decoded), picture.Shape, "[h, w, 3]", -1, -1, 3);
            targetSizes[b, 0] = picture.Shape[0];
            targetSizes[b, 1] = picture.Shape[1];
            see?.Invoke(Name(b, "decoded"), picture);
            (int height, int width) = PictureSize.Resized(picture.Shape[0], picture.Shape[1], options.Shortest, options.Longest);
            resized[b] = PillowResize.Bilinear(picture, height, width);
            see?.Invoke(Name(b, "resized"), resized[b]);
        }

        int paddedHeight = resized.Max(picture => picture.Shape[0]);
        int paddedWidth = resized.Max(picture => picture.Shape[1]);
        Tensor<float> samples = new([count, 3, paddedHeight, paddedWidth]);
        Tensor<bool> mask = new([count, paddedHeight, paddedWidth]);
        mask.AsSpan().Fill(true);
        int area = paddedHeight * paddedWidth;
        for (int b = 0; b < count; b++)
        {
            PictureNormalization.NormalizeInto(resized[b], samples.AsSpan().Slice(b * 3 * area, 3 * area), paddedHeight, paddedWidth);
            for (int y = 0; y < resized[b].Shape[0]; y++)
            {
                mask.AsSpan().Slice((b * area) + (y * paddedWidth), resized[b].Shape[1]).Clear();
            }
        }

        return new PictureBatch(samples, mask, targetSizes);
    }

    private static string Name(int picture, string what) => string.Create(CultureInfo.InvariantCulture, $"images.{picture}.{what}");
}
