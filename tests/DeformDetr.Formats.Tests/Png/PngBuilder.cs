using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace DeformDetr.Formats.Tests.Png;

// PNG files put together by hand, right or wrong. Its CRC is computed bit by bit, apart from the product's table.
internal static class PngBuilder
{
    public static byte[] Signature => [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    public static byte[] End => Chunk("IEND", []);

    // Two rows of three RGB pixels.
    public static byte[] Rows => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 11, 12, 13, 14, 15, 16, 17, 18, 19];

    public static byte[] Pixels => [.. Rows[1..10], .. Rows[11..20]];

    public static byte[] File(params byte[][] chunks) => [.. Signature, .. chunks.SelectMany(chunk => chunk)];

    public static byte[] Header(uint width = 3, uint height = 2, int depth = 8, int colour = 2, int compression = 0, int filter = 0, int interlace = 0)
    {
        byte[] data = new byte[13];
        BinaryPrimitives.WriteUInt32BigEndian(data, width);
        BinaryPrimitives.WriteUInt32BigEndian(data.AsSpan(4), height);
        data[8] = (byte)depth;
        data[9] = (byte)colour;
        data[10] = (byte)compression;
        data[11] = (byte)filter;
        data[12] = (byte)interlace;
        return Chunk("IHDR", data);
    }

    public static byte[] Data(byte[]? rows = null) => Chunk("IDAT", Deflate(rows ?? Rows));

    public static byte[] Deflate(byte[] bytes)
    {
        using MemoryStream stream = new();
        using (ZLibStream zlib = new(stream, CompressionLevel.Optimal, leaveOpen: true))
        {
            zlib.Write(bytes);
        }

        return stream.ToArray();
    }

    public static byte[] Chunk(string type, byte[] data)
    {
        byte[] chunk = new byte[12 + data.Length];
        BinaryPrimitives.WriteInt32BigEndian(chunk, data.Length);
        Encoding.Latin1.GetBytes(type, chunk.AsSpan(4));
        data.CopyTo(chunk, 8);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(8 + data.Length), Crc(chunk.AsSpan(4, 4 + data.Length)));
        return chunk;
    }

    public static byte[] WithWrongCrc(byte[] chunk) => [.. chunk[..^1], (byte)(chunk[^1] ^ 1)];

    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                uint carry = (crc ^ (uint)(value >> bit)) & 1;
                crc = (crc >> 1) ^ (carry * 0xEDB88320);
            }
        }

        return ~crc;
    }

    // The chunks of a file, as (offset of the length field, length of the data).
    public static List<(int Offset, int Length)> ChunksOf(ReadOnlySpan<byte> png)
    {
        List<(int, int)> chunks = [];
        int offset = 8;
        while (offset + 12 <= png.Length)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(png[offset..]);
            if (length < 0 || length > png.Length - offset - 12)
            {
                break;
            }

            chunks.Add((offset, length));
            offset += 12 + length;
        }

        return chunks;
    }

    public static void RepairCrcs(byte[] png)
    {
        foreach ((int offset, int length) in ChunksOf(png))
        {
            BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(offset + 8 + length), Crc(png.AsSpan(offset + 4, 4 + length)));
        }
    }
}
