namespace DeformDetr.Formats.Jpeg;

// The inverse discrete cosine transform of 8 x 8 coefficients in whole numbers: Loeffler, Ligtenberg and Moschytz 1989 with 12 products,
// constants of 13 bits, two bits kept between the passes. Sums and products are as wide as those of libjpeg-turbo's "islow" on x86, so
// that even coefficients that no picture has give the same samples.
internal static class InverseDct
{
    private const int ConstantBits = 13;
    private const int KeptBits = 2;

    // Products of cosines with 2^13.
    private const int C0298 = 2446;
    private const int C0390 = 3196;
    private const int C0541 = 4433;
    private const int C0765 = 6270;
    private const int C0899 = 7373;
    private const int C1175 = 9633;
    private const int C1501 = 12299;
    private const int C1847 = 15137;
    private const int C1961 = 16069;
    private const int C2053 = 16819;
    private const int C2562 = 20995;
    private const int C3072 = 25172;

    // coefficients: 64, natural order (the vertical frequency is the row). steps: what each is a multiple of. Writes 8 rows of 8 samples.
    public static void Transform(ReadOnlySpan<short> coefficients, ReadOnlySpan<ushort> steps, Span<byte> samples, int stride)
    {
        coefficients = coefficients[..64];
        steps = steps[..64];
        if (coefficients[1..].IndexOfAnyExcept((short)0) < 0)
        {
            // Only the mean.
            byte flat = ToSample((unchecked((short)((coefficients[0] * steps[0]) << KeptBits)) << ConstantBits) + (1 << 17));
            for (int row = 0; row < 8; row++)
            {
                samples.Slice(row * stride, 8).Fill(flat);
            }

            return;
        }

        Span<short> between = stackalloc short[64];
        bool isFlatDown = coefficients[8..].IndexOfAnyExcept((short)0) < 0;
        for (int column = 0; column < 8; column++)
        {
            if (isFlatDown)
            {
                short value = unchecked((short)((coefficients[column] * steps[column]) << KeptBits));
                for (int row = 0; row < 8; row++)
                {
                    between[(8 * row) + column] = value;
                }

                continue;
            }

            Eight eight = new(
                Scaled(coefficients, steps, column), Scaled(coefficients, steps, column + 8), Scaled(coefficients, steps, column + 16),
                Scaled(coefficients, steps, column + 24), Scaled(coefficients, steps, column + 32),
                Scaled(coefficients, steps, column + 40), Scaled(coefficients, steps, column + 48),
                Scaled(coefficients, steps, column + 56), 1 << (ConstantBits - KeptBits - 1));
            between[column + 56] = ToShort(eight.Even0 - eight.Odd0);
            between[column] = ToShort(eight.Even0 + eight.Odd0);
            between[column + 8] = ToShort(eight.Even1 + eight.Odd1);
            between[column + 48] = ToShort(eight.Even1 - eight.Odd1);
            between[column + 16] = ToShort(eight.Even2 + eight.Odd2);
            between[column + 40] = ToShort(eight.Even2 - eight.Odd2);
            between[column + 24] = ToShort(eight.Even3 + eight.Odd3);
            between[column + 32] = ToShort(eight.Even3 - eight.Odd3);
        }

        for (int row = 0; row < 8; row++)
        {
            ReadOnlySpan<short> line = between.Slice(8 * row, 8);
            Span<byte> output = samples.Slice(row * stride, 8);
            Eight eight = new(
                line[0], line[1], line[2], line[3], line[4], line[5], line[6], line[7], 1 << (ConstantBits + KeptBits + 3 - 1));
            output[7] = ToSample(eight.Even0 - eight.Odd0);
            output[0] = ToSample(eight.Even0 + eight.Odd0);
            output[1] = ToSample(eight.Even1 + eight.Odd1);
            output[6] = ToSample(eight.Even1 - eight.Odd1);
            output[2] = ToSample(eight.Even2 + eight.Odd2);
            output[5] = ToSample(eight.Even2 - eight.Odd2);
            output[3] = ToSample(eight.Even3 + eight.Odd3);
            output[4] = ToSample(eight.Even3 - eight.Odd3);
        }
    }

    private static short Scaled(ReadOnlySpan<short> coefficients, ReadOnlySpan<ushort> steps, int index) =>
        unchecked((short)(coefficients[index] * steps[index]));

    private static short ToShort(int value) =>
        (short)Math.Clamp(value >> (ConstantBits - KeptBits), short.MinValue, short.MaxValue);

    private static byte ToSample(int value) =>
        (byte)(Math.Clamp(value >> (ConstantBits + KeptBits + 3), sbyte.MinValue, sbyte.MaxValue) + 128);

    // One transform of eight values: outputs 0..3 are Even + Odd, outputs 7..4 are Even - Odd.
    private readonly ref struct Eight
    {
        public readonly int Even0;
        public readonly int Even1;
        public readonly int Even2;
        public readonly int Even3;
        public readonly int Odd0;
        public readonly int Odd1;
        public readonly int Odd2;
        public readonly int Odd3;

        // half: what rounds the coming shift to the nearest.
        public Eight(short x0, short x1, short x2, short x3, short x4, short x5, short x6, short x7, int half)
        {
            unchecked
            {
                int sum = ((short)(x0 + x4) << ConstantBits) + half;
                int difference = ((short)(x0 - x4) << ConstantBits) + half;
                int turned2 = (x2 * C0541) + (x6 * (C0541 - C1847));
                int turned6 = (x2 * (C0541 + C0765)) + (x6 * C0541);
                Even0 = sum + turned6;
                Even3 = sum - turned6;
                Even1 = difference + turned2;
                Even2 = difference - turned2;

                short s73 = (short)(x7 + x3);
                short s51 = (short)(x5 + x1);
                int z3 = (s73 * (C1175 - C1961)) + (s51 * C1175);
                int z4 = (s73 * C1175) + (s51 * (C1175 - C0390));
                Odd3 = (x7 * (C0298 - C0899)) + (x1 * -C0899) + z3;
                Odd2 = (x5 * (C2053 - C2562)) + (x3 * -C2562) + z4;
                Odd1 = (x3 * (C3072 - C2562)) + (x5 * -C2562) + z3;
                Odd0 = (x1 * (C1501 - C0899)) + (x7 * -C0899) + z4;
            }
        }
    }
}
