namespace DeformDetr.Formats;

// 16-bit floats to the bits of float32. Exact, and on bits so that every NaN keeps its payload on every machine.
internal static class HalfPrecision
{
    private const float SmallestF16 = 1f / (1 << 24);

    public static void WidenF16(ReadOnlySpan<ushort> stored, Span<uint> bits)
    {
        for (int index = 0; index < stored.Length; index++)
        {
            uint sign = (stored[index] & 0x8000u) << 16;
            uint magnitude = stored[index] & 0x7FFFu;
            bits[index] = sign | magnitude switch
            {
                < 0x0400 => BitConverter.SingleToUInt32Bits(magnitude * SmallestF16),
                < 0x7C00 => (magnitude << 13) + ((127u - 15u) << 23),
                _ => 0x7F800000u | ((magnitude & 0x03FFu) << 13),
            };
        }
    }

    public static void WidenBF16(ReadOnlySpan<ushort> stored, Span<uint> bits)
    {
        for (int index = 0; index < stored.Length; index++)
        {
            bits[index] = (uint)stored[index] << 16;
        }
    }
}
