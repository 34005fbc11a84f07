namespace DeformDetr.Oracle;

// How far numbers lie from expected ones, in the noise of each.
internal static class NoiseDistance
{
    // One number; equal ones, infinities too, lie at 0; NaN and differences without noise at ∞.
    public static double Of(double actual, double expected, double noise)
    {
        if (actual == expected)
        {
            return 0;
        }

        double distance = Math.Abs(actual - expected) / noise;
        return distance >= 0 ? distance : double.PositiveInfinity;
    }

    // The largest of a row. Noise: as many numbers, or none for exact ones.
    public static double Largest(ReadOnlySpan<double> actual, ReadOnlySpan<double> expected, ReadOnlySpan<double> noise)
    {
        double largest = 0;
        for (int channel = 0; channel < actual.Length; channel++)
        {
            largest = Math.Max(largest, Of(actual[channel], expected[channel], noise.IsEmpty ? 0 : noise[channel]));
        }

        return largest;
    }

    // Whether a whole row lies within noise; stops at the first number that doesn't.
    public static bool Within(ReadOnlySpan<double> actual, ReadOnlySpan<double> expected, ReadOnlySpan<double> noise)
    {
        for (int channel = 0; channel < actual.Length; channel++)
        {
            if (!(Of(actual[channel], expected[channel], noise.IsEmpty ? 0 : noise[channel]) <= 1))
            {
                return false;
            }
        }

        return true;
    }

    // From 0, equal, to 1, far off in every channel: the mean of distance / (1 + distance). A few wild channels don't drown the others.
    public static double Saturating(ReadOnlySpan<double> actual, ReadOnlySpan<double> expected, ReadOnlySpan<double> noise)
    {
        double sum = 0;
        for (int channel = 0; channel < actual.Length; channel++)
        {
            double difference = Math.Abs(actual[channel] - expected[channel]);
            double part = difference / (difference + (noise.IsEmpty ? 0 : noise[channel]));
            sum += actual[channel] == expected[channel] ? 0 : part < 1 ? part : 1;
        }

        return actual.Length == 0 ? 0 : sum / actual.Length;
    }
}
