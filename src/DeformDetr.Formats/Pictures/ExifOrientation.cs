using System.Buffers.Binary;

namespace DeformDetr.Formats.Pictures;

// The orientation that a camera noted: 1 is upright, 2 to 8 are mirrored or turned.
internal static class ExifOrientation
{
    public const int Upright = 1;
    private const ushort Tag = 0x0112;
    private const ushort ShortType = 3;
    private const int EntryLength = 12;

    // Of the TIFF structure that Exif data are. Upright where they say nothing, or nothing that can be understood.
    public static int Find(ReadOnlySpan<byte> tiff)
    {
        bool isLittleEndian = tiff.StartsWith("II*\0"u8);
        if (!isLittleEndian && !tiff.StartsWith("MM\0*"u8) || tiff.Length < 8)
        {
            return Upright;
        }

        uint directory = isLittleEndian
            ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..])
            : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (directory > tiff.Length - 2)
        {
            return Upright;
        }

        ReadOnlySpan<byte> entries = tiff[(int)directory..];
        int count = Short(entries, isLittleEndian);
        for (int index = 0; index < count && entries.Length >= 2 + (EntryLength * (index + 1)); index++)
        {
            ReadOnlySpan<byte> entry = entries.Slice(2 + (EntryLength * index), EntryLength);
            if (Short(entry, isLittleEndian) == Tag)
            {
                int value = Short(entry[8..], isLittleEndian);
                return Short(entry[2..], isLittleEndian) == ShortType && value is >= 1 and <= 8 ? value : Upright;
            }
        }

        return Upright;
    }

    private static ushort Short(ReadOnlySpan<byte> bytes, bool isLittleEndian) =>
        isLittleEndian ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);
}
