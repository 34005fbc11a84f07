using System.Globalization;
using System.Text;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Pictures;

/// <summary>Reads binary PPM (P6) and PGM (P5) files to the same RGB bytes as Pillow's <c>Image.open(file).convert("RGB")</c>.</summary>
/// <remarks>
/// Text formats (P1, P2, P3), bitmaps (P1, P4), and grey of more than 8 bits (which Pillow opens as 32-bit integers) are refused.
/// </remarks>
public static class PpmReader
{
    private const int MostDigits = 10;
    private const int MostMaximum = 65535;

    /// <summary>Reads a PPM or PGM file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>(h, w, 3), red, green, blue, 0 to 255.</returns>
    /// <exception cref="InvalidDataException">The file is of another kind, truncated, or holds more than 178 956 970 pixels.</exception>
    /// <exception cref="IOException">The file can't be opened or read.</exception>
    public static Tensor<byte> Read(string path) => Read(PictureBytes.ReadAll(path), path);

    /// <summary>Reads a PPM or PGM file from its bytes.</summary>
    /// <param name="content">The whole file; what follows the picture is ignored.</param>
    /// <param name="nameForErrors">What messages call the file.</param>
    /// <returns>(h, w, 3), red, green, blue, 0 to 255.</returns>
    /// <exception cref="InvalidDataException">As for a path.</exception>
    public static Tensor<byte> Read(byte[] content, string nameForErrors)
    {
        ReadOnlySpan<byte> bytes = content;
        string file = nameForErrors;
        bool isColour = bytes.StartsWith("P6"u8);
        if ((!isColour && !bytes.StartsWith("P5"u8)) || bytes.Length < 3 || !IsSpace(bytes[2]))
        {
            throw FileKind.Refuse(file, bytes, "a binary PPM (P6) or PGM (P5) file");
        }

        int offset = 3;
        long width = ReadNumber(file, bytes, ref offset, "the width");
        long height = ReadNumber(file, bytes, ref offset, "the height");
        long maximum = ReadNumber(file, bytes, ref offset, "the largest value");
        string size = string.Create(CultureInfo.InvariantCulture, $"{width} x {height} pixels (width x height)");
        if (width == 0 || height == 0 || (UInt128)width * (UInt128)height > PictureLimits.MostPixels)
        {
            throw Fault.File(file, $"byte {offset}: a picture of {size}; expected 1 to {PictureLimits.MostPixels} pixels.");
        }

        if (maximum is < 1 or > MostMaximum)
        {
            throw Fault.File(file, $"byte {offset}: a largest value of {maximum}; expected 1 to {MostMaximum}.");
        }

        if (maximum > byte.MaxValue && !isColour)
        {
            throw Fault.File(
                file,
                $"byte {offset}: grey pixels up to {maximum}; expected at most 255 for grey (Pillow, the measure, has no RGB of them).");
        }

        int samples = (int)(width * height) * (isColour ? 3 : 1);
        long needed = (long)samples * (maximum > byte.MaxValue ? 2 : 1);
        if (bytes.Length - offset < needed)
        {
            throw Fault.File(file, $"byte {offset}: {bytes.Length - offset} bytes of pixels; expected {needed} for {size}.");
        }

        Tensor<byte> picture = new([(int)height, (int)width, 3]);
        Spread(bytes.Slice(offset, (int)needed), (int)maximum, isColour ? 1 : 3, picture.AsSpan());
        return picture;
    }

    // Values 0..maximum to 0..255, to the nearest, each written so many times.
    private static void Spread(ReadOnlySpan<byte> values, int maximum, int times, Span<byte> rgb)
    {
        if (maximum == byte.MaxValue && times == 1)
        {
            values.CopyTo(rgb);
            return;
        }

        byte[] scaled = new byte[maximum > byte.MaxValue ? MostMaximum + 1 : byte.MaxValue + 1];
        for (int value = 0; value < scaled.Length; value++)
        {
            scaled[value] = (byte)Math.Min(byte.MaxValue, Math.Round((double)value / maximum * byte.MaxValue));
        }

        int width = maximum > byte.MaxValue ? 2 : 1;
        for (int at = 0, target = 0; at < values.Length; at += width, target += times)
        {
            int value = width == 1 ? values[at] : (values[at] << 8) | values[at + 1];
            rgb.Slice(target, times).Fill(scaled[value]);
        }
    }

    // White space and comments, digits, and the one white space behind them.
    private static long ReadNumber(string file, ReadOnlySpan<byte> bytes, ref int offset, string what)
    {
        while (offset < bytes.Length && (IsSpace(bytes[offset]) || bytes[offset] == '#'))
        {
            if (bytes[offset] == '#')
            {
                int end = bytes[offset..].IndexOfAny((byte)'\n', (byte)'\r');
                offset = end < 0 ? bytes.Length : offset + end;
                continue;
            }

            offset++;
        }

        int start = offset;
        while (offset < bytes.Length && offset - start < MostDigits && char.IsAsciiDigit((char)bytes[offset]))
        {
            offset++;
        }

        string digits = Encoding.ASCII.GetString(bytes[start..offset]);
        if (digits.Length == 0 || offset == bytes.Length || !IsSpace(bytes[offset]))
        {
            string found = offset == bytes.Length
                ? "the end of the file"
                : $"byte 0x{bytes[offset].ToString("X2", CultureInfo.InvariantCulture)}";
            throw Fault.File(file, $"byte {offset}: {found} in {what}; expected at most {MostDigits} digits and white space.");
        }

        offset++;
        return long.Parse(digits, CultureInfo.InvariantCulture);
    }

    // As C's isspace has it.
    private static bool IsSpace(byte value) => value is (byte)' ' or (>= 9 and <= 13);
}
