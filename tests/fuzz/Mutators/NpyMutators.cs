using System.Buffers.Binary;
using System.Text;

namespace DeformDetr.Fuzz;

internal static class NpyMutators
{
    public static IReadOnlyList<Mutator> All { get; } =
    [
        new("header", false, (draw, _, seed) => Edit(draw, seed, 1)),
        new("headers", false, (draw, _, seed) => Edit(draw, seed, 2 + draw.Below(3))),
        new("version", false, (draw, _, seed) => [.. seed.AsSpan(0, 6), (byte)draw.Below(5), (byte)(draw.OneIn(4) ? 1 : 0), .. seed.AsSpan(8)]),
    ];

    // The header's text by words, and its length right again, in any of the three versions.
    public static byte[] Edit(Draw draw, byte[] seed, int times)
    {
        if (seed.Length < 12)
        {
            return seed;
        }

        int width = seed[6] == 1 ? 2 : 4;
        long stated = width == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(seed.AsSpan(8)) : BinaryPrimitives.ReadUInt32LittleEndian(seed.AsSpan(8));
        int length = (int)Math.Min(stated, seed.Length - 8 - width);
        string header = Encoding.Latin1.GetString(seed, 8 + width, length);
        for (int time = 0; time < times; time++)
        {
            header = TextMutators.Any(draw, header);
        }

        if (draw.OneIn(2))
        {
            header = header.TrimEnd('\n') + "\n";
        }

        byte version = (byte)(draw.OneIn(3) || header.Length > ushort.MaxValue ? 2 : 1);
        byte[] start = [.. seed.AsSpan(0, 6), version, 0, .. new byte[version == 1 ? 2 : 4]];
        ByteMutators.Write(start.AsSpan(8), (ulong)header.Length, big: false);
        return [.. start, .. TextMutators.Latin1(header), .. seed.AsSpan(8 + width + length)];
    }
}
