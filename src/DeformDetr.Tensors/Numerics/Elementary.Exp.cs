using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DeformDetr.Tensors.Numerics;

public static partial class Elementary
{
    /// <summary>Below this |x| both e^x and e^-x are normal numbers, with room for the exponent arithmetic.</summary>
    private const double ExpFastLimit = 708.0;

    private const double Log2E = 1.4426950408889634;
    private const double Ln2 = 0.6931471805599453;
    private const double Ln2Tail = 2.3190468138462996e-17;

    // e^x = 2^k · e^r,  k = round(x / ln 2),  r = x - k · ln 2,  e^r = 1 + r + r² · (1/2 + r · q(r)), |r| <= 0.347.
    // Error: q 2^-61.7 relative to e^r; what is left of the rounding of r² · (…) and the last rounding: below 0.67 ULP.

    /// <summary>e to the power <paramref name="x"/>.</summary>
    /// <param name="x">Any number. Results are normal for -708.39 &lt; x &lt; 709.78, subnormal down to x = -745.13.</param>
    /// <returns>
    /// e^x with an error below 0.67 ULP (subnormal results too). NaN for NaN, +inf for +inf and where e^x is above the largest number,
    /// +0 for -inf and where e^x rounds to zero, exactly 1 for ±0.
    /// </returns>
    public static double Exp(double x) => Math.Abs(x) < ExpFastLimit ? (double)ExpFast<Lane1>(x) : ExpRare(x);

    /// <inheritdoc cref="Exp(double)"/>
    public static float Exp(float x) => (float)Exp((double)x);

    /// <inheritdoc cref="Exp(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Exp(Vector512<double> x) => (Vector512<double>)ExpLanes<Lanes512>(new(x));

    /// <inheritdoc cref="Exp(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Exp(Vector256<double> x) => (Vector256<double>)ExpLanes<Lanes256>(new(x));

    /// <inheritdoc cref="Exp(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Exp(Vector128<double> x) => (Vector128<double>)ExpLanes<Lanes128>(new(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ExpLanes<V>(V x)
        where V : struct, ILanes<V> =>
        V.AllLess(V.Abs(x), ExpFastLimit) ? ExpFast(x) : LaneByLane<V, ExpFunction>(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ExpFast<V>(V x)
        where V : struct, ILanes<V>
    {
        ExpParts(x, out V shifted, out V r, out V tail);
        V head = (V)1.0 + r;
        return (head + (((V)1.0 - head) + r + tail)) * PowerOfTwo(shifted);
    }

    /// <summary>e^x = 2^k · (1 + r + tail), k in the low bits of <paramref name="shifted"/>, for |x| up to 2^30.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ExpParts<V>(V x, out V shifted, out V r, out V tail)
        where V : struct, ILanes<V>
    {
        shifted = V.Fma(x, Log2E, Shifter);
        V k = shifted - Shifter;

        // Exact: x and k · Ln2 are multiples of 2^-54 (or k is 0), and their difference is below 1/2.
        V reduced = V.Fma(-k, Ln2, x);
        r = V.Fma(-k, Ln2Tail, reduced);
        V rTail = V.Fma(-k, Ln2Tail, reduced - r);

        V r2 = r * r;
        V r4 = r2 * r2;
        V q01 = V.Fma(r, 0.041666666666665374, 0.1666666666666668);
        V q23 = V.Fma(r, 0.0013888888889367914, 0.008333333333318954);
        V q45 = V.Fma(r, 2.4801586785718995e-05, 0.0001984126989413031);
        V q67 = V.Fma(r, 2.755742629133617e-07, 2.7557234991480054e-06);
        V q89 = V.Fma(r, 2.0945546558210542e-09, 2.5112582440374352e-08);
        V q = V.Fma(r4, V.Fma(r4, q89, V.Fma(r2, q67, q45)), V.Fma(r2, q23, q01));
        tail = V.Fma(r2, V.Fma(r, q, 0.5), rTail);
    }

    /// <summary>
    /// 2^k for -1022 &lt;= k &lt;= 1023, k in the low bits of <paramref name="shifted"/>: k + 1023 moved to where the exponent stands.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V PowerOfTwo<V>(V shifted)
        where V : struct, ILanes<V> => V.ShiftLeftBits(V.AddBits(shifted, V.Bits(1023)), 52);

    private static double ExpRare(double x)
    {
        if (double.IsNaN(x))
        {
            return double.NaN;
        }

        if (x > 710.0)
        {
            return double.PositiveInfinity;
        }

        if (x < -746.0)
        {
            return 0.0;
        }

        ExpParts<Lane1>(x, out Lane1 shifted, out Lane1 r, out Lane1 tail);
        return ScaleExp((double)r, (double)tail, (int)((double)shifted - Shifter));
    }

    /// <summary>2^k · (1 + r + tail) rounded once, for k from -1080 to 1030, where the result may be subnormal or too large.</summary>
    private static double ScaleExp(double r, double tail, int k)
    {
        double head = 1.0 + r;
        double rest = (1.0 - head) + r + tail;
        double sum = head + rest;
        if (k > -1022 || (k == -1022 && sum >= 1.0))
        {
            return sum * TwoTo(k / 2) * TwoTo(k - (k / 2));
        }

        // Adding 2^52 units to less than that rounds to whole units, here of 2^-1074 / 2^k: the place of the last bit that a subnormal
        // result has.
        double shifter = TwoTo(52 - 1074 - k);
        double whole = shifter + head;
        double rounded = whole + ((head - (whole - shifter)) + rest);
        return (rounded - shifter) * TwoTo(k + 600) * TwoTo(-600);
    }

    private static double TwoTo(int k) => BitConverter.Int64BitsToDouble((k + 1023L) << 52);

    private readonly struct ExpFunction : IFunction
    {
        public static double Of(double x) => Exp(x);

        public static V OfLanes<V>(V x)
            where V : struct, ILanes<V> => ExpLanes(x);
    }
}
