using System.Buffers.Binary;

namespace DeformDetr.Fuzz;

// Damage that knows nothing of a format.
internal static class ByteMutators
{
    private const int MostBlock = 4096;

    public static IReadOnlyList<Mutator> All { get; } =
    [
        new("cut", true, (draw, _, seed) => seed[..draw.Below(seed.Length)]),
        new("bit", true, (draw, _, seed) => At(draw, seed, 1, 1, (bytes, draw) => bytes[0] ^= (byte)(1 << draw.Below(8)))),
        new("bits", true, (draw, _, seed) => At(draw, seed, 1, 2 + draw.Below(15), (bytes, draw) => bytes[0] ^= (byte)(1 << draw.Below(8)))),
        new("byte", true, (draw, _, seed) => At(draw, seed, 1, 1, (bytes, draw) => bytes[0] = draw.OneIn(2) ? draw.Of(Interesting.Bytes) : (byte)draw.Bits())),
        new("bytes", true, (draw, _, seed) => At(draw, seed, 1, 2 + draw.Below(7), (bytes, draw) => bytes[0] = draw.Of(Interesting.Bytes))),
        new("word", true, (draw, _, seed) => Word(draw, seed)),
        new("near", true, (draw, _, seed) => Near(draw, seed)),
        new("remove", true, (draw, _, seed) => Remove(draw, seed)),
        new("insert", true, (draw, _, seed) => Insert(draw, seed, draw.OneIn(2) ? draw.Bytes(1 + draw.Length(64)) : Filled(draw))),
        new("zero", true, (draw, _, seed) => Fill(draw, seed)),
        new("append", true, (draw, _, seed) => [.. seed, .. draw.Bytes(1 + draw.Length(300))]),
        new("repeat", false, (draw, _, seed) => Insert(draw, seed, Block(draw, seed))),
        new("move", false, (draw, _, seed) => Move(draw, seed)),
        new("splice", false, (draw, seeds, seed) => Splice(draw, seed, draw.Of(seeds))),
        new("twice", false, (draw, _, seed) => [.. seed, .. seed]),
    ];

    // Any of them, upon a part of a file.
    public static byte[] Any(Draw draw, byte[] part) => part.Length == 0 ? draw.Bytes(draw.Length(9)) : draw.Of(All).Apply(draw, [part], part);

    private delegate void Change(Span<byte> bytes, Draw draw);

    private static byte[] At(Draw draw, byte[] seed, int width, int times, Change change)
    {
        byte[] content = [.. seed];
        for (int time = 0; time < times && content.Length >= width; time++)
        {
            change(content.AsSpan(Position(draw, content.Length - width + 1), width), draw);
        }

        return content;
    }

    // Headers are at the beginning, directories at the end: both get more than their share.
    public static int Position(Draw draw, int length) => draw.Below(4) switch
    {
        0 => Math.Min(length - 1, draw.Below(64)),
        1 => Math.Max(0, length - 1 - draw.Below(128)),
        _ => draw.Below(length),
    };

    private static byte[] Word(Draw draw, byte[] seed)
    {
        int width = 2 << draw.Below(3);
        return At(draw, seed, width, 1, (bytes, draw) => Write(bytes, draw.Of(Interesting.Words), draw.OneIn(2)));
    }

    // A field of 2, 4 or 8 bytes that is a little too large or too small.
    private static byte[] Near(Draw draw, byte[] seed)
    {
        int width = 2 << draw.Below(3);
        return At(draw, seed, width, 1, (bytes, draw) =>
        {
            bool big = draw.OneIn(2);
            Write(bytes, Read(bytes, big) + (ulong)(draw.Below(33) - 16), big);
        });
    }

    public static ulong Read(ReadOnlySpan<byte> bytes, bool big) => bytes.Length switch
    {
        2 => big ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        4 => big ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        _ => big ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : BinaryPrimitives.ReadUInt64LittleEndian(bytes),
    };

    public static void Write(Span<byte> bytes, ulong value, bool big)
    {
        for (int index = 0; index < bytes.Length; index++)
        {
            bytes[big ? bytes.Length - 1 - index : index] = (byte)(value >> (8 * index));
        }
    }

    private static byte[] Block(Draw draw, byte[] seed)
    {
        int start = draw.Below(seed.Length);
        return seed.AsSpan(start, Math.Min(seed.Length - start, 1 + draw.Length(MostBlock))).ToArray();
    }

    private static byte[] Insert(Draw draw, byte[] seed, byte[] block)
    {
        int at = draw.Below(seed.Length + 1);
        return [.. seed.AsSpan(0, at), .. block, .. seed.AsSpan(at)];
    }

    private static byte[] Filled(Draw draw)
    {
        byte[] block = new byte[1 + draw.Length(MostBlock)];
        Array.Fill(block, draw.Of(Interesting.Bytes));
        return block;
    }

    private static byte[] Remove(Draw draw, byte[] seed)
    {
        int start = draw.Below(seed.Length);
        int count = Math.Min(seed.Length - start, 1 + draw.Length(64));
        return [.. seed.AsSpan(0, start), .. seed.AsSpan(start + count)];
    }

    private static byte[] Move(Draw draw, byte[] seed)
    {
        int start = draw.Below(seed.Length);
        int count = Math.Min(seed.Length - start, 1 + draw.Length(MostBlock));
        return Insert(draw, [.. seed.AsSpan(0, start), .. seed.AsSpan(start + count)], seed.AsSpan(start, count).ToArray());
    }

    private static byte[] Fill(Draw draw, byte[] seed)
    {
        byte[] content = [.. seed];
        int start = Position(draw, content.Length);
        content.AsSpan(start, Math.Min(content.Length - start, 1 + draw.Length(64))).Fill(draw.OneIn(2) ? (byte)0 : (byte)0xFF);
        return content;
    }

    private static byte[] Splice(Draw draw, byte[] one, byte[] other)
    {
        int at = draw.Below(one.Length + 1);
        int from = draw.OneIn(2) ? Math.Min(at, other.Length) : draw.Below(other.Length + 1);
        return [.. one.AsSpan(0, at), .. other.AsSpan(from)];
    }
}
