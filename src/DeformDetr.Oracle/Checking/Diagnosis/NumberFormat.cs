namespace DeformDetr.Oracle;

// A floating-point format that a port may have computed in.
internal sealed record NumberFormat(string Name, double Epsilon, Func<double, double> Round)
{
    public static NumberFormat TF32 { get; } = new("tf32", 1.0 / (1 << 11), value => Mantissa(value, 13));

    public static NumberFormat Float16 { get; } = new("float16", 1.0 / (1 << 11), value => (double)(Half)value);

    public static NumberFormat BFloat16 { get; } = new("bfloat16", 1.0 / (1 << 8), value => Mantissa(value, 16));

    public static IReadOnlyList<NumberFormat> Halves { get; } = [TF32, Float16, BFloat16];

    // In the order in which a tensor is taken to be kept in one: every float16 is a tf32 too.
    public static IReadOnlyList<NumberFormat> Kept { get; } = [Float16, BFloat16, TF32];

    // What a port in half precision stores numbers in; null for float32.
    public static NumberFormat? Of(DumpDType dtype) => dtype switch
    {
        DumpDType.Float16 => Float16,
        DumpDType.BFloat16 => BFloat16,
        _ => null,
    };

    // A float32 without its last bits, to nearest, ties to even.
    private static double Mantissa(double value, int lost)
    {
        float narrow = (float)value;
        if (!float.IsFinite(narrow))
        {
            return narrow;
        }

        uint bits = BitConverter.SingleToUInt32Bits(narrow);
        uint half = 1u << (lost - 1);
        bits += half - 1 + ((bits >> lost) & 1);
        return BitConverter.UInt32BitsToSingle(bits >> lost << lost);
    }
}
