using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeformDetr.Tensors.Numerics;

/// <summary>
/// exp, log, sin, cos, tanh, erf, pow and sigmoid that give the same bits on every machine.
/// </summary>
/// <remarks>
/// <para>Each function has one definition, in double precision, made of additions, multiplications, divisions and fused multiply-adds in a
/// written order. IEEE 754 rounds each of these in one way only, so the result cannot depend on the machine, the vector width, the position
/// in an array or the build. The vector forms run the same source text as the scalar ones, so every lane holds the bits of the scalar
/// result.</para>
/// <para>float results are the double result rounded once. They are the correctly rounded value except when the exact value lies within
/// about 2^-30 ULP of the middle between two floats.</para>
/// <para>The vector forms are inlined where they are called, so that a kernel keeps its numbers in registers. Call one at most once in a
/// method (in a loop, if need be): two inlined bodies can exceed what the JIT is willing to inline, and then it is ten times slower.</para>
/// <para>A NaN result is always the one NaN <see cref="double.NaN"/>, whatever NaN came in: machines differ in how they pass a NaN's
/// payload on.</para>
/// </remarks>
public static partial class Elementary
{
    // How the coefficients were made: Remez exchange in 260-bit arithmetic (mpmath) for the smallest largest error relative to the
    // function's value; the lowest coefficients were rounded to double one after another and the rest fitted again each time, so that
    // rounding them costs next to nothing.
    // Constants named …Tail are the part of the exact constant that the double of the same name leaves out, rounded to double.

    /// <summary>
    /// 1.5 · 2^52. Adding it to |x| &lt; 2^51 rounds x to an integer (ties to even), which is then in the low bits of the sum.
    /// </summary>
    private const double Shifter = 6755399441055744.0;

    /// <summary>One function, so that array and lane loops can be written once for all of them.</summary>
    private interface IFunction
    {
        static abstract double Of(double x);

        static abstract V OfLanes<V>(V x)
            where V : struct, ILanes<V>;
    }

    /// <inheritdoc cref="Exp(double)"/>
    /// <typeparam name="T">float or double; other formats get the double result rounded once.</typeparam>
    public static T Exp<T>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Apply<T, ExpFunction>(x);

    /// <inheritdoc cref="Log(double)"/>
    /// <typeparam name="T">float or double; other formats get the double result rounded once.</typeparam>
    public static T Log<T>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Apply<T, LogFunction>(x);

    /// <inheritdoc cref="Sin(double)"/>
    /// <typeparam name="T">float or double; other formats get the double result rounded once.</typeparam>
    public static T Sin<T>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Apply<T, SinFunction>(x);

    /// <inheritdoc cref="Cos(double)"/>
    /// <typeparam name="T">float or double; other formats get the double result rounded once.</typeparam>
    public static T Cos<T>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Apply<T, CosFunction>(x);

    /// <inheritdoc cref="Tanh(double)"/>
    /// <typeparam name="T">float or double; other formats get the double result rounded once.</typeparam>
    public static T Tanh<T>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => To<T>(Tanh(ToDouble(x)));

    /// <inheritdoc cref="Erf(double)"/>
    /// <typeparam name="T">float or double; other formats get the double result rounded once.</typeparam>
    public static T Erf<T>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Apply<T, ErfFunction>(x);

    /// <inheritdoc cref="Pow(double, double)"/>
    /// <typeparam name="T">float or double; other formats get the double result rounded once.</typeparam>
    public static T Pow<T>(T x, T y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => To<T>(Pow(ToDouble(x), ToDouble(y)));

    /// <inheritdoc cref="Sigmoid(double)"/>
    /// <typeparam name="T">float or double; other formats get the double result rounded once.</typeparam>
    public static T Sigmoid<T>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Apply<T, SigmoidFunction>(x);

    private static T Apply<T, TFunction>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TFunction : IFunction => To<T>(TFunction.Of(ToDouble(x)));

    // The type tests are constants to the JIT: each instance keeps one branch.
    private static double ToDouble<T>(T x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float))
        {
            return Unsafe.BitCast<T, float>(x);
        }

        return typeof(T) == typeof(double) ? Unsafe.BitCast<T, double>(x) : double.CreateTruncating(x);
    }

    private static T To<T>(double x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float))
        {
            return Unsafe.BitCast<float, T>((float)x);
        }

        return typeof(T) == typeof(double) ? Unsafe.BitCast<double, T>(x) : T.CreateTruncating(x);
    }

    /// <summary>The scalar function in every lane: for vectors with a lane outside the fast range.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static V LaneByLane<V, TFunction>(V x)
        where V : struct, ILanes<V>
        where TFunction : IFunction
    {
        Span<double> lanes = stackalloc double[8];
        x.Store(lanes);
        for (int lane = 0; lane < V.Count; lane++)
        {
            lanes[lane] = TFunction.Of(lanes[lane]);
        }

        return V.Load(lanes);
    }

    /// <summary>
    /// (n + nTail) / (d + dTail): the rounded quotient and one Newton correction from the remainder, which the fused multiply-add gives
    /// exactly.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Quotient<V>(V n, V nTail, V d, V dTail)
        where V : struct, ILanes<V>
    {
        V inverse = (V)1.0 / d;
        V quotient = n * inverse;
        V remainder = V.Fma(-quotient, dTail, V.Fma(-quotient, d, n) + nTail);
        return V.Fma(remainder, inverse, quotient);
    }
}
