namespace DeformDetr.Oracle;

internal static class LawUnits
{
    // What a float64 implementation is measured by.
    public static NoiseUnit Float64 { get; } = new(Math.ScaleB(1, -53), Math.ScaleB(1, -1022), double.MaxValue);
}
