using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DeformDetr.Tensors.Numerics;

public static partial class Elementary
{
    /// <summary>Below this |x| no intermediate of the fast path is subnormal.</summary>
    private const double SigmoidFastLimit = 600.0;

    // sigmoid(x) = 1 / (1 + e^-x) for x >= 0 and e^x / (1 + e^x) for x < 0: with e = e^-|x| as a sum of two doubles, one quotient.
    // Error: that of the exponential where e^x is all there is, since the corrected quotient adds below 0.01 ULP: below 0.67 ULP.

    /// <summary>The logistic function 1 / (1 + e^-x).</summary>
    /// <param name="x">Any number.</param>
    /// <returns>
    /// sigmoid(x) with an error below 0.67 ULP relative to itself, for large negative x too (sigmoid(-700) is about e^-700, subnormal from
    /// x = -708.4 and +0 below x = -745.13). NaN for NaN, +0 for -inf, 1 for +inf, exactly 0.5 for ±0.
    /// </returns>
    public static double Sigmoid(double x) => Math.Abs(x) < SigmoidFastLimit ? (double)SigmoidFast<Lane1>(x) : SigmoidRare(x);

    /// <inheritdoc cref="Sigmoid(double)"/>
    public static float Sigmoid(float x) => (float)Sigmoid((double)x);

    /// <inheritdoc cref="Sigmoid(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Sigmoid(Vector512<double> x) => (Vector512<double>)SigmoidLanes<Lanes512>(new(x));

    /// <inheritdoc cref="Sigmoid(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Sigmoid(Vector256<double> x) => (Vector256<double>)SigmoidLanes<Lanes256>(new(x));

    /// <inheritdoc cref="Sigmoid(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Sigmoid(Vector128<double> x) => (Vector128<double>)SigmoidLanes<Lanes128>(new(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SigmoidLanes<V>(V x)
        where V : struct, ILanes<V> =>
        V.AllLess(V.Abs(x), SigmoidFastLimit) ? SigmoidFast(x) : LaneByLane<V, SigmoidFunction>(x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V SigmoidFast<V>(V x)
        where V : struct, ILanes<V>
    {
        ExpParts(-V.Abs(x), out V shifted, out V r, out V tail);
        V scale = PowerOfTwo(shifted);
        V head = (V)1.0 + r;
        V rest = ((V)1.0 - head) + r + tail;
        V sum = head + rest;
        V e = sum * scale;
        V eTail = ((head - sum) + rest) * scale;

        V d = (V)1.0 + e;
        V dTail = ((V)1.0 - d) + e + eTail;
        V isNegative = V.IsLess(x, 0.0);
        return Quotient(V.Select(isNegative, e, 1.0), V.Select(isNegative, eTail, 0.0), d, dTail);
    }

    private static double SigmoidRare(double x)
    {
        if (double.IsNaN(x))
        {
            return double.NaN;
        }

        // e^x is below 2^-865 here: 1 + e^x and 1 + e^-x round to their larger term.
        return x > 0.0 ? 1.0 : Exp(x);
    }

    private readonly struct SigmoidFunction : IFunction
    {
        public static double Of(double x) => Sigmoid(x);

        public static V OfLanes<V>(V x)
            where V : struct, ILanes<V> => SigmoidLanes(x);
    }
}
