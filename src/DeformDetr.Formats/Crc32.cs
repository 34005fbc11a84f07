using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DeformDetr.Formats;

// The checksum (ISO 3309, polynomial 0xEDB88320 reflected) of PNG chunks, and of zip members, which the BCL writes but doesn't check on
// reading. Eight bytes a step, by eight tables; sixty-four by carry-less products where the processor has them (Gopal et al., Fast CRC
// Computation for Generic Polynomials Using PCLMULQDQ Instruction, 2009; the constants are powers of x modulo the polynomial).
internal sealed class Crc32
{
    private const int Block = 64;

    private static readonly Vector128<ulong> FourBlocks = Vector128.Create(0x154442bd4UL, 0x1c6e41596);
    private static readonly Vector128<ulong> OneBlock = Vector128.Create(0x1751997d0UL, 0x0ccaa009e);
    private static readonly Vector128<ulong> Half = Vector128.Create(0x163cd6124UL, 0);
    private static readonly Vector128<ulong> Barrett = Vector128.Create(0x1db710641UL, 0x1f7011641);
    private static readonly Vector128<ulong> Low32 = Vector128.Create(0xFFFFFFFFUL, 0xFFFFFFFF);

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
        if (Pclmulqdq.IsSupported && bytes.Length >= Block)
        {
            int whole = bytes.Length / 16 * 16;
            _state = Folded(bytes[..whole], _state);
            bytes = bytes[whole..];
        }

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

    // Of a multiple of 16 bytes, at least 64.
    private static uint Folded(ReadOnlySpan<byte> bytes, uint state)
    {
        ReadOnlySpan<Vector128<ulong>> blocks = MemoryMarshal.Cast<byte, Vector128<ulong>>(bytes);
        Vector128<ulong> a = blocks[0] ^ Vector128.CreateScalar((ulong)state);
        Vector128<ulong> b = blocks[1];
        Vector128<ulong> c = blocks[2];
        Vector128<ulong> d = blocks[3];
        for (blocks = blocks[4..]; blocks.Length >= 4; blocks = blocks[4..])
        {
            a = Fold(a, FourBlocks) ^ blocks[0];
            b = Fold(b, FourBlocks) ^ blocks[1];
            c = Fold(c, FourBlocks) ^ blocks[2];
            d = Fold(d, FourBlocks) ^ blocks[3];
        }

        a = Fold(Fold(Fold(a, OneBlock) ^ b, OneBlock) ^ c, OneBlock) ^ d;
        foreach (Vector128<ulong> block in blocks)
        {
            a = Fold(a, OneBlock) ^ block;
        }

        // From 128 bits to 64, to 32, and by Barrett's reduction to the rest.
        a = Pclmulqdq.CarrylessMultiply(a, OneBlock, 0x10) ^ Sse2.ShiftRightLogical128BitLane(a, 8);
        a = Pclmulqdq.CarrylessMultiply(a & Low32, Half, 0x00) ^ Sse2.ShiftRightLogical128BitLane(a, 4);
        Vector128<ulong> quotient = Pclmulqdq.CarrylessMultiply(a & Low32, Barrett, 0x10) & Low32;
        return (a ^ Pclmulqdq.CarrylessMultiply(quotient, Barrett, 0x00)).AsUInt32()[1];
    }

    private static Vector128<ulong> Fold(Vector128<ulong> x, Vector128<ulong> by) =>
        Pclmulqdq.CarrylessMultiply(x, by, 0x00) ^ Pclmulqdq.CarrylessMultiply(x, by, 0x11);

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
