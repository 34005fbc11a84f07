using DeformDetr.Formats.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Jpeg;

/// <summary>Reads JPEG files to the same RGB bytes as Pillow's <c>Image.open(file).convert("RGB")</c> with libjpeg-turbo.</summary>
/// <remarks>
/// <para>Baseline, extended sequential and progressive pictures of 8 bits with Huffman codes; grey, YCbCr, RGB, CMYK and YCCK (both
/// inverted, as Adobe writes them); planes sampled in any whole ratio; one scan or several; restart markers. Colour profiles and
/// orientation are ignored. Arithmetic coding, lossless and hierarchical pictures and 12-bit samples are refused.</para>
/// <para>Stricter than Pillow where it shows a damaged file without a word: bits that are no code, data that end before the picture
/// does, restart markers that are missing or out of order, scans of a progressive picture that are missing or repeated, no EOI are
/// refused. Bytes that belong to no segment are passed over, and so is everything behind EOI.</para>
/// </remarks>
public static class JpegReader
{
    /// <summary>Reads a JPEG file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>(h, w, 3), red, green, blue, 0 to 255.</returns>
    /// <exception cref="InvalidDataException">
    /// The file is no JPEG, is damaged or truncated, of a kind that is not read, or holds more than 178 956 970 pixels.
    /// </exception>
    /// <exception cref="IOException">The file can't be opened or read.</exception>
    public static Tensor<byte> Read(string path) => Read(PictureBytes.ReadAll(path), path);

    /// <summary>Reads a JPEG file from its bytes.</summary>
    /// <param name="content">The whole file.</param>
    /// <param name="nameForErrors">What messages call the file.</param>
    /// <returns>(h, w, 3), red, green, blue, 0 to 255.</returns>
    /// <exception cref="InvalidDataException">As for a path.</exception>
    public static Tensor<byte> Read(byte[] content, string nameForErrors) => new JpegDecoder(content, nameForErrors).Decode();
}
