namespace DeformDetr.Formats.Jpeg;

// One Huffman code: which bits mean which symbol. Codes of one length are consecutive numbers, and longer ones go on where shorter ones
// end, so a code is told by its length and by the first number of that length.
internal sealed class HuffmanTable
{
    public const int LookupBits = 10;
    private const int LongestCode = 16;

    // For each start of LookupBits bits: the length of the code that it begins with, times 256, plus the symbol; 0 for longer codes.
    private readonly ushort[] _lookup = new ushort[1 << LookupBits];

    // For each length, the first code that is too large for it, as the high bits of 16; and what to add to a code to find its symbol.
    private readonly int[] _end = new int[LongestCode + 1];
    private readonly int[] _offset = new int[LongestCode + 1];
    private readonly byte[] _symbols;

    private HuffmanTable(byte[] symbols) => _symbols = symbols;

    public ReadOnlySpan<ushort> Lookup => _lookup;

    // counts: how many codes have 1, 2 ... 16 bits. Null where they are more than fit.
    public static HuffmanTable? Create(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        HuffmanTable table = new(symbols.ToArray());
        int code = 0;
        int index = 0;
        for (int length = 1; length <= LongestCode; length++)
        {
            table._offset[length] = index - code;
            for (int left = counts[length - 1]; left > 0; left--)
            {
                if (code >= 1 << length)
                {
                    return null;
                }

                if (length <= LookupBits)
                {
                    int shift = LookupBits - length;
                    table._lookup.AsSpan(code << shift, 1 << shift).Fill((ushort)((length << 8) | symbols[index]));
                }

                code++;
                index++;
            }

            table._end[length] = code << (LongestCode - length);
            code <<= 1;
        }

        return table;
    }

    public int LargestSymbol => _symbols.DefaultIfEmpty().Max();

    // The code longer than LookupBits that 16 bits begin with: its length times 256 plus its symbol; 0 where they begin with none.
    public int FindLong(int bits)
    {
        for (int length = LookupBits + 1; length <= LongestCode; length++)
        {
            if (bits < _end[length])
            {
                return (length << 8) | _symbols[(bits >> (LongestCode - length)) + _offset[length]];
            }
        }

        return 0;
    }
}
