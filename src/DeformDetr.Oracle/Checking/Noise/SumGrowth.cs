namespace DeformDetr.Oracle;

// How far the rounding of a sum of K terms may add up, in units of Epsilon times the sum of the terms' magnitudes.
internal static class SumGrowth
{
    // c: legal orders, one plain chain among them, stay below c times the root of K.
    public const double Constant = 2.5;

    // Short sums have no averages to rely on: up to 4 terms the bound is K itself, and it is never below that of 4.
    public const double Least = 4;

    // What sums are accumulated in, at the narrowest.
    private const double Accumulator = 1.0 / (1 << 24);

    public static double Of(long terms) => Math.Min(terms, Math.Max(Least, Constant * Math.Sqrt(terms)));

    // Terms of one sign that are nearly all alike: a plain chain then rounds the same way at every step, as long as the terms differ by less
    // than two units in the last place of the whole sum. Its error grows with K / 2, not with the root.
    public static double Of(long terms, double magnitude, double spread) =>
        spread > 4 * Accumulator * terms * magnitude ? Of(terms) : Math.Max(Of(terms), terms / 2.0);
}
