using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DeformDetr.Tensors.Numerics;

public static partial class Elementary
{
    private const double LargestSubnormal = 2.225073858507201e-308;
    private const ulong SqrtHalfBits = 0x3FE6A09E667F3BCD;
    private const ulong OneBits = 0x3FF0000000000000;
    private const ulong ExponentMask = 0xFFF0000000000000;

    // 42 bits of ln 2, so that its product with an exponent is exact.
    private const double Ln2Short = 0.6931471805598903;
    private const double Ln2ShortTail = 5.497923018708371e-14;

    // log x = k · ln 2 + log m,  x = 2^k · m with m in [sqrt(1/2), sqrt 2),  log m = 2 atanh s = 2 s + s³ · L(s²),  s = (m - 1) / (m + 1),
    // |s| <= 0.172.
    // Error: L 2^-66 relative to log m, s kept as a sum of two doubles, so that only the last rounding counts: below 0.56 ULP.

    /// <summary>The natural logarithm.</summary>
    /// <param name="x">Any number; subnormal ones too.</param>
    /// <returns>log(x) with an error below 0.56 ULP. NaN for NaN and for x below zero, -inf for ±0, +inf for +inf, exactly +0 for
    /// 1.</returns>
    public static double Log(double x) => x > LargestSubnormal && x < double.PositiveInfinity ? (double)LogFast<Lane1>(x) : LogRare(x);

    /// <inheritdoc cref="Log(double)"/>
    public static float Log(float x) => (float)Log((double)x);

    /// <inheritdoc cref="Log(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Log(Vector512<double> x) => (Vector512<double>)LogLanes<Lanes512>(new(x));

    /// <inheritdoc cref="Log(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Log(Vector256<double> x) => (Vector256<double>)LogLanes<Lanes256>(new(x));

    /// <inheritdoc cref="Log(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Log(Vector128<double> x) => (Vector128<double>)LogLanes<Lanes128>(new(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LogLanes<V>(V x)
        where V : struct, ILanes<V> =>
        V.AllLess(LargestSubnormal, x) && V.AllLess(x, double.PositiveInfinity) ? LogFast(x) : LaneByLane<V, LogFunction>(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LogFast<V>(V x)
        where V : struct, ILanes<V>
    {
        LogParts(x, out V k, out V s, out V sTail);
        return LogSum(k, s, sTail);
    }

    /// <summary>x = 2^k · m and s + sTail = (m - 1) / (m + 1), for normal positive x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LogParts<V>(V x, out V k, out V s, out V sTail)
        where V : struct, ILanes<V>
    {
        // The exponent field becomes k + 1023 when the fraction passes that of sqrt(1/2), so that m is centred on 1.
        V moved = V.AddBits(x, V.Bits(OneBits - SqrtHalfBits));
        V m = V.SubtractBits(x, V.SubtractBits(V.AndBits(moved, V.Bits(ExponentMask)), V.Bits(OneBits)));

        // An integer in the low bits of 2^52 is a double: subtract 2^52 and the bias.
        k = V.OrBits(V.ShiftRightBits(moved, 52), V.Bits(0x4330000000000000)) - (4503599627370496.0 + 1023.0);

        V f = m - 1.0;
        V d = m + 1.0;
        V dTail = m - (d - 1.0);
        V inverse = (V)1.0 / d;
        s = f * inverse;
        sTail = V.Fma(-s, dTail, V.Fma(-s, d, f)) * inverse;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V LogSum<V>(V k, V s, V sTail)
        where V : struct, ILanes<V>
    {
        V w = s * s;
        V w2 = w * w;
        V w4 = w2 * w2;
        V l01 = V.Fma(w, 0.40000000000004926, 0.6666666666666666);
        V l23 = V.Fma(w, 0.22222222607256922, 0.28571428569409724);
        V l45 = V.Fma(w, 0.1538699023193383, 0.18181778327513676);
        V l67 = V.Fma(w, 0.13235107210653463, 0.13252114088399092);
        V l = V.Fma(w4, V.Fma(w2, l67, l45), V.Fma(w2, l23, l01));

        V whole = k * Ln2Short;
        V part = s + s;
        V head = whole + part;
        V rest = ((whole - head) + part) + V.Fma(k, Ln2ShortTail, sTail + sTail);
        return head + V.Fma(s * w, l, rest);
    }

    private static double LogRare(double x)
    {
        if (double.IsNaN(x) || x < 0.0)
        {
            return double.NaN;
        }

        if (x == 0.0)
        {
            return double.NegativeInfinity;
        }

        if (x > double.MaxValue)
        {
            return double.PositiveInfinity;
        }

        LogParts<Lane1>(x * TwoTo(54), out Lane1 k, out Lane1 s, out Lane1 sTail);
        return (double)LogSum(k - 54.0, s, sTail);
    }

    private readonly struct LogFunction : IFunction
    {
        public static double Of(double x) => Log(x);

        public static V OfLanes<V>(V x)
            where V : struct, ILanes<V> => LogLanes(x);
    }
}
