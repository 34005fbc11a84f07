using DeformDetr.Formats.Jpeg;
using DeformDetr.Formats.Png;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Pictures;

/// <summary>A picture from a file, as <c>Image.open(file).convert("RGB")</c> of Pillow gives it.</summary>
/// <param name="Rgb">Red, green, blue, 0 to 255. Shape [h, w, 3].</param>
/// <param name="Orientation">
/// What the file's Exif data say about how it was held: 1 is upright, 2 to 8 are mirrored or turned. The pixels don't follow it, since
/// Pillow's and so the original's don't.
/// </param>
public sealed record Picture(Tensor<byte> Rgb, int Orientation)
{
    /// <summary>What <see cref="Read"/> reads, for messages.</summary>
    public const string Formats = "a PNG, JPEG or binary PPM file";

    /// <summary>Whether the picture is not meant to be seen as its pixels lie.</summary>
    public bool IsTurned => Orientation != ExifOrientation.Upright;

    /// <summary>Reads a PNG, JPEG or binary PPM file; its first bytes tell which, not its name.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">Another kind of file, a damaged one, or more than 178 956 970 pixels.</exception>
    /// <exception cref="IOException">The file can't be opened or read.</exception>
    public static Picture Read(string path)
    {
        using FileStream stream = PictureBytes.Open(path);
        Span<byte> start = stackalloc byte[FileKind.BytesNeeded];
        start = start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)];
        stream.Position = 0;
        if (start.StartsWith(PngHeader.Signature))
        {
            Tensor<byte> rgb = PngReader.Read(stream, path, out int orientation);
            return new Picture(rgb, orientation);
        }

        if (start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]))
        {
            JpegDecoder decoder = new(PictureBytes.ReadAll(stream, path), path);
            Tensor<byte> rgb = decoder.Decode();
            return new Picture(rgb, decoder.Orientation);
        }

        if (start.StartsWith("P6"u8) || start.StartsWith("P5"u8))
        {
            return new Picture(PpmReader.Read(PictureBytes.ReadAll(stream, path), path), ExifOrientation.Upright);
        }

        throw FileKind.Refuse(path, start, Formats);
    }
}
