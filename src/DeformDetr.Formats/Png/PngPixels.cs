namespace DeformDetr.Formats.Png;

// Turns the bytes of one row into RGB. Alpha is dropped, not blended; of 16 bits the high 8 are kept; small grey values are spread over 0..255.
internal sealed class PngPixels
{
    private readonly PngHeader _header;
    private readonly byte[] _palette = new byte[256 * 3];

    public PngPixels(PngHeader header, ReadOnlySpan<byte> palette)
    {
        _header = header;

        // An index past the palette's end gets the grey of its number, as in Pillow, whose palettes start out as a ramp.
        for (int index = 0; index < _palette.Length; index++)
        {
            _palette[index] = (byte)(index / 3);
        }

        palette.CopyTo(_palette);
    }

    // Writes pixel i of the row to rgb[3 i step ..].
    public void ToRgb(ReadOnlySpan<byte> row, int width, Span<byte> rgb, int step)
    {
        switch (_header.Colour)
        {
            case PngColour.Palette:
                for (int x = 0; x < width; x++)
                {
                    _palette.AsSpan(3 * Sample(row, x), 3).CopyTo(rgb[(3 * x * step)..]);
                }

                break;
            case PngColour.Grey:
                int scale = 255 / ((1 << _header.BitDepth) - 1);
                for (int x = 0; x < width; x++)
                {
                    rgb.Slice(3 * x * step, 3).Fill((byte)(Sample(row, x) * scale));
                }

                break;
            case PngColour.GreyAlpha:
                for (int x = 0; x < width; x++)
                {
                    rgb.Slice(3 * x * step, 3).Fill(row[x * _header.BytesPerPixel]);
                }

                break;
            default:
                int bytesPerSample = _header.BitDepth / 8;
                for (int x = 0; x < width; x++)
                {
                    int pixel = x * _header.BytesPerPixel;
                    int target = 3 * x * step;
                    rgb[target] = row[pixel];
                    rgb[target + 1] = row[pixel + bytesPerSample];
                    rgb[target + 2] = row[pixel + (2 * bytesPerSample)];
                }

                break;
        }
    }

    // Sample x of a row with one sample of 1, 2, 4 or 8 bits per pixel, packed from the high bits down.
    private int Sample(ReadOnlySpan<byte> row, int x)
    {
        int depth = _header.BitDepth;
        long bit = (long)x * depth;
        int shift = 8 - depth - (int)(bit % 8);
        return (row[(int)(bit / 8)] >> shift) & ((1 << depth) - 1);
    }
}
