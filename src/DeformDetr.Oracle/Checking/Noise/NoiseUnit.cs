namespace DeformDetr.Oracle;

// The number format that a port computes in. Epsilon: half a unit in the last place of numbers at 1, so that one operation errs by at most
// Epsilon times its result. Floor: what one operation may lose where numbers run out below. Largest: what becomes infinite above.
internal sealed record NoiseUnit(double Epsilon, double Floor, double Largest)
{
    // Below this many floors the floor counts; above it is less than what first order leaves out.
    private const double FloorReach = 1 << 8;

    // Machines that flush subnormal numbers to zero are legal, so the floor is the smallest normal number.
    public static NoiseUnit Float32 { get; } = new(Power(-24), Power(-126), float.MaxValue);

    // Half of the smallest subnormal number: nobody flushes these, since weights and activations lie there.
    public static NoiseUnit Float16 { get; } = new(Power(-11), Power(-25), 65504);

    // The range of float32.
    public static NoiseUnit BFloat16 { get; } = new(Power(-8), Power(-126), 255 * Power(120));

    // Noise above this has no use for the floor.
    public double Reach { get; } = FloorReach * Floor;

    // A result's noise as it is handed on. Infinities and NaN must be the same in a port; what may overflow may be anything.
    public double Settle(double noise, double value)
    {
        double size = Math.Abs(value);
        if (!(size <= double.MaxValue))
        {
            return 0;
        }

        // A number below the floor is lost whatever its noise is, and that may have run out in float64 itself.
        if (noise < Reach && (noise > 0 || (size > 0 && size < Floor)))
        {
            noise += Floor;
        }

        return size + noise <= Largest ? noise : double.PositiveInfinity;
    }

    private static double Power(int exponent) => Math.ScaleB(1, exponent);
}
