using System.Numerics;
using DeformDetr.Independent;

namespace DeformDetr.Tensors.Tests.Support;

/// <summary>How far rounding may carry a result. Every bound is a number of roundings, times the size of one, times the magnitude of what was added.</summary>
internal static class Bound
{
    /// <summary>2^-53, one rounding in double: what textbook bodies and norms compute in.</summary>
    public const double InDouble = 1.0 / (1L << 53);

    /// <summary>One rounding to T, relative.</summary>
    public static double Unit<T>() => typeof(T) == typeof(float) ? 1.0 / (1 << 24) : InDouble;

    /// <summary>The smallest subnormal of T, for products that underflow.</summary>
    public static double Least<T>() => typeof(T) == typeof(float) ? float.Epsilon : double.Epsilon;

    /// <summary>
    /// A sum of products in the written order: chains of up to 256 fused steps, block sums, a bias. Each step errs by at most one unit of the magnitude, so the number of steps is a proven bound; the errors of
    /// random terms grow with its root, and 4 roots are more than they reach.
    /// </summary>
    public static double[] OfBlockedSum<T>(Truth truth, int depth, bool regular)
    {
        double steps = Math.Min(depth, 256) + ((depth + 255) / 256) + 1;
        double count = regular ? steps : Math.Min(steps, 4 * Math.Sqrt(steps));
        return [.. truth.Magnitudes.Select(magnitude => (count * Unit<T>() * magnitude) + (steps * Least<T>()))];
    }

    /// <summary>A sum of some terms in double, before the result is rounded.</summary>
    public static double[] OfDoubleSum(Truth truth, int terms) => [.. truth.Magnitudes.Select(magnitude => (terms + 2) * InDouble * magnitude)];

    /// <summary>A number of roundings in double relative to the magnitude.</summary>
    public static double[] OfDoubleSteps(Truth truth, double steps) => [.. truth.Magnitudes.Select(magnitude => steps * InDouble * magnitude)];

    /// <summary>The final rounding to T on top of the error in double.</summary>
    public static double[] AndRounding<T>(this double[] noise, Truth truth)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        [.. noise.Zip(truth.Values, (more, value) => more + Comparison.HalfUlp<T>(Math.Abs(value.High) + more))];

    public static double[] Plus(this double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];

    public static double[] All(int count, double bound)
    {
        double[] bounds = new double[count];
        Array.Fill(bounds, bound);
        return bounds;
    }
}
