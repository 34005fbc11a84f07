using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DeformDetr.Tensors.Numerics;

public static partial class Elementary
{
    private const double TwoOverSqrtPi = 1.1283791670955126;
    private const double TwoOverSqrtPiTail = 1.533545961316588e-17;

    /// <summary>From here on erf is 1 - erfc; below it a polynomial.</summary>
    private const double ErfSplit = 0.75;

    /// <summary>erfc(6) is 2e-17: from here on erf rounds to 1.</summary>
    private const double ErfOne = 6.0;

    /// <summary>Where log erfc is developed: close to the split, since 1 - erfc feels an error less and less further out.</summary>
    private const double ErfCentre = 0.8125;

    /// <summary>-log(erfc(ErfCentre)).</summary>
    private const double MinusLogErfcCentre = 1.3841527583345243;
    private const double MinusLogErfcCentreTail = 3.228441407201953e-17;

    // erf a = a · (2/sqrt(π) + a² · E(a²)) for a < 0.75;  erf a = 1 - e^-g(a),  g(a) = -log erfc a = g(c) + u · G(u), u = a - c,
    // c = 0.8125, from 0.75 to 6.
    // Error: E 2^-59.9, G 2^-57.5 relative to erf: below 1.00 ULP (largest near |x| = 0.74).

    /// <summary>The error function, 2/sqrt(π) times the integral of e^-t² from 0 to <paramref name="x"/>.</summary>
    /// <param name="x">Any number.</param>
    /// <returns>erf(x) with an error below 1.00 ULP. NaN for NaN, ±1 for ±inf, ±0 for ±0.</returns>
    public static double Erf(double x) => (double)ErfLanes<Lane1>(x);

    /// <inheritdoc cref="Erf(double)"/>
    public static float Erf(float x) => (float)Erf((double)x);

    /// <inheritdoc cref="Erf(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<double> Erf(Vector512<double> x) => (Vector512<double>)ErfLanes<Lanes512>(new(x));

    /// <inheritdoc cref="Erf(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<double> Erf(Vector256<double> x) => (Vector256<double>)ErfLanes<Lanes256>(new(x));

    /// <inheritdoc cref="Erf(double)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<double> Erf(Vector128<double> x) => (Vector128<double>)ErfLanes<Lanes128>(new(x));

    /// <summary>No rare cases: the magnitude is held at 6, NaN goes through by a mask.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static V ErfLanes<V>(V x)
        where V : struct, ILanes<V>
    {
        V magnitude = V.Abs(x);
        V a = V.Select(V.IsLess(magnitude, ErfOne), magnitude, ErfOne);
        V value = V.Select(V.IsLess(a, ErfSplit), ErfSmall(a), ErfLarge(a));
        V signed = V.OrBits(value, V.AndBits(x, V.Bits(0x8000000000000000)));
        return V.Select(V.IsNumber(x), signed, double.NaN);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V ErfSmall<V>(V a)
        where V : struct, ILanes<V>
    {
        V z = a * a;
        V z2 = z * z;
        V z4 = z2 * z2;
        V e0 = V.Fma(z, 0.11283791670953225, -0.3761263890318373);
        V e1 = V.Fma(z, 0.005223977616601298, -0.02686617064454593);
        V e2 = V.Fma(z, 0.00012055292194882084, -0.0008548326259343403);
        V e3 = V.Fma(z, 1.6431563734722732e-06, -1.492425779206244e-05);
        V e4 = V.Fma(z, 1.1496512351222334e-08, -1.5947092884996687e-07);
        V e = V.Fma(z4, V.Fma(z4, e4, V.Fma(z2, e3, e2)), V.Fma(z2, e1, e0));
        return V.Fma(a, TwoOverSqrtPi, a * V.Fma(z, e, TwoOverSqrtPiTail));
    }

    // Not inlined: with it, one method would exceed the JIT's inlining budget, and every addition in it would become a call.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static V ErfLarge<V>(V a)
        where V : struct, ILanes<V>
    {
        V u = a - ErfCentre;
        V u2 = u * u;
        V u4 = u2 * u2;
        V u8 = u4 * u4;
        V g0 = V.Fma(u, 0.817478013258262, 2.3274627970734234);
        V g1 = V.Fma(u, -0.01200455388475174, 0.049811585983426436);
        V g2 = V.Fma(u, -0.00017029563498115955, 0.002213868987951564);
        V g3 = V.Fma(u, 4.651114200354839e-05, -8.071437616043596e-05);
        V g4 = V.Fma(u, 1.789955410088993e-06, -1.331392614394025e-05);
        V g5 = V.Fma(u, -3.6599408499960434e-07, 4.1605106285513144e-07);
        V g6 = V.Fma(u, -3.477119099207361e-08, 1.3754988071634198e-07);
        V g7 = V.Fma(u, -6.677361488107991e-10, 6.104982535693423e-09);
        V g8 = V.Fma(u, 4.988277161009232e-12, 2.29142732191467e-11);
        V g9 = V.Fma(u, 3.5719049102505374e-14, -7.667980489164062e-13);
        V low = V.Fma(u4, V.Fma(u2, g3, g2), V.Fma(u2, g1, g0));
        V middle = V.Fma(u4, V.Fma(u2, g7, g6), V.Fma(u2, g5, g4));
        V g = V.Fma(u8, V.Fma(u8, V.Fma(u2, g9, g8), middle), low);

        V part = u * g;
        V exponent = (V)MinusLogErfcCentre + part;
        V exponentTail = ((V)MinusLogErfcCentre - exponent) + part + MinusLogErfcCentreTail;
        ExpParts(-exponent, out V shifted, out V r, out V tail);
        V scale = PowerOfTwo(shifted);
        V head = (V)1.0 + r;
        V rest = ((V)1.0 - head) + r + V.Fma(-exponentTail, head + tail, tail);
        V complement = head * scale;
        V value = (V)1.0 - complement;
        return value + ((((V)1.0 - value) - complement) - (rest * scale));
    }

    private readonly struct ErfFunction : IFunction
    {
        public static double Of(double x) => Erf(x);

        public static V OfLanes<V>(V x)
            where V : struct, ILanes<V> => ErfLanes(x);
    }
}
