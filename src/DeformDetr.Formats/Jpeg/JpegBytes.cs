using System.Buffers.Binary;

namespace DeformDetr.Formats.Jpeg;

// The whole file, and where in it something is wrong.
internal sealed class JpegBytes(byte[] bytes, string file)
{
    public ReadOnlySpan<byte> All => bytes;

    public int Length => bytes.Length;

    public InvalidDataException Error(int offset, string place, string text) => Fault.File(file, $"byte {offset}, {place}: {text}");

    // The contents of the segment whose marker's second byte stands before offset; without the two bytes of its length.
    public ReadOnlySpan<byte> Segment(int offset, byte marker)
    {
        string place = JpegMarker.Name(marker);
        if (bytes.Length - offset < 2)
        {
            throw Error(offset, place, $"the file ends before the segment's length; expected all segments up to EOI.");
        }

        int length = BinaryPrimitives.ReadUInt16BigEndian(All[offset..]);
        if (length < 2)
        {
            throw Error(offset, place, $"a segment of {length} bytes; expected at least 2, those of the length itself.");
        }

        return bytes.Length - offset >= length
            ? All.Slice(offset + 2, length - 2)
            : throw Error(
                offset, place, $"a segment of {length} bytes, of which the file has {bytes.Length - offset}; expected all of it.");
    }

    // Where the next marker begins, with the first of its bytes 0xFF; bytes that belong to nothing are passed over, as libjpeg does.
    public int FindMarker(int offset)
    {
        while (offset < bytes.Length)
        {
            int next = All[offset..].IndexOf((byte)0xFF);
            if (next < 0)
            {
                break;
            }

            int start = offset + next;
            int code = start;
            while (code < bytes.Length && bytes[code] == 0xFF)
            {
                code++;
            }

            if (code < bytes.Length && bytes[code] != 0)
            {
                return start;
            }

            offset = code;
        }

        return bytes.Length;
    }
}
