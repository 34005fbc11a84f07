using System.Buffers.Binary;
using System.Text;
using DeformDetr.Formats.Pictures;

namespace DeformDetr.Formats.Png;

// Reads the signature and then chunk after chunk. Nothing larger than what the file really holds is ever allocated.
internal sealed class PngChunkReader(Stream stream, string file)
{
    private const int Piece = 1 << 16;

    public void ReadSignature()
    {
        Span<byte> start = stackalloc byte[FileKind.BytesNeeded];
        ReadOnlySpan<byte> signature = PngHeader.Signature;
        int read = stream.ReadAtLeast(start[..signature.Length], signature.Length, throwOnEndOfStream: false);
        if (read == signature.Length && start[..read].SequenceEqual(signature))
        {
            return;
        }

        read += stream.ReadAtLeast(start[read..], FileKind.BytesNeeded - read, throwOnEndOfStream: false);
        string kind = signature.StartsWith(start[..read]) && read > 0 ? "ends inside the PNG signature" : FileKind.Describe(start[..read]);
        throw PngError.In(file, $"{kind}; expected a PNG file");
    }

    // Pillow checks the CRC of ancillary chunks up to the image data and ignores it after.
    public PngChunk Read(bool checkAncillary)
    {
        Span<byte> head = stackalloc byte[8];
        ReadWhole(head, "a chunk's length and type");
        ReadOnlySpan<byte> typeBytes = head[4..];
        foreach (byte letter in typeBytes)
        {
            if (!char.IsAsciiLetter((char)letter))
            {
                throw PngError.In(file, $"chunk type with bytes {Convert.ToHexString(typeBytes)}; expected four letters");
            }
        }

        string type = Encoding.ASCII.GetString(typeBytes);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(head);
        if (length > Array.MaxLength)
        {
            throw PngError.In(file, $"chunk {type} announces {length} bytes; expected at most {Array.MaxLength}");
        }

        PngChunk chunk = new(type, ReadData((int)length, type));
        Span<byte> crcBytes = stackalloc byte[4];
        ReadWhole(crcBytes, $"the CRC of chunk {type}");
        if (checkAncillary || !chunk.IsAncillary)
        {
            uint stored = BinaryPrimitives.ReadUInt32BigEndian(crcBytes);
            uint computed = Crc32.Of(typeBytes, chunk.Data);
            if (stored != computed)
            {
                throw PngError.In(file, $"chunk {type} has CRC {stored:X8}; expected {computed:X8}, that of its bytes");
            }
        }

        return chunk;
    }

    private byte[] ReadData(int length, string type)
    {
        byte[] data = new byte[Math.Min(length, Piece)];
        int filled = 0;
        while (filled < length)
        {
            if (filled == data.Length)
            {
                Array.Resize(ref data, (int)Math.Min(length, 2L * data.Length));
            }

            int read = stream.Read(data, filled, data.Length - filled);
            if (read == 0)
            {
                throw PngError.In(file, $"ends {filled} bytes into chunk {type}; expected {length} bytes");
            }

            filled += read;
        }

        return data;
    }

    private void ReadWhole(Span<byte> bytes, string what)
    {
        if (stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) < bytes.Length)
        {
            throw PngError.In(file, $"ends before {what}; expected chunks up to IEND");
        }
    }
}
