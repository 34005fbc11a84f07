using DeformDetr.Formats;

namespace DeformDetr.Oracle;

// What a precision means for a dump's numbers.
internal static class DumpDTypes
{
    public static string Word(this DumpDType type) => type switch
    {
        DumpDType.Float16 => "float16",
        DumpDType.BFloat16 => "bfloat16",
        _ => "float32",
    };

    // Half of the distance from 1 to the next number.
    public static double Epsilon(this DumpDType type) => type switch
    {
        DumpDType.Float16 => 1.0 / (1 << 11),
        DumpDType.BFloat16 => 1.0 / (1 << 8),
        _ => 1.0 / (1 << 24),
    };

    // The smallest magnitude that rounds to infinity.
    public static double Overflow(this DumpDType type) => type switch
    {
        DumpDType.Float16 => 65520,
        DumpDType.BFloat16 => Math.ScaleB(2 - (1.0 / (1 << 8)), 127),
        _ => Math.ScaleB(2 - (1.0 / (1 << 24)), 127),
    };

    // Wider storage loses nothing: ports under mixed precision keep norms and boxes in float32, and a dump may be widened as a whole.
    public static bool Takes(this DumpDType type, StoredType stored) => stored switch
    {
        StoredType.F64 or StoredType.F32 => true,
        StoredType.F16 => type == DumpDType.Float16,
        StoredType.BF16 => type == DumpDType.BFloat16,
        _ => false,
    };

    public static string Expected(this DumpDType type) => type switch
    {
        DumpDType.Float16 => "F16, F32 or F64 under --port-dtype float16",
        DumpDType.BFloat16 => "BF16, F32 or F64 under --port-dtype bfloat16",
        _ => "F32 or F64 under --port-dtype float32",
    };
}
