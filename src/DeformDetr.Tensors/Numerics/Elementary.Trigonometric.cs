using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DeformDetr.Tensors.Numerics;

public static partial class Elementary
{
    /// <summary>Below this |x| three doubles of π/2 reduce exactly enough (about 2^-133); above it more of its bits are needed.</summary>
    private const double TrigonometricFastLimit = 1073741824.0;

    private const double TwoOverPi = 0.6366197723675814;
    private const double HalfPi = 1.5707963267948966;
    private const double HalfPiTail = 6.123233995736766e-17;
    private const double HalfPiTailTail = -1.4973849048591698e-33;

    /// <summary>The bits of 2/π after the binary point, most significant first, behind 64 zero bits (made with mpmath).</summary>
    private static ReadOnlySpan<ulong> TwoOverPiBits =>
    [
        0x0000000000000000,
        0xA2F9836E4E441529, 0xFC2757D1F534DDC0, 0xDB6295993C439041, 0xFE5163ABDEBBC561,
        0xB7246E3A424DD2E0, 0x06492EEA09D1921C, 0xFE1DEB1CB129A73E, 0xE88235F52EBB4484,
        0xE99C7026B45F7E41, 0x3991D639835339F4, 0x9C845F8BBDF9283B, 0x1FF897FFDE05980F,
        0xEF2F118B5A0A6D1F, 0x6D367ECF27CB09B7, 0x4F463F669E5FEA2D, 0x7527BAC7EBE5F17B,
        0x3D0739F78A5292EA, 0x6BFB5FB11F8D5D08, 0x56033046FC7B6BAB,
    ];

    // sin x and cos x are ±sin r or ±cos r,  r = x - k · π/2, |r| <= 0.786, by k mod 4;  sin r = r + r³ · S(r²),
    // cos r = 1 - r²/2 + r⁴ · C(r²).
    // Error: S 2^-63, C 2^-64 relative; r is a sum of two doubles, good to 2^-133 absolute: below 0.72 ULP.

    /// <summary>The sine of <paramref name="x"/> radians.</summary>
    /// <param name="x">Any number; large ones are reduced by as many digits of π as they need.</param>
    /// <returns>sin(x) with an error below 0.72 ULP for every finite x. NaN for NaN and ±inf, ±0 for ±0; subnormal x comes back as it
    /// is.</returns>
    public static double Sin(double x) => Math.Abs(x) < TrigonometricFastLimit ? (double)SinFast<Lane1>(x) : SinRare(x);

    /// <summary>The cosine of <paramref name="x"/> radians.</summary>
    /// <param name="x">Any number; large ones are reduced by as many digits of π as they need.</param>
    /// <returns>cos(x) with an error below 0.72 ULP for every finite x. NaN for NaN and ±inf, exactly 1 for ±0.</returns>
    public static double Cos(double x) => Math.Abs(x) < TrigonometricFastLimit ? (double)CosFast<Lane1>(x) : CosRare(x);

    /// <inheritdoc cref="Sin(double)"/>
    public static float Sin(float x) => (float)Sin((double)x);

    /// <inheritdoc cref="Sin(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Sin(Vector512<double> x) => (Vector512<double>)SinLanes<Lanes512>(new(x));

    /// <inheritdoc cref="Sin(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Sin(Vector256<double> x) => (Vector256<double>)SinLanes<Lanes256>(new(x));

    /// <inheritdoc cref="Sin(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Sin(Vector128<double> x) => (Vector128<double>)SinLanes<Lanes128>(new(x));

    /// <inheritdoc cref="Cos(double)"/>
    public static float Cos(float x) => (float)Cos((double)x);

    /// <inheritdoc cref="Cos(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Cos(Vector512<double> x) => (Vector512<double>)CosLanes<Lanes512>(new(x));

    /// <inheritdoc cref="Cos(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Cos(Vector256<double> x) => (Vector256<double>)CosLanes<Lanes256>(new(x));

    /// <inheritdoc cref="Cos(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Cos(Vector128<double> x) => (Vector128<double>)CosLanes<Lanes128>(new(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SinLanes<V>(V x)
        where V : struct, ILanes<V> =>
        V.AllLess(V.Abs(x), TrigonometricFastLimit) ? SinFast(x) : LaneByLane<V, SinFunction>(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V CosLanes<V>(V x)
        where V : struct, ILanes<V> =>
        V.AllLess(V.Abs(x), TrigonometricFastLimit) ? CosFast(x) : LaneByLane<V, CosFunction>(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SinFast<V>(V x)
        where V : struct, ILanes<V>
    {
        ReduceByHalfPi(x, out V quadrant, out V r, out V rTail);
        V sine = SineInQuadrant(quadrant, r, rTail);

        // x - x³/6: the second term is below half a unit in the last place. Keeps the sign of zero.
        return V.Select(V.IsLess(V.Abs(x), 7.450580596923828125e-09), x, sine);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V CosFast<V>(V x)
        where V : struct, ILanes<V>
    {
        ReduceByHalfPi(x, out V quadrant, out V r, out V rTail);
        return SineInQuadrant(V.AddBits(quadrant, V.Bits(1)), r, rTail);
    }

    private static double SinRare(double x)
    {
        if (!double.IsFinite(x))
        {
            return double.NaN;
        }

        ReduceHuge(x, out ulong quadrant, out double r, out double rTail);
        return (double)SineInQuadrant<Lane1>(Lane1.Bits(quadrant), r, rTail);
    }

    private static double CosRare(double x)
    {
        if (!double.IsFinite(x))
        {
            return double.NaN;
        }

        ReduceHuge(x, out ulong quadrant, out double r, out double rTail);
        return (double)SineInQuadrant<Lane1>(Lane1.Bits(quadrant + 1), r, rTail);
    }

    /// <summary>
    /// x = k · π/2 + r + rTail with |r| up to π/4 (and a little), k mod 4 in the low bits of <paramref name="quadrant"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ReduceByHalfPi<V>(V x, out V quadrant, out V r, out V rTail)
        where V : struct, ILanes<V>
    {
        quadrant = V.Fma(x, TwoOverPi, Shifter);
        V k = quadrant - Shifter;

        // Exact: x and k · HalfPi are multiples of 2^-53 (or k is 0), and their difference is below 1.
        V reduced = V.Fma(-k, HalfPi, x);
        V product = k * HalfPiTail;
        V productTail = V.Fma(k, HalfPiTailTail, V.Fma(k, HalfPiTail, -product));
        r = reduced - product;
        V back = reduced - r;
        rTail = ((back - product) + (reduced - (r + back))) - productTail;
    }

    /// <summary>sin r for quadrant 0, cos r for 1, -sin r for 2, -cos r for 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SineInQuadrant<V>(V quadrant, V r, V rTail)
        where V : struct, ILanes<V>
    {
        V z = r * r;
        V zTail = V.Fma(r, r, -z);
        V z2 = z * z;
        V z4 = z2 * z2;
        V half = z * 0.5;

        V s12 = V.Fma(z, -0.00019841269840955867, 0.008333333333333038);
        V s34 = V.Fma(z, -2.505206960152645e-08, 2.755731906959788e-06);
        V s56 = V.Fma(z, -7.379669429317844e-13, 1.6054126498214794e-10);
        V s = V.Fma(z, V.Fma(z4, s56, V.Fma(z2, s34, s12)), -0.16666666666666666);
        V cosine = (V)1.0 - half;
        V sine = r + V.Fma(r * z, s, rTail * cosine);

        V c01 = V.Fma(z, -0.0013888888888874467, 0.0416666666666666);
        V c23 = V.Fma(z, -2.755731439830009e-07, 2.480158728966447e-05);
        V c45 = V.Fma(z, -1.1359907508152705e-11, 2.0875728832104787e-09);
        V c = V.Fma(z4, c45, V.Fma(z2, c23, c01));
        V rest = (((V)1.0 - cosine) - half) - V.Fma(r, rTail, zTail * 0.5);
        cosine += V.Fma(z2, c, rest);

        V isOdd = V.SubtractBits(V.Bits(0), V.AndBits(quadrant, V.Bits(1)));
        V sign = V.AndBits(V.ShiftLeftBits(quadrant, 62), V.Bits(0x8000000000000000));
        return V.XorBits(V.Select(isOdd, cosine, sine), sign);
    }

    // x = m · 2^e. Bits of 2/π that times m · 2^e are multiples of 4 do not matter: a window of 192 bits, from weight 2^1 down to 2^-190,
    // times m modulo 4 is x · 2/π modulo 4 to 2^-137. The closest that a double comes to a multiple of π/2 is about 2^-61.

    /// <summary>As <see cref="ReduceByHalfPi"/>, with integers, for finite |x| from 2^30 on.</summary>
    private static void ReduceHuge(double x, out ulong quadrant, out double r, out double rTail)
    {
        long bits = BitConverter.DoubleToInt64Bits(x);
        int exponent = (int)((bits >> 52) & 0x7FF) - 1075;
        ulong m = ((ulong)bits & 0x000FFFFFFFFFFFFF) | 0x0010000000000000;

        // In the table the bit of weight 2^-1 has index 64; the window starts with the bit of weight 2^(1 - e).
        int first = exponent + 62;
        UInt128 product = (UInt128)WindowWord(first + 128) * m;
        ulong low = (ulong)product;
        product = ((UInt128)WindowWord(first + 64) * m) + (ulong)(product >> 64);
        ulong middle = (ulong)product;
        ulong high = (WindowWord(first) * m) + (ulong)(product >> 64);

        // Two integer bits, then 190 of fraction; from a half on the fraction counts as negative and k is one more.
        quadrant = high >> 62;
        UInt128 fraction = new UInt128((high << 2) | (middle >> 62), (middle << 2) | (low >> 62));
        ulong fractionLow = low << 2;
        bool isNegative = fraction >> 127 != 0;
        if (isNegative)
        {
            quadrant++;
            fraction = ~fraction;
            fractionLow = ~fractionLow;
        }

        int zeros = (int)UInt128.LeadingZeroCount(fraction);
        if (zeros > 0)
        {
            fraction = (fraction << zeros) | (fractionLow >> (64 - zeros));
        }

        // Two times 53 bits, each exact as a double.
        double scale = TwoTo(-zeros);
        double head = (ulong)(fraction >> 75) * TwoTo(-53) * scale;
        double tail = (ulong)((fraction >> 22) & 0x1FFFFFFFFFFFFF) * TwoTo(-106) * scale;
        double product0 = head * HalfPi;
        double product1 = Math.FusedMultiplyAdd(head, HalfPi, -product0) + Math.FusedMultiplyAdd(head, HalfPiTail, tail * HalfPi);
        r = product0 + product1;
        rTail = (product0 - r) + product1;
        if (isNegative != x < 0.0)
        {
            r = -r;
            rTail = -rTail;
        }

        if (x < 0.0)
        {
            quadrant = 0 - quadrant;
        }
    }

    /// <summary>64 bits of 2/π from bit <paramref name="index"/> of the table on.</summary>
    private static ulong WindowWord(int index)
    {
        int word = index >> 6;
        int shift = index & 63;
        ulong bits = TwoOverPiBits[word] << shift;
        return shift == 0 ? bits : bits | (TwoOverPiBits[word + 1] >> (64 - shift));
    }

    private readonly struct SinFunction : IFunction
    {
        public static double Of(double x) => Sin(x);

        public static V OfLanes<V>(V x)
            where V : struct, ILanes<V> => SinLanes(x);
    }

    private readonly struct CosFunction : IFunction
    {
        public static double Of(double x) => Cos(x);

        public static V OfLanes<V>(V x)
            where V : struct, ILanes<V> => CosLanes(x);
    }
}
