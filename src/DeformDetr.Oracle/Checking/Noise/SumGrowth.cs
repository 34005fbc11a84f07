namespace DeformDetr.Oracle;

// How far the rounding of a sum of K terms may add up, in units of Epsilon times the sum of the terms' magnitudes.
internal static class SumGrowth
{
    // c, measured at most 2.2 over legal orders: docs/numerics.md, "Noise of a legal float32 evaluation".
    public const double Constant = 2.5;

    // Short sums have no averages to rely on: up to 4 terms the bound is K itself, and it is never below that of 4.
    public const double Least = 4;

    // What sums are accumulated in, at the narrowest.
    private const double Accumulator = 1.0 / (1 << 24);

    public static double Of(long terms) => Math.Min(terms, Math.Max(Least, Constant * Math.Sqrt(terms)));

    // Equal terms make a plain chain round the same way at every step, and its error grows as their number: by at most half of it where all
    // are alike, in the mean of how large the sum is. Repeats: terms that equal the one before; scattered, the share's square.
    public static double Of(long terms, double magnitude, double spread, long repeats) =>
        Math.Max(Of(terms), Alike(terms, magnitude, spread) ? terms / 2.0 : Math.Sqrt((double)repeats * terms) / 2);

    // Terms of one sign that differ by less than two units in the last place of the whole sum.
    public static bool Alike(long terms, double magnitude, double spread) => spread <= 4 * Accumulator * terms * magnitude;
}
