using System.Buffers.Binary;

namespace DeformDetr.Formats.Tests.Jpeg;

/// <summary>JPEG files put together by hand: all steps are 1, and every code is a single bit 0, which means 0 of everything.</summary>
internal static class JpegBuilder
{
    public static byte[] Segment(byte marker, params ReadOnlySpan<byte> data)
    {
        byte[] segment = [0xFF, marker, 0, 0, .. data];
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(2), (ushort)(data.Length + 2));
        return segment;
    }

    public static byte[] Frame(byte marker, int height, int width) =>
        Segment(marker, [8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, 1, 1, 0x11, 0]);

    public static byte[] Steps { get; } = Segment(0xDB, [0, .. Enumerable.Repeat((byte)1, 64)]);

    public static byte[] Table(byte slot, byte symbol) => Segment(0xC4, [slot, 1, .. new byte[15], symbol]);

    public static byte[] Scan(byte first, byte last, byte bits) => Segment(0xDA, [1, 1, 0, first, last, bits]);

    public static byte[] Start { get; } = [0xFF, 0xD8];

    public static byte[] End { get; } = [0xFF, 0xD9];

    /// <summary>A grey picture of 128 everywhere.</summary>
    public static byte[] Flat(int height, int width)
    {
        int blocks = (height + 7) / 8 * ((width + 7) / 8);
        return [.. Start, .. Steps, .. Frame(0xC0, height, width), .. Table(0, 0), .. Table(0x10, 0), .. Scan(0, 63, 0), .. new byte[(blocks + 3) / 4], .. End];
    }

    /// <summary>A progressive one whose scans send one bit of one coefficient at a time, and never anything but 0.</summary>
    public static byte[] ManyScans(int height, int width, int scans)
    {
        int blocks = (height + 7) / 8 * ((width + 7) / 8);
        List<byte> content = [.. Start, .. Steps, .. Frame(0xC2, height, width), .. Table(0, 0), .. Table(0x10, 0xE0), .. Scan(0, 0, 0), .. new byte[(blocks + 7) / 8]];
        for (int scan = 0; scan < scans; scan++)
        {
            byte coefficient = (byte)(1 + (scan / 14));
            byte low = (byte)(13 - (scan % 14));
            content.AddRange(Scan(coefficient, coefficient, low == 13 ? low : (byte)(((low + 1) << 4) | low)));
            content.AddRange(EmptyBlocks(blocks));
        }

        return [.. content, .. End];
    }

    // Runs of 16 384 to 32 767 empty blocks: the code, and 14 bits more.
    private static byte[] EmptyBlocks(int blocks)
    {
        string bits = "";
        while (blocks > 0)
        {
            int run = Math.Min(blocks, 32_767);
            bits += "0" + Convert.ToString(run - 16_384, 2).PadLeft(14, '0');
            blocks -= run;
        }

        bits = bits.PadRight((bits.Length + 7) / 8 * 8, '1');
        return [.. bits.Chunk(8).Select(eight => Convert.ToByte(new string(eight), 2))];
    }
}
