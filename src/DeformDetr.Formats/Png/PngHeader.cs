using System.Buffers.Binary;
using DeformDetr.Formats.Pictures;

namespace DeformDetr.Formats.Png;

// The contents of the IHDR chunk, checked.
internal readonly record struct PngHeader(int Width, int Height, int BitDepth, PngColour Colour, bool IsInterlaced)
{
    public const int Length = 13;

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    public int Channels => Colour switch
    {
        PngColour.Grey or PngColour.Palette => 1,
        PngColour.GreyAlpha => 2,
        PngColour.Rgb => 3,
        _ => 4,
    };

    public int BitsPerPixel => Channels * BitDepth;

    // How far back the filters look: whole bytes, one for pixels smaller than a byte.
    public int BytesPerPixel => Math.Max(1, BitsPerPixel / 8);

    public int RowBytes(int width) => (int)((((long)width * BitsPerPixel) + 7) / 8);

    public static PngHeader Parse(string file, ReadOnlySpan<byte> data)
    {
        if (data.Length != Length)
        {
            throw PngError.In(file, $"chunk IHDR holds {data.Length} bytes; expected {Length}");
        }

        uint width = BinaryPrimitives.ReadUInt32BigEndian(data);
        uint height = BinaryPrimitives.ReadUInt32BigEndian(data[4..]);
        int depth = data[8];
        int colour = data[9];
        if (width == 0 || height == 0)
        {
            throw PngError.In(file, $"a picture of {width} x {height} pixels (width x height); expected at least one pixel");
        }

        if ((ulong)width * height > PictureLimits.MostPixels)
        {
            throw PngError.In(file, $"a picture of {width} x {height} pixels (width x height); expected at most {PictureLimits.MostPixels} pixels");
        }

        if (!IsDefined(depth, colour))
        {
            throw PngError.In(
                file, $"colour type {colour} with bit depth {depth}; expected grey (0) with 1, 2, 4, 8, palette (3) with 1, 2, 4, 8, or RGB (2), grey + alpha (4), RGBA (6) with 8, 16");
        }

        if (colour == (int)PngColour.Grey && depth == 16)
        {
            throw PngError.In(file, $"16-bit grey pixels (colour type 0, bit depth 16); expected at most 8 bits for grey (Pillow, the measure, has no RGB of them)");
        }

        if (data[10] != 0)
        {
            throw PngError.In(file, $"compression method {data[10]}; expected 0 (deflate)");
        }

        if (data[11] != 0)
        {
            throw PngError.In(file, $"filter method {data[11]}; expected 0");
        }

        if (data[12] > 1)
        {
            throw PngError.In(file, $"interlace method {data[12]}; expected 0 (none) or 1 (Adam7)");
        }

        return new PngHeader((int)width, (int)height, depth, (PngColour)colour, data[12] == 1);
    }

    private static bool IsDefined(int depth, int colour) => (PngColour)colour switch
    {
        PngColour.Grey => depth is 1 or 2 or 4 or 8 or 16,
        PngColour.Palette => depth is 1 or 2 or 4 or 8,
        PngColour.Rgb or PngColour.GreyAlpha or PngColour.RgbAlpha => depth is 8 or 16,
        _ => false,
    };
}
