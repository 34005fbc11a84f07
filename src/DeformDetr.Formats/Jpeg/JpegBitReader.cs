using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace DeformDetr.Formats.Jpeg;

// The bits of entropy-coded data from high to low: a byte 0xFF stands for itself when 0 follows, else it begins a marker, and the data
// end there. Behind their end come zeros for as long as anybody asks; WentPast tells.
internal ref struct JpegBitReader
{
    // What a Fill makes sure of: a code of 16 bits and 15 bits behind it.
    public const int Enough = 32;

    private readonly ReadOnlySpan<byte> _bytes;

    // The next bits, from the highest down; below the valid ones stand zeros or the bits that come next anyway.
    private ulong _bits;
    private int _valid;
    private int _invented;

    public JpegBitReader(ReadOnlySpan<byte> bytes, int position)
    {
        _bytes = bytes;
        Position = position;
    }

    // The next byte to load; at the end of the data, their end.
    public int Position { get; private set; }

    public readonly bool WentPast => _valid < _invented;

    // Starts anew behind a restart marker.
    public void Restart(int position)
    {
        Position = position;
        _bits = 0;
        _valid = 0;
        _invented = 0;
    }

    // Hot loops keep the bits in locals; Fill works on them here.
    public readonly ulong Bits => _bits;

    public readonly int Valid => _valid;

    public void Store(ulong bits, int valid)
    {
        _bits = bits;
        _valid = valid;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fill()
    {
        if (_valid < Enough)
        {
            Load();
        }
    }

    // n bits, 1 to 16, as a number. Fill comes before.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Take(int n)
    {
        int value = (int)(_bits >> (64 - n));
        _bits <<= n;
        _valid -= n;
        return value;
    }

    // The symbol of the code that comes next; -1 for bits that are no code. Fill comes before.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Symbol(HuffmanTable table)
    {
        int found = table.Lookup[(int)(_bits >> (64 - HuffmanTable.LookupBits))];
        if (found == 0)
        {
            found = table.FindLong((int)(_bits >> 48));
            if (found == 0)
            {
                return -1;
            }
        }

        _bits <<= found >> 8;
        _valid -= found >> 8;
        return found & 0xFF;
    }

    // size bits as a signed number: the lower half of their values stands for negative ones.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Signed(int size) => size == 0 ? 0 : Extend(Take(size), size);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Extend(int value, int size) => value + (((value - (1 << (size - 1))) >> 31) & (1 - (1 << size)));

    public void Load()
    {
        if (_bytes.Length - Position >= sizeof(ulong))
        {
            ulong eight = BinaryPrimitives.ReadUInt64BigEndian(_bytes[Position..]);
            ulong inverted = ~eight;
            bool anyFull = ((inverted - 0x0101_0101_0101_0101) & ~inverted & 0x8080_8080_8080_8080) != 0;
            if (!anyFull)
            {
                int count = (63 - _valid) >> 3;
                _bits |= eight >> _valid;
                _valid += 8 * count;
                Position += count;
                return;
            }
        }

        LoadBytes();
    }

    private void LoadBytes()
    {
        while (_valid <= 56)
        {
            byte next = 0;
            if (_invented > 0 || !TryNext(out next))
            {
                _invented += 8;
            }

            _bits |= (ulong)next << (56 - _valid);
            _valid += 8;
        }
    }

    private bool TryNext(out byte next)
    {
        next = 0;
        if (Position >= _bytes.Length)
        {
            return false;
        }

        next = _bytes[Position];
        if (next != 0xFF)
        {
            Position++;
            return true;
        }

        int code = Position;
        while (code < _bytes.Length && _bytes[code] == 0xFF)
        {
            code++;
        }

        if (code == _bytes.Length || _bytes[code] != 0)
        {
            next = 0;
            return false;
        }

        Position = code + 1;
        return true;
    }
}
