using System.Buffers.Binary;

namespace DeformDetr.Formats;

// The checksum (ISO 3309, polynomial 0xEDB88320 reflected) of PNG chunks, and of zip members, which the BCL writes but doesn't check on
// reading. Eight bytes a step, by eight tables.
internal sealed class Crc32
{
    private const uint Polynomial = 0xEDB88320;
    private const int Step = 8;

    private static readonly uint[][] Tables = MakeTables();

    private uint _state = uint.MaxValue;

    public uint Value => ~_state;

    // Of a PNG chunk: its type, then its data.
    public static uint Of(ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Crc32 checksum = new();
        checksum.Append(type);
        checksum.Append(data);
        return checksum.Value;
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        uint[][] tables = Tables;
        uint state = _state;
        while (bytes.Length >= Step)
        {
            uint low = BinaryPrimitives.ReadUInt32LittleEndian(bytes) ^ state;
            uint high = BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]);
            state = tables[7][low & 0xFF] ^ tables[6][(low >> 8) & 0xFF] ^ tables[5][(low >> 16) & 0xFF] ^ tables[4][low >> 24]
                ^ tables[3][high & 0xFF] ^ tables[2][(high >> 8) & 0xFF] ^ tables[1][(high >> 16) & 0xFF] ^ tables[0][high >> 24];
            bytes = bytes[Step..];
        }

        foreach (byte value in bytes)
        {
            state = tables[0][(state ^ value) & 0xFF] ^ (state >> 8);
        }

        _state = state;
    }

    // Table k holds the checksum of a byte that k zero bytes follow.
    private static uint[][] MakeTables()
    {
        uint[][] tables = new uint[Step][];
        for (int table = 0; table < Step; table++)
        {
            tables[table] = new uint[256];
            for (uint value = 0; value < 256; value++)
            {
                uint state = table == 0 ? value : tables[table - 1][value];
                for (int bit = 0; bit < 8; bit++)
                {
                    state = (state & 1) == 0 ? state >> 1 : (state >> 1) ^ Polynomial;
                }

                tables[table][value] = state;
            }
        }

        return tables;
    }
}
