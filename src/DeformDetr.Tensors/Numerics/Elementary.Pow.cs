namespace DeformDetr.Tensors.Numerics;

public static partial class Elementary
{
    private const double Third = 0.3333333333333333;
    private const double ThirdTail = 1.850371707708594e-17;
    private const double Fifth = 0.2;
    private const double FifthTail = -1.1102230246251566e-17;

    // x^y = e^(y · log x), log x as a sum of two doubles: log m = 2 s · (1 + w · (1/3 + w · (1/5 + w · R(w)))), w = s², s as for log.
    // Error: log x to 2^-68 relative, so y · log x (below 746) to 2^-58; then the exponential's: below 0.70 ULP.

    /// <summary><paramref name="x"/> to the power <paramref name="y"/>.</summary>
    /// <param name="x">The base. Below zero it needs an integer exponent.</param>
    /// <param name="y">The exponent.</param>
    /// <returns>
    /// x^y with an error below 0.70 ULP (subnormal results too). Special cases are those of IEEE 754 pow: 1 for y = ±0 and for x = 1,
    /// whatever the other is (NaN too); otherwise NaN for a NaN; NaN for finite x below zero and finite y that is no integer; for x = ±0 or
    /// ±inf and for y = ±inf the limit, with x's sign where y is an odd integer; 1 for x = -1 and y = ±inf; ±inf and ±0 where the result is
    /// too large or rounds to zero.
    /// </returns>
    public static double Pow(double x, double y)
    {
        if (y == 0.0 || x == 1.0)
        {
            return 1.0;
        }

        if (double.IsNaN(x) || double.IsNaN(y))
        {
            return double.NaN;
        }

        double magnitude = Math.Abs(x);
        if (double.IsInfinity(y))
        {
            return magnitude == 1.0 ? 1.0 : magnitude > 1.0 == y > 0.0 ? double.PositiveInfinity : 0.0;
        }

        bool isInteger = Math.Floor(y) == y;
        bool isOdd = isInteger && Math.Floor(y * 0.5) != y * 0.5;
        double sign = isOdd && double.IsNegative(x) ? -1.0 : 1.0;
        if (magnitude == 0.0 || double.IsInfinity(x))
        {
            return sign * (magnitude > 1.0 == y > 0.0 ? double.PositiveInfinity : 0.0);
        }

        return x < 0.0 && !isInteger ? double.NaN : sign * PowOfMagnitude(magnitude, y);
    }

    /// <inheritdoc cref="Pow(double, double)"/>
    public static float Pow(float x, float y) => (float)Pow((double)x, (double)y);

    private static double PowOfMagnitude(double x, double y)
    {
        LogTwo(x, out double log, out double logTail);
        double product = y * log;
        if (product > 710.0)
        {
            return double.PositiveInfinity;
        }

        if (product < -746.0)
        {
            return 0.0;
        }

        double productTail = Math.FusedMultiplyAdd(y, logTail, Math.FusedMultiplyAdd(y, log, -product));
        ExpParts<Lane1>(product, out Lane1 shifted, out Lane1 r, out Lane1 tail);

        // e^(p + t) = e^p · (1 + t) for the tiny t that is left.
        double exact = (double)tail;
        double withTail = Math.FusedMultiplyAdd(productTail, 1.0 + (double)r + exact, exact);
        return ScaleExp((double)r, withTail, (int)((double)shifted - Shifter));
    }

    /// <summary>log x as head + tail, for positive finite x.</summary>
    private static void LogTwo(double x, out double head, out double tail)
    {
        double exponent = 0.0;
        if (x <= LargestSubnormal)
        {
            x *= TwoTo(54);
            exponent = -54.0;
        }

        LogParts<Lane1>(x, out Lane1 k, out Lane1 sLane, out Lane1 sTailLane);
        double s = (double)sLane;
        double sTail = (double)sTailLane;
        exponent += (double)k;

        double w = s * s;
        double wTail = Math.FusedMultiplyAdd(s, s, -w) + (2.0 * s * sTail);

        double rest = 0.05955490800220826;
        rest = Math.FusedMultiplyAdd(w, rest, 0.05842520802321989);
        rest = Math.FusedMultiplyAdd(w, rest, 0.06667881547160028);
        rest = Math.FusedMultiplyAdd(w, rest, 0.0769228645009551);
        rest = Math.FusedMultiplyAdd(w, rest, 0.09090909302709284);
        rest = Math.FusedMultiplyAdd(w, rest, 0.11111111110006293);
        rest = Math.FusedMultiplyAdd(w, rest, 0.1428571428571658);
        rest *= w;

        double u = Fifth + rest;
        double uTail = (Fifth - u) + rest + FifthTail;
        MultiplyTwo(w, wTail, u, uTail, out double wu, out double wuTail);
        double v = Third + wu;
        double vTail = (Third - v) + wu + wuTail + ThirdTail;
        MultiplyTwo(w, wTail, v, vTail, out double wv, out double wvTail);
        MultiplyTwo(s + s, sTail + sTail, wv, wvTail, out double part, out double partTail);

        double logM = s + s + part;
        double logMTail = (s + s - logM) + part + partTail + (sTail + sTail);
        double whole = exponent * Ln2Short;
        double sum = whole + logM;
        double sumTail = (whole - sum) + logM + Math.FusedMultiplyAdd(exponent, Ln2ShortTail, logMTail);
        head = sum + sumTail;
        tail = (sum - head) + sumTail;
    }

    private static void MultiplyTwo(double a, double aTail, double b, double bTail, out double product, out double productTail)
    {
        product = a * b;
        productTail = Math.FusedMultiplyAdd(a, b, -product) + Math.FusedMultiplyAdd(a, bTail, aTail * b);
    }
}
