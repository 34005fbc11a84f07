namespace DeformDetr.Formats.Jpeg;

// What a SOS segment announces: whose coefficients FirstCoefficient..LastCoefficient come (in zigzag order), and of these the bits from
// LowBit up, or, where HighBit is not 0, the bit LowBit alone.
internal sealed record JpegScan(JpegScan.Plane[] Planes, int FirstCoefficient, int LastCoefficient, int HighBit, int LowBit)
{
    private const int MostBlocksInMcu = 10;
    private const int MostShift = 13;

    // offset: where the segment's length stands, behind the marker.
    public static JpegScan Parse(
        JpegBytes bytes, int offset, JpegFrame frame, ReadOnlySpan<HuffmanTable?> meanTables, ReadOnlySpan<HuffmanTable?> otherTables)
    {
        const string Place = "SOS";
        ReadOnlySpan<byte> data = bytes.Segment(offset, JpegMarker.Sos);
        int count = data.IsEmpty ? 0 : data[0];
        if (count is < 1 or > 4 || data.Length != 4 + (2 * count))
        {
            throw bytes.Error(
                offset, Place, $"{data.Length} bytes for {count} colour planes; expected 1 to 4 planes, 4 bytes and 2 for each.");
        }

        int first = data[^3];
        int last = data[^2];
        int high = data[^1] >> 4;
        int low = data[^1] & 15;
        bool valid = frame.IsProgressive
            ? (first == 0 ? last == 0 : first <= last && last < 64 && count == 1) && low <= MostShift && (high == 0 || high == low + 1)
            : (first, last, high, low) == (0, 63, 0, 0);
        if (!valid)
        {
            throw bytes.Error(
                offset, Place,
                $"coefficients {first} to {last}, bits {high} and {low}, of {count} colour planes; expected "
                + (frame.IsProgressive
                    ? "0 to 0, or 1..63 of one plane, and bits 0 and 0..13 or two that follow each other."
                    : "0 to 63, bits 0 and 0."));
        }

        Plane[] planes = new Plane[count];
        int blocks = 0;
        for (int index = 0; index < count; index++)
        {
            byte id = data[1 + (2 * index)];
            byte slots = data[2 + (2 * index)];
            JpegComponent component = Array.Find(frame.Components, one => one.Id == id)
                ?? throw bytes.Error(
                    offset, Place, $"colour plane {id}; expected {string.Join(", ", frame.Components.Select(one => one.Id))}.");
            if (planes.AsSpan(0, index).ToArray().Any(plane => plane.Component == component))
            {
                throw bytes.Error(offset, Place, $"colour plane {id} twice; expected different ones.");
            }

            bool mean = first == 0 && high == 0;
            bool others = last > 0;
            planes[index] = new Plane(
                component, mean ? Table(bytes, offset, meanTables, slots >> 4, "DC") : null,
                others ? Table(bytes, offset, otherTables, slots & 15, "AC") : null);
            blocks += component.Horizontal * component.Vertical;
        }

        return count == 1 || blocks <= MostBlocksInMcu
            ? new JpegScan(planes, first, last, high, low)
            : throw bytes.Error(offset, Place, $"{blocks} blocks in an MCU; expected at most {MostBlocksInMcu}.");
    }

    private static HuffmanTable Table(JpegBytes bytes, int offset, ReadOnlySpan<HuffmanTable?> tables, int slot, string kind) =>
        slot < tables.Length && tables[slot] is HuffmanTable table
            ? table
            : throw bytes.Error(offset, "SOS", $"{kind} Huffman table {slot}; expected one that a DHT segment before it defines.");

    // A colour plane's part in a scan; a table is null where the scan needs none.
    internal sealed record Plane(JpegComponent Component, HuffmanTable? MeanTable, HuffmanTable? OtherTable);
}
