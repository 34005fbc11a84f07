namespace DeformDetr.Fuzz;

// The CRC of PNG and zip, by its definition: what repairs a file shares no code with what checks it.
internal static class Checksums
{
    private static readonly uint[] Table = [.. Enumerable.Range(0, 256).Select(Entry)];

    public static uint Crc32(params ReadOnlySpan<byte[]> parts)
    {
        uint crc = uint.MaxValue;
        foreach (byte[] part in parts)
        {
            foreach (byte value in part)
            {
                crc = Table[(byte)(crc ^ value)] ^ (crc >> 8);
            }
        }

        return ~crc;
    }

    private static uint Entry(int index)
    {
        uint crc = (uint)index;
        for (int bit = 0; bit < 8; bit++)
        {
            crc = (crc & 1) == 0 ? crc >> 1 : 0xEDB88320 ^ (crc >> 1);
        }

        return crc;
    }
}
