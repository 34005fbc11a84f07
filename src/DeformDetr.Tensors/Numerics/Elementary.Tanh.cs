namespace DeformDetr.Tensors.Numerics;

public static partial class Elementary
{
    // tanh |x| = m / (m + 2), m = e^(2|x|) - 1 = (2^k - 1) + 2^k · (e^r - 1), as a sum of two doubles; tanh(-x) = -tanh(x).
    // Error: m to 2^-55 relative where r is large, then one corrected quotient: below 0.90 ULP (largest near |x| = 0.176, where k turns 1).

    /// <summary>The hyperbolic tangent.</summary>
    /// <param name="x">Any number.</param>
    /// <returns>tanh(x) with an error below 0.90 ULP. NaN for NaN, ±1 for ±inf, ±0 for ±0; subnormal x comes back as it is.</returns>
    public static double Tanh(double x)
    {
        double magnitude = Math.Abs(x);
        if (double.IsNaN(x))
        {
            return double.NaN;
        }

        // x - x³/3: the second term is below half a unit in the last place.
        if (magnitude < 3.7252902984619140625e-09)
        {
            return x;
        }

        // 1 - 2 e^-2|x| rounds to 1 from |x| = 19.1 on.
        return Math.CopySign(magnitude < 20.0 ? (double)TanhFast<Lane1>(magnitude) : 1.0, x);
    }

    /// <inheritdoc cref="Tanh(double)"/>
    public static float Tanh(float x) => (float)Tanh((double)x);

    private static V TanhFast<V>(V magnitude)
        where V : struct, ILanes<V>
    {
        ExpParts(magnitude + magnitude, out V shifted, out V r, out V tail);
        V scale = PowerOfTwo(shifted);
        V fraction = r + tail;
        V fractionTail = (r - fraction) + tail;
        V whole = scale - 1.0;
        V part = scale * fraction;

        // part is the smaller of the two, or whole is zero: either way the rest of the sum is exact.
        V m = whole + part;
        V mTail = (whole - m) + part + (scale * fractionTail);
        V d = m + 2.0;
        V mBack = d - 2.0;
        V dTail = (m - mBack) + ((V)2.0 - (d - mBack)) + mTail;
        return Quotient(m, mTail, d, dTail);
    }
}
