using System.Text;
using DeformDetr.Formats.Png;

namespace DeformDetr.Formats.Pictures;

// What a file looks like by its first bytes, where something else was expected.
internal static class FileKind
{
    // As many bytes as the longest mark below needs.
    public const int BytesNeeded = 16;

    public static string Describe(ReadOnlySpan<byte> start)
    {
        if (start.IsEmpty)
        {
            return "is empty";
        }

        return Name(start) is string name ? $"looks like {name}" : $"starts with bytes {Convert.ToHexString(start[..Math.Min(8, start.Length)])}";
    }

    public static InvalidDataException Refuse(string file, ReadOnlySpan<byte> start, string expected) =>
        Fault.File(file, $"{Describe(start[..Math.Min(start.Length, BytesNeeded)])}; expected {expected}.");

    private static string? Name(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith(PngHeader.Signature))
        {
            return "a PNG file";
        }

        if (start.StartsWith(PngHeader.Signature[..4]) || start.StartsWith(PngHeader.Signature[1..4]))
        {
            return "a PNG file whose first eight bytes are damaged (as by a transfer in text mode)";
        }

        if (start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]))
        {
            return "a JPEG file";
        }

        if (start.StartsWith("GIF87a"u8) || start.StartsWith("GIF89a"u8))
        {
            return "a GIF file";
        }

        if (start.StartsWith("RIFF"u8) && At(start, 8, "WEBP"u8))
        {
            return "a WebP file";
        }

        if (start.StartsWith("II*\0"u8) || start.StartsWith("MM\0*"u8) || start.StartsWith("II+\0"u8) || start.StartsWith("MM\0+"u8))
        {
            return "a TIFF file";
        }

        if (At(start, 4, "ftyp"u8))
        {
            return $"an HEIF, AVIF or MP4 file (brand {Encoding.ASCII.GetString(start[8..Math.Min(12, start.Length)])})";
        }

        if (start.Length >= 3 && start[0] == 'P' && start[1] is >= (byte)'1' and <= (byte)'6' && " \n\r\t"u8.Contains(start[2]))
        {
            return "a PBM, PGM or PPM file";
        }

        if (start.StartsWith("BM"u8))
        {
            return "a BMP file";
        }

        if (At(start, 1, "MNG\r\n"u8))
        {
            return "an MNG file";
        }

        if (start.StartsWith((ReadOnlySpan<byte>)[0, 0, 1, 0]))
        {
            return "an ICO file";
        }

        if (At(start, 1, "NUMPY"u8))
        {
            return "a NumPy file";
        }

        if (start.StartsWith("%PDF"u8))
        {
            return "a PDF file";
        }

        if (start.StartsWith("PK\x03\x04"u8))
        {
            return "a ZIP file";
        }

        if (start.StartsWith("<?xml"u8) || start.StartsWith("<svg"u8))
        {
            return "an XML or SVG file";
        }

        return null;
    }

    private static bool At(ReadOnlySpan<byte> start, int offset, ReadOnlySpan<byte> mark) =>
        start.Length >= offset + mark.Length && start.Slice(offset, mark.Length).SequenceEqual(mark);
}
