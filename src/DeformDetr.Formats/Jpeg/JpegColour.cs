namespace DeformDetr.Formats.Jpeg;

// What the colour planes of a frame mean, and RGB from them.
internal static class JpegColour
{
    // Products with 2^16, and a half of that.
    private const int RedOfCr = 91881;
    private const int GreenOfCb = -22554;
    private const int GreenOfCr = -46802;
    private const int BlueOfCb = 116130;
    private const int Half = 1 << 15;

    internal enum Space
    {
        Grey,
        Rgb,
        YCbCr,
        Cmyk,
        Ycck,
    }

    // Files don't say it plainly; these are the guesses of libjpeg. adobeTransform: the last byte of Adobe's segment, null without one.
    public static Space Of(JpegFrame frame, bool hasJfif, byte? adobeTransform) => frame.Components.Length switch
    {
        1 => Space.Grey,
        3 when hasJfif => Space.YCbCr,
        3 when adobeTransform is { } transform => transform == 0 ? Space.Rgb : Space.YCbCr,
        3 => frame.Components is [{ Id: (byte)'R' }, { Id: (byte)'G' }, { Id: (byte)'B' }] ? Space.Rgb : Space.YCbCr,
        _ => adobeTransform is null or 0 ? Space.Cmyk : Space.Ycck,
    };

    public static void ToRgb(JpegFrame frame, Space space, Span<byte> rgb)
    {
        PlaneRows[] planes = [.. frame.Components.Select(component => new PlaneRows(frame, component))];
        int width = frame.Width;
        for (int y = 0; y < frame.Height; y++)
        {
            Span<byte> row = rgb.Slice(3 * y * width, 3 * width);
            ReadOnlySpan<byte> first = planes[0][y][..width];
            if (space == Space.Grey)
            {
                Interleave(first, first, first, row);
                continue;
            }

            ReadOnlySpan<byte> second = planes[1][y][..width];
            ReadOnlySpan<byte> third = planes[2][y][..width];
            if (space == Space.YCbCr || space == Space.Ycck)
            {
                FromYCbCr(first, second, third, row);
            }
            else
            {
                Interleave(first, second, third, row);
            }

            if (space == Space.Cmyk || space == Space.Ycck)
            {
                WithBlack(planes[3][y][..width], row, isInk: space == Space.Ycck);
            }
        }
    }

    private static void Interleave(ReadOnlySpan<byte> red, ReadOnlySpan<byte> green, ReadOnlySpan<byte> blue, Span<byte> rgb)
    {
        green = green[..red.Length];
        blue = blue[..red.Length];
        rgb = rgb[..(3 * red.Length)];
        for (int x = 0, at = 0; x < red.Length; x++, at += 3)
        {
            rgb[at] = red[x];
            rgb[at + 1] = green[x];
            rgb[at + 2] = blue[x];
        }
    }

    private static void FromYCbCr(ReadOnlySpan<byte> luma, ReadOnlySpan<byte> blueness, ReadOnlySpan<byte> redness, Span<byte> rgb)
    {
        blueness = blueness[..luma.Length];
        redness = redness[..luma.Length];
        rgb = rgb[..(3 * luma.Length)];
        for (int x = 0, at = 0; x < luma.Length; x++, at += 3)
        {
            int y = luma[x];
            int cb = blueness[x] - 128;
            int cr = redness[x] - 128;
            rgb[at] = ToByte(y + (((RedOfCr * cr) + Half) >> 16));
            rgb[at + 1] = ToByte(y + (((GreenOfCb * cb) + (GreenOfCr * cr) + Half) >> 16));
            rgb[at + 2] = ToByte(y + (((BlueOfCb * cb) + Half) >> 16));
        }
    }

    // Inks to light, as Pillow does it: the file holds 255 minus the ink (YCCK's colours turn out as ink), and light is what the coloured
    // ink and the black one leave of white.
    private static void WithBlack(ReadOnlySpan<byte> black, Span<byte> colours, bool isInk)
    {
        for (int x = 0, at = 0; x < black.Length; x++)
        {
            for (int colour = 0; colour < 3; colour++, at++)
            {
                int ink = isInk ? colours[at] : 255 - colours[at];
                colours[at] = (byte)(black[x] - Share(ink, black[x]));
            }
        }
    }

    // a b / 255, rounded.
    private static int Share(int a, int b)
    {
        int product = (a * b) + 128;
        return ((product >> 8) + product) >> 8;
    }

    private static byte ToByte(int value) => (byte)Math.Clamp(value, 0, 255);
}
