using System.Buffers.Binary;
using System.Text;

namespace DeformDetr.Fuzz;

// Headers that are wrong in themselves, in files whose length of the header is right.
internal static class SafetensorsMutators
{
    public static IReadOnlyList<Mutator> All { get; } =
    [
        new("header", false, (draw, _, seed) => Edit(draw, seed, 1)),
        new("headers", false, (draw, _, seed) => Edit(draw, seed, 2 + draw.Below(3))),
        new("padding", false, (draw, _, seed) =>
        {
            (string header, byte[] data) = Split(seed);
            return Join(header + new string(draw.Of([' ', '\n', '\0', '\t']), 1 + draw.Length(2000)), data);
        }),
        new("data", false, (draw, _, seed) =>
        {
            (string header, byte[] data) = Split(seed);
            return Join(header, draw.OneIn(2) ? [.. data, .. draw.Bytes(1 + draw.Length(40))] : Filled(data.Length, draw.OneIn(2) ? (byte)0xFF : (byte)2));
        }),
    ];

    private static byte[] Edit(Draw draw, byte[] seed, int times)
    {
        (string header, byte[] data) = Split(seed);
        for (int time = 0; time < times; time++)
        {
            header = TextMutators.Any(draw, header);
        }

        return Join(header, data);
    }

    private static byte[] Filled(int count, byte value)
    {
        byte[] data = new byte[count];
        Array.Fill(data, value);
        return data;
    }

    private static (string Header, byte[] Data) Split(byte[] seed)
    {
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(seed);
        return (Encoding.Latin1.GetString(seed, 8, length), seed[(8 + length)..]);
    }

    private static byte[] Join(string header, byte[] data)
    {
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        return [.. length, .. TextMutators.Latin1(header), .. data];
    }
}
