using System.Numerics;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Tensors.Tests.Numerics;

public class ElementaryTests
{
    /// <summary>A prime, so that all fractions meet all exponents. 1 is every float there is (hours).</summary>
    private const uint FloatStride = 19_997;

    /// <summary>Of each function over doubles; a third of them random bits.</summary>
    private const int DoubleSamples = 100_000;

    private delegate void SpanFunction<T>(ReadOnlySpan<T> x, Span<T> y);

    [Theory]
    [InlineData("exp")]
    [InlineData("log")]
    [InlineData("sin")]
    [InlineData("cos")]
    [InlineData("tanh")]
    [InlineData("erf")]
    [InlineData("sigmoid")]
    public void Float_results_are_within_0_501_ulp_over_all_exponents_and_both_signs(string name)
    {
        Function function = Function.Named(name);
        double largest = 0.0;
        for (ulong bits = 0; bits <= uint.MaxValue; bits += FloatStride)
        {
            float x = BitConverter.UInt32BitsToSingle((uint)bits);
            double error = function.FloatError(x);
            if (!(error <= 0.501))
            {
                Assert.Fail(FormattableString.Invariant($"{name}({x:R}) is {function.Single(x):R}: {error:F4} ULP off"));
            }

            largest = Math.Max(largest, error);
        }

        // A reference that never differs at all would be no reference.
        Assert.InRange(largest, 0.49, 0.501);
    }

    [Theory]
    [InlineData("exp", 0.67, 800.0)]
    [InlineData("log", 0.56, 1e4)]
    [InlineData("sin", 0.72, 1e6)]
    [InlineData("cos", 0.72, 1e6)]
    [InlineData("tanh", 0.90, 25.0)]
    [InlineData("erf", 1.00, 7.0)]
    [InlineData("sigmoid", 0.67, 800.0)]
    public void Double_results_are_within_the_documented_ulp(string name, double allowed, double reach)
    {
        Function function = Function.Named(name);
        Random random = new(20_25);
        for (int sample = 0; sample < DoubleSamples; sample++)
        {
            double x = (sample % 3) switch
            {
                0 => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)),
                1 => ((random.NextDouble() * 2.0) - 1.0) * reach,
                _ => ((random.NextDouble() * 2.0) - 1.0) * 2.0,
            };
            double error = function.DoubleError(x);
            if (!(error <= allowed))
            {
                Assert.Fail(FormattableString.Invariant($"{name}({x:R}) is {function.Double(x):R}: {error:F4} ULP off"));
            }
        }
    }

    [Fact]
    public void Pow_is_within_the_documented_ulp()
    {
        Random random = new(7);
        for (int sample = 0; sample < DoubleSamples; sample++)
        {
            double x = (sample % 3) switch
            {
                0 => Math.Abs(BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue))),
                1 => random.NextDouble() * 2.0,
                _ => 10_000.0 * random.NextDouble(),
            };
            if (!double.IsFinite(x) || x == 0.0)
            {
                continue;
            }

            // Exponents that take the result over the whole range, subnormal results included.
            double y = ((random.NextDouble() * 2.0) - 1.0) * (sample % 2 == 0 ? 750.0 / Math.Max(Math.Abs(Elementary.Log(x)), 0.01) : 1.0);
            double error = Reference.Error(Elementary.Pow(x, y), Reference.Pow(x, y), 52, -1074);
            if (!(error <= 0.70))
            {
                Assert.Fail(FormattableString.Invariant($"pow({x:R}, {y:R}) is {Elementary.Pow(x, y):R}: {error:F4} ULP off"));
            }

            double single = Reference.Error(Elementary.Pow((float)x, (float)y), Reference.Pow((float)x, (float)y), 23, -149);
            if (float.IsNormal((float)x) && float.IsFinite((float)y) && !(single <= 0.501))
            {
                Assert.Fail(FormattableString.Invariant($"pow({(float)x:R}, {(float)y:R}) is {Elementary.Pow((float)x, (float)y):R}: {single:F4} ULP off"));
            }
        }
    }

    [Fact]
    public void Pow_of_whole_numbers_that_fit_is_exact()
    {
        for (int x = 1; x <= 40; x++)
        {
            double expected = 1.0;
            for (int y = 0; expected <= 9007199254740992.0; y++, expected *= x)
            {
                Assert.Equal(expected, Elementary.Pow(x, (double)y));
                Assert.Equal(y % 2 == 0 ? expected : -expected, Elementary.Pow(-x, (double)y));
                if (x == 1 && y > 50)
                {
                    break;
                }
            }
        }

        Assert.Equal(100.0, Elementary.Pow(10_000.0, 0.5));
        Assert.Equal(10.0f, Elementary.Pow(10_000.0f, 0.25f));
        for (int k = -1074; k < 1024; k++)
        {
            Assert.Equal(Math.ScaleB(1.0, k), Elementary.Pow(2.0, (double)k));
        }
    }

    [Theory]
    [InlineData("exp")]
    [InlineData("log")]
    [InlineData("sin")]
    [InlineData("cos")]
    [InlineData("erf")]
    [InlineData("sigmoid")]
    public void Vectors_of_every_width_hold_the_bits_of_the_scalar_in_every_lane(string name)
    {
        Function function = Function.Named(name);
        double[] x = [.. Boundaries(), .. RandomBits(20_000), .. Uniform(20_000, 30.0), .. Uniform(20_000, 1000.0)];
        Array.Resize(ref x, x.Length - (x.Length % 8));
        for (int i = 0; i < x.Length; i += 8)
        {
            Vector512<double> y512 = function.Wide(Vector512.Create(x.AsSpan(i)));
            for (int lane = 0; lane < 8; lane++)
            {
                double expected = function.Double(x[i + lane]);
                AssertSameBits(expected, y512[lane], name, x[i + lane]);
                AssertSameBits(expected, function.Middle(Vector256.Create(x.AsSpan(i + (lane & 4))))[lane & 3], name, x[i + lane]);
                AssertSameBits(expected, function.Narrow(Vector128.Create(x.AsSpan(i + (lane & 6))))[lane & 1], name, x[i + lane]);
            }
        }
    }

    [Theory]
    [InlineData("exp")]
    [InlineData("log")]
    [InlineData("sin")]
    [InlineData("cos")]
    [InlineData("erf")]
    [InlineData("sigmoid")]
    public void Span_elements_do_not_depend_on_length_or_offset_or_type(string name)
    {
        Function function = Function.Named(name);
        double[] x = [.. Boundaries(), .. Uniform(200, 20.0), .. RandomBits(50)];
        float[] singles = [.. x.Select(value => (float)value)];
        double[] y = new double[x.Length];
        float[] ySingle = new float[x.Length];
        foreach (int offset in (int[])[0, 1, 3, 7, 8, 13, 31])
        {
            for (int length = 0; length <= 70 && offset + length <= x.Length; length++)
            {
                Array.Fill(y, 123.0);
                Array.Fill(ySingle, 123.0f);
                function.Doubles(x.AsSpan(offset, length), y.AsSpan(offset));
                function.Singles(singles.AsSpan(offset, length), ySingle.AsSpan(offset));
                for (int i = 0; i < x.Length; i++)
                {
                    bool isInside = i >= offset && i < offset + length;
                    AssertSameBits(isInside ? function.Double(x[i]) : 123.0, y[i], name, x[i]);
                    AssertSameBits(isInside ? function.Single(singles[i]) : 123.0f, ySingle[i], name, singles[i]);
                }
            }
        }

        double[] inPlace = [.. x];
        function.Doubles(inPlace, inPlace);
        function.Doubles(x, y);
        Assert.Equal(y, inPlace);
        Assert.Throws<ArgumentException>(() => function.Doubles(x, new double[x.Length - 1]));
        Assert.Throws<ArgumentException>(() => function.Doubles(inPlace.AsSpan(0, 20), inPlace.AsSpan(1)));
    }

    [Fact]
    public void Special_values_are_those_of_the_table()
    {
        const double Inf = double.PositiveInfinity;
        const double Tiny = double.Epsilon;
        (string Name, double X, double Expected)[] table =
        [
            ("exp", 0.0, 1.0), ("exp", -0.0, 1.0), ("exp", Inf, Inf), ("exp", -Inf, 0.0), ("exp", 709.7827128933841, Inf), ("exp", 1e300, Inf),
            ("exp", 709.782712893384, 1.7976931348622732e308), ("exp", -745.1332191019411, Tiny), ("exp", -745.1332191019412, 0.0), ("exp", -1e300, 0.0),
            ("exp", Tiny, 1.0), ("exp", 1.0, Math.E),
            ("log", 1.0, 0.0), ("log", 0.0, -Inf), ("log", -0.0, -Inf), ("log", Inf, Inf), ("log", -Inf, double.NaN), ("log", -1.0, double.NaN), ("log", -Tiny, double.NaN),
            ("log", Tiny, -744.4400719213812), ("log", double.MaxValue, 709.782712893384),
            ("sin", 0.0, 0.0), ("sin", -0.0, -0.0), ("sin", Inf, double.NaN), ("sin", -Inf, double.NaN), ("sin", Tiny, Tiny), ("sin", -Tiny, -Tiny),
            ("sin", Math.PI, 1.2246467991473532e-16), ("sin", 1e22, -0.8522008497671888), ("sin", -1e22, 0.8522008497671888), ("sin", double.MaxValue, 0.004961954789184062),
            ("cos", 0.0, 1.0), ("cos", -0.0, 1.0), ("cos", Inf, double.NaN), ("cos", -Inf, double.NaN), ("cos", Tiny, 1.0), ("cos", 1e22, 0.523214785395139),
            ("cos", -1e22, 0.523214785395139), ("cos", Math.PI / 2, 6.123233995736766e-17), ("cos", double.MaxValue, -0.9999876894265599),

            // The double that comes closest to a multiple of π/2.
            ("cos", 6381956970095103.0 * Math.ScaleB(1.0, 797), -4.687165924254628e-19),
            ("tanh", 0.0, 0.0), ("tanh", -0.0, -0.0), ("tanh", Inf, 1.0), ("tanh", -Inf, -1.0), ("tanh", Tiny, Tiny), ("tanh", -Tiny, -Tiny), ("tanh", 1e300, 1.0), ("tanh", 20.0, 1.0),
            ("erf", 0.0, 0.0), ("erf", -0.0, -0.0), ("erf", Inf, 1.0), ("erf", -Inf, -1.0), ("erf", Tiny, Tiny), ("erf", -1e300, -1.0), ("erf", 6.0, 1.0), ("erf", -6.0, -1.0),
            ("sigmoid", 0.0, 0.5), ("sigmoid", -0.0, 0.5), ("sigmoid", Inf, 1.0), ("sigmoid", -Inf, 0.0), ("sigmoid", 1e300, 1.0), ("sigmoid", -1e300, 0.0), ("sigmoid", -750.0, 0.0),
            ("sigmoid", -745.0, Tiny), ("sigmoid", Tiny, 0.5), ("sigmoid", 40.0, 1.0),
        ];
        foreach ((string name, double x, double expected) in table)
        {
            AssertSameBits(expected, Function.Named(name).Double(x), name, x);
        }

        // Whatever NaN comes in, the same one comes out, as double and as float.
        foreach (string name in (string[])["exp", "log", "sin", "cos", "tanh", "erf", "sigmoid"])
        {
            foreach (ulong bits in (ulong[])[0x7FF8000000000000, 0xFFF8000000000000, 0x7FF0000000000001, 0xFFFFFFFFFFFFFFFF, 0x7FFABCDEF0000000])
            {
                AssertSameBits(double.NaN, Function.Named(name).Double(BitConverter.UInt64BitsToDouble(bits)), name, double.NaN);
                AssertSameBits(float.NaN, Function.Named(name).Single(BitConverter.UInt32BitsToSingle((uint)(bits >> 32) | 1)), name, double.NaN);
            }
        }
    }

    [Fact]
    public void Pow_special_values_are_those_of_ieee_754()
    {
        const double Inf = double.PositiveInfinity;
        const double NaN = double.NaN;
        (double X, double Y, double Expected)[] table =
        [
            (2.0, 0.0, 1.0), (NaN, 0.0, 1.0), (NaN, -0.0, 1.0), (Inf, 0.0, 1.0), (0.0, 0.0, 1.0), (1.0, NaN, 1.0), (1.0, Inf, 1.0), (1.0, -Inf, 1.0), (NaN, 1.0, NaN), (2.0, NaN, NaN),
            (-1.0, Inf, 1.0), (-1.0, -Inf, 1.0), (2.0, Inf, Inf), (2.0, -Inf, 0.0), (0.5, Inf, 0.0), (0.5, -Inf, Inf), (-2.0, Inf, Inf), (-0.5, Inf, 0.0),
            (0.0, 3.0, 0.0), (-0.0, 3.0, -0.0), (-0.0, 2.0, 0.0), (-0.0, 2.5, 0.0), (0.0, -3.0, Inf), (-0.0, -3.0, -Inf), (-0.0, -2.0, Inf), (0.0, Inf, 0.0), (0.0, -Inf, Inf),
            (Inf, 2.0, Inf), (Inf, -2.0, 0.0), (-Inf, 3.0, -Inf), (-Inf, 2.0, Inf), (-Inf, -3.0, -0.0), (-Inf, -2.0, 0.0), (-Inf, 0.5, Inf),
            (-2.0, 3.0, -8.0), (-2.0, 2.0, 4.0), (-2.0, 0.5, NaN), (-8.0, 1.0 / 3.0, NaN), (-2.0, -1.0, -0.5), (-2.0, 1e300, Inf), (-2.0, -1e300, 0.0), (-2.0, 1023.0, -8.98846567431158e307),
            (2.0, 1024.0, Inf), (-2.0, 1025.0, -Inf), (2.0, -1074.0, double.Epsilon), (2.0, -1075.0, 0.0), (2.0, -1074.9, double.Epsilon), (-2.0, -1077.0, -0.0), (10.0, 1e308, Inf), (0.1, 1e308, 0.0),
            (2.0, double.Epsilon, 1.0), (double.Epsilon, 1.0, double.Epsilon), (double.Epsilon, -1.0, Inf), (double.MaxValue, 1.0, double.MaxValue),
        ];
        foreach ((double x, double y, double expected) in table)
        {
            AssertSameBits(expected, Elementary.Pow(x, y), "pow " + y.ToString(System.Globalization.CultureInfo.InvariantCulture), x);
        }
    }

    [Fact]
    public void Exp_log_and_sigmoid_do_not_fall_across_their_breakpoints()
    {
        List<double> exp = [0.0, 708.0, -708.0, -708.3964185322641, -745.0, 709.0];
        List<double> log = [1.0, 2.2250738585072014e-308];
        List<double> sigmoid = [0.0, 600.0, -600.0, -708.0, -708.3964185322641, 36.7368];
        for (int k = -40; k <= 40; k++)
        {
            exp.Add((k + 0.5) * 0.6931471805599453);
            sigmoid.Add((k + 0.5) * 0.6931471805599453);
            log.Add(Math.ScaleB(0.7071067811865476, k));
            log.Add(Math.ScaleB(1.0, k));
        }

        foreach ((string name, List<double> points) in (ReadOnlySpan<(string, List<double>)>)[("exp", exp), ("log", log), ("sigmoid", sigmoid)])
        {
            Function function = Function.Named(name);
            foreach (double point in points)
            {
                double x = point;
                float single = (float)point;
                for (int step = 0; step < 200; step++)
                {
                    x = Math.BitDecrement(x);
                    single = MathF.BitDecrement(single);
                }

                for (int step = 0; step < 400; step++, x = Math.BitIncrement(x), single = MathF.BitIncrement(single))
                {
                    if (name == "log" && x <= 0.0)
                    {
                        continue;
                    }

                    bool isMonotone = function.Double(x) <= function.Double(Math.BitIncrement(x)) && !(function.Single(single) > function.Single(MathF.BitIncrement(single)));
                    if (!isMonotone)
                    {
                        Assert.Fail(FormattableString.Invariant($"{name} falls after {x:R} or {single:R}f"));
                    }
                }
            }
        }
    }

    [Fact]
    public void Sigmoid_keeps_its_relative_accuracy_far_below_zero()
    {
        Function function = Function.Named("sigmoid");
        for (double x = -745.2; x < -30.0; x += 0.0173)
        {
            Assert.InRange(function.DoubleError(x), 0.0, 0.67);
            Assert.True(x < -745.13 || function.Double(x) > 0.0);
        }
    }

    [Fact]
    public void Sine_and_cosine_stay_exact_near_multiples_of_half_pi_and_for_every_exponent()
    {
        Function sine = Function.Named("sin");
        Function cosine = Function.Named("cos");
        Random random = new(3);
        for (int exponent = -30; exponent < 1024; exponent++)
        {
            for (int sample = 0; sample < 8; sample++)
            {
                double x = Math.ScaleB(1.0 + random.NextDouble(), exponent) * (sample % 2 == 0 ? 1 : -1);
                Assert.InRange(sine.DoubleError(x), 0.0, 0.72);
                Assert.InRange(cosine.DoubleError(x), 0.0, 0.72);
            }
        }

        for (int k = -3000; k <= 3000; k++)
        {
            foreach (double around in (double[])[k * (Math.PI / 2), (k * 350_003.0) * (Math.PI / 2), (k + 0.5) * (Math.PI / 2)])
            {
                Assert.InRange(sine.DoubleError(around), 0.0, 0.72);
                Assert.InRange(cosine.DoubleError(around), 0.0, 0.72);
            }
        }
    }

    [Fact]
    public void Generic_front_doors_give_the_bits_of_the_double_and_float_functions()
    {
        foreach (double x in Uniform(500, 10.0))
        {
            float single = (float)x;
            foreach (Function function in Function.All)
            {
                AssertSameBits(function.Double(x), function.GenericDouble(x), function.Name, x);
                AssertSameBits(function.Single(single), function.GenericSingle(single), function.Name, x);
                AssertSameBits((float)function.Double(single), function.Single(single), function.Name, x);
            }

            AssertSameBits(Elementary.Pow(Math.Abs(x), 1.5), Elementary.Pow<double>(Math.Abs(x), 1.5), "pow", x);
            AssertSameBits(Elementary.Pow(Math.Abs(single), 1.5f), Elementary.Pow<float>(Math.Abs(single), 1.5f), "pow", x);
        }

        Assert.Equal((Half)Elementary.Exp(1.5), Elementary.Exp((Half)1.5));
    }

    [Fact]
    public void The_bits_of_all_functions_are_the_recorded_ones()
    {
        // One number for the bits of all results below. It was the same with AVX-512, AVX2, 128-bit vectors and no intrinsics at all, in Debug and Release.
        // It changes only where a definition changes; say so in the commit.
        const ulong Recorded = 0xD7830551483182BC;
        ulong state = 1;
        ulong digest = 0xCBF29CE484222325;
        double[] x = new double[4096];
        double[] y = new double[x.Length];
        float[] ySingle = new float[x.Length];
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < x.Length; i++)
            {
                state = (state * 6364136223846793005) + 1442695040888963407;
                double unit = (state >> 11) * Math.ScaleB(1.0, -53);
                x[i] = round switch
                {
                    0 => BitConverter.UInt64BitsToDouble(state),
                    1 => (unit - 0.5) * 20.0,
                    _ => (unit - 0.5) * 2_000_000.0,
                };
            }

            float[] singles = [.. x.Select(value => (float)value)];
            foreach (Function function in Function.All)
            {
                Array.Clear(y);
                function.Doubles(x, y);
                function.Singles(singles, ySingle);
                for (int i = 0; i < x.Length; i++)
                {
                    Mix(BitConverter.DoubleToUInt64Bits(y[i]));
                    Mix(BitConverter.SingleToUInt32Bits(ySingle[i]));
                    Mix(BitConverter.DoubleToUInt64Bits(function.Double(x[i])));
                    Mix(BitConverter.DoubleToUInt64Bits(Elementary.Pow(Math.Abs(x[i]), x[^(i + 1)] * 1e-3)));
                }
            }
        }

        Assert.Equal(Recorded, digest);

        void Mix(ulong bits) => digest = BitOperations.RotateLeft((digest ^ bits) * 0x100000001B3, 29);
    }

    private static void AssertSameBits(double expected, double actual, string name, double x)
    {
        if (BitConverter.DoubleToInt64Bits(expected) != BitConverter.DoubleToInt64Bits(actual))
        {
            Assert.Fail(FormattableString.Invariant($"{name}({x:R}): expected {expected:R}, got {actual:R}"));
        }
    }

    private static double[] Boundaries()
    {
        double[] points =
        [
            0.0, double.Epsilon, 2.225073858507201e-308, 2.2250738585072014e-308, 1e-300, 3.725290298461914e-09, 7.450580596923828e-09, 0.25, 0.34657359027997264, 0.5, 0.7071067811865476, 0.75,
            0.7853981633974483, 1.0, 1.4142135623730951, 1.5707963267948966, 2.0, Math.PI, 6.0, 20.0, 36.0, 600.0, 708.0, 708.3964185322641, 709.0, 709.782712893384, 710.0, 745.1332191019412, 746.0,
            1e6, 1073741824.0, 1e15, 4503599627370496.0, 1e22, 1e300, double.MaxValue, double.PositiveInfinity, double.NaN,
        ];
        List<double> all = [];
        foreach (double point in points)
        {
            foreach (double value in (double[])[point, Math.BitIncrement(point), Math.BitDecrement(point)])
            {
                all.Add(value);
                all.Add(-value);
            }
        }

        return [.. all];
    }

    private static double[] RandomBits(int count)
    {
        Random random = new(11);
        return [.. Enumerable.Range(0, count).Select(_ => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)))];
    }

    private static double[] Uniform(int count, double reach)
    {
        Random random = new(12);
        return [.. Enumerable.Range(0, count).Select(_ => ((random.NextDouble() * 2.0) - 1.0) * reach)];
    }

    /// <summary>One function in all its forms, with its reference.</summary>
    private sealed class Function
    {
        public static readonly Function[] All =
        [
            new()
            {
                Name = "exp", Double = Elementary.Exp, Single = Elementary.Exp, GenericDouble = Elementary.Exp<double>, GenericSingle = Elementary.Exp<float>, Wide = Elementary.Exp,
                Middle = Elementary.Exp, Narrow = Elementary.Exp, Doubles = Elementary.Exp<double>, Singles = Elementary.Exp<float>, Exact = Reference.Exp,
            },
            new()
            {
                Name = "log", Double = Elementary.Log, Single = Elementary.Log, GenericDouble = Elementary.Log<double>, GenericSingle = Elementary.Log<float>, Wide = Elementary.Log,
                Middle = Elementary.Log, Narrow = Elementary.Log, Doubles = Elementary.Log<double>, Singles = Elementary.Log<float>, Exact = Reference.Log,
            },
            new()
            {
                Name = "sin", Double = Elementary.Sin, Single = Elementary.Sin, GenericDouble = Elementary.Sin<double>, GenericSingle = Elementary.Sin<float>, Wide = Elementary.Sin,
                Middle = Elementary.Sin, Narrow = Elementary.Sin, Doubles = Elementary.Sin<double>, Singles = Elementary.Sin<float>, Exact = x => Reference.Sine(x, 0),
            },
            new()
            {
                Name = "cos", Double = Elementary.Cos, Single = Elementary.Cos, GenericDouble = Elementary.Cos<double>, GenericSingle = Elementary.Cos<float>, Wide = Elementary.Cos,
                Middle = Elementary.Cos, Narrow = Elementary.Cos, Doubles = Elementary.Cos<double>, Singles = Elementary.Cos<float>, Exact = x => Reference.Sine(x, 1),
            },
            new()
            {
                Name = "erf", Double = Elementary.Erf, Single = Elementary.Erf, GenericDouble = Elementary.Erf<double>, GenericSingle = Elementary.Erf<float>, Wide = Elementary.Erf,
                Middle = Elementary.Erf, Narrow = Elementary.Erf, Doubles = Elementary.Erf<double>, Singles = Elementary.Erf<float>, Exact = Reference.Erf,
            },
            new()
            {
                Name = "sigmoid", Double = Elementary.Sigmoid, Single = Elementary.Sigmoid, GenericDouble = Elementary.Sigmoid<double>, GenericSingle = Elementary.Sigmoid<float>,
                Wide = Elementary.Sigmoid, Middle = Elementary.Sigmoid, Narrow = Elementary.Sigmoid, Doubles = Elementary.Sigmoid<double>, Singles = Elementary.Sigmoid<float>,
                Exact = Reference.Sigmoid,
            },
            new()
            {
                Name = "tanh", Double = Elementary.Tanh, Single = Elementary.Tanh, GenericDouble = Elementary.Tanh<double>, GenericSingle = Elementary.Tanh<float>, Exact = Reference.Tanh,
            },
        ];

        public required string Name { get; init; }

        public required Func<double, double> Double { get; init; }

        public required Func<float, float> Single { get; init; }

        public required Func<double, double> GenericDouble { get; init; }

        public required Func<float, float> GenericSingle { get; init; }

        public Func<Vector512<double>, Vector512<double>> Wide { get; init; } = x => x;

        public Func<Vector256<double>, Vector256<double>> Middle { get; init; } = x => x;

        public Func<Vector128<double>, Vector128<double>> Narrow { get; init; } = x => x;

        public SpanFunction<double> Doubles { get; init; } = (_, _) => { };

        public SpanFunction<float> Singles { get; init; } = (_, _) => { };

        public required Func<double, (DoubleDouble Value, int Scale)?> Exact { get; init; }

        public static Function Named(string name) => All.Single(function => function.Name == name);

        public double DoubleError(double x) => Exact(x) is { } exact ? Reference.Error(Double(x), exact, 52, -1074) : double.IsNaN(Double(x)) ? 0.0 : 1e9;

        public double FloatError(float x) => Exact(x) is { } exact ? Reference.Error(Single(x), exact, 23, -149) : float.IsNaN(Single(x)) ? 0.0 : 1e9;
    }

    /// <summary>Two doubles, about 104 bits. Its arithmetic is the usual one (Dekker, Knuth) and shares nothing with the product.</summary>
    private readonly record struct DoubleDouble(double Head, double Tail)
    {
        public static implicit operator DoubleDouble(double value) => new(value, 0.0);

        public static DoubleDouble operator -(DoubleDouble a) => new(-a.Head, -a.Tail);

        public static DoubleDouble operator +(DoubleDouble a, DoubleDouble b)
        {
            (double head, double rest) = Sum(a.Head, b.Head);
            (double tail, double tailRest) = Sum(a.Tail, b.Tail);
            (head, rest) = Sum(head, rest + tail);
            (head, rest) = Sum(head, rest + tailRest);
            return new(head, rest);
        }

        public static DoubleDouble operator -(DoubleDouble a, DoubleDouble b) => a + (-b);

        public static DoubleDouble operator *(DoubleDouble a, DoubleDouble b)
        {
            double head = a.Head * b.Head;
            double tail = Math.FusedMultiplyAdd(a.Head, b.Head, -head) + ((a.Head * b.Tail) + (a.Tail * b.Head));
            (head, tail) = Sum(head, tail);
            return new(head, tail);
        }

        public static DoubleDouble operator /(DoubleDouble a, DoubleDouble b)
        {
            double first = a.Head / b.Head;
            DoubleDouble rest = a - (b * first);
            double second = rest.Head / b.Head;
            rest -= b * second;
            return ((DoubleDouble)first + second) + (rest.Head / b.Head);
        }

        /// <summary>Times a power of two.</summary>
        public DoubleDouble Times(double power) => new(Head * power, Tail * power);

        private static (double Head, double Tail) Sum(double a, double b)
        {
            double sum = a + b;
            double back = sum - a;
            return (sum, (a - (sum - back)) + (b - back));
        }
    }

    /// <summary>The functions as value · 2^scale, to about 95 bits, by series; null stands for NaN.</summary>
    private static class Reference
    {
        private const int PiBits = 1500;

        // Constants are made here from integers, so that a wrong digit in the product's cannot repeat itself: Machin's formula and log 2 = sum of 1 / (n · 2^n).
        private static readonly BigInteger Pi = 4 * ((4 * ArcTangentOfInverse(5)) - ArcTangentOfInverse(239)) >> 64;
        private static readonly DoubleDouble Ln2Head = ToDoubleDouble(Ln2Integer(), 256);
        private static readonly double Ln2Third = ToDoubleDouble(Ln2Integer() - ToInteger(Ln2Head, 256), 256).Head;
        private static readonly DoubleDouble[] InverseFactorials = MakeInverseFactorials();
        private static readonly DoubleDouble[] InverseOdd = [.. Enumerable.Range(0, 40).Select(n => (DoubleDouble)1.0 / (double)((2 * n) + 1))];
        private static readonly DoubleDouble TwoOverSqrtPi = MakeTwoOverSqrtPi();

        /// <summary>|got - exact| in units in the last place of a format with this many fraction bits and this smallest exponent.</summary>
        public static double Error(double got, (DoubleDouble Value, int Scale)? exact, int fractionBits, int smallest)
        {
            if (exact is not { } reference)
            {
                return double.IsNaN(got) ? 0.0 : 1e9;
            }

            (DoubleDouble value, int scale) = reference;
            if (value.Head == 0.0)
            {
                return got == 0.0 ? 0.0 : 1e9;
            }

            int exponent = Math.ILogB(value.Head) + scale;
            int unit = Math.Max(exponent - fractionBits, smallest);

            // An infinity is right where the value is too large, and elsewhere stands for the first number that the format cannot hold.
            int top = fractionBits == 52 ? 1024 : 128;
            if (double.IsInfinity(got) && exponent >= top)
            {
                return double.IsNegative(got) == double.IsNegative(value.Head) ? 0.0 : 1e9;
            }

            double scaled = double.IsInfinity(got) ? Math.CopySign(Math.ScaleB(1.0, top - scale), got) : Math.ScaleB(Math.ScaleB(got, -scale / 2), -scale - (-scale / 2));
            double difference = (scaled - value.Head) - value.Tail;
            return double.IsNaN(got) ? 1e9 : Math.Abs(difference) * Math.ScaleB(1.0, scale - unit);
        }

        public static (DoubleDouble Value, int Scale)? Exp(double x) => double.IsNaN(x) ? null : ExpOf(x);

        public static (DoubleDouble Value, int Scale)? Pow(double x, double y)
        {
            if (LogOf(x) is not { } log)
            {
                return null;
            }

            double head = log.Head * y;
            return Math.Abs(head) > 1e5 ? ExpOf(head) : ExpOf(log * y);
        }

        public static (DoubleDouble Value, int Scale)? Log(double x) =>
            double.IsNaN(x) || x < 0.0 ? null
            : x == 0.0 ? (-1.0, 4000)
            : double.IsInfinity(x) ? (1.0, 4000)
            : (LogOf(x)!.Value, 0);

        public static (DoubleDouble Value, int Scale)? Sine(double x, int quadrant)
        {
            if (!double.IsFinite(x))
            {
                return null;
            }

            DoubleDouble r = x;
            int scale = 0;
            if (Math.Abs(x) >= 0.5)
            {
                // x - k · π/2 with so many bits of π that 180 remain behind the leading bits of x.
                int exponent = Math.ILogB(x) - 52;
                int bits = Math.Max(exponent, 0) + 53 + 180;
                BigInteger integer = new BigInteger(Math.ScaleB(x, -exponent)) << (bits + exponent);
                BigInteger halfPi = Pi >> (PiBits - bits + 1);
                BigInteger twice = (2 * integer) + halfPi;
                BigInteger k = BigInteger.Divide(twice - (twice.Sign < 0 ? (2 * halfPi) - 1 : 0), 2 * halfPi);
                r = ToDoubleDouble(integer - (k * halfPi), bits);
                quadrant += (int)(k & 3);
            }
            else if (Math.Abs(x) < 1e-150)
            {
                // Below the reach of double-double arithmetic: sin x = x, cos x = 1 to any precision that matters.
                int exponent = x == 0.0 ? 0 : Math.ILogB(x);
                scale = quadrant % 2 == 0 ? exponent : 0;
                return (quadrant % 2 == 0 ? Math.ScaleB(x, -exponent) : 1.0, scale);
            }

            DoubleDouble z = r * r;
            DoubleDouble sum = 0.0;
            int parity = quadrant & 1;
            for (int n = 13; n >= 0; n--)
            {
                sum = InverseFactorials[(2 * n) + 1 - parity] - (sum * z);
            }

            sum = parity == 0 ? sum * r : sum;
            return ((quadrant & 2) == 0 ? sum : -sum, scale);
        }

        public static (DoubleDouble Value, int Scale)? Tanh(double x)
        {
            if (double.IsNaN(x))
            {
                return null;
            }

            if (Math.Abs(x) > 60.0)
            {
                return (Math.CopySign(1.0, x), 0);
            }

            if (Math.Abs(x) < 1e-150)
            {
                return Sine(x, 0);
            }

            if (Math.Abs(x) < 0.5)
            {
                DoubleDouble z = (DoubleDouble)x * x;
                DoubleDouble sinh = 0.0;
                DoubleDouble cosh = 0.0;
                for (int n = 13; n >= 0; n--)
                {
                    sinh = InverseFactorials[(2 * n) + 1] + (sinh * z);
                    cosh = InverseFactorials[2 * n] + (cosh * z);
                }

                return (sinh * x / cosh, 0);
            }

            (DoubleDouble value, int scale) = ExpOf(2.0 * x);
            DoubleDouble e = value.Times(Math.ScaleB(1.0, scale));
            return ((e - 1.0) / (e + 1.0), 0);
        }

        public static (DoubleDouble Value, int Scale)? Erf(double x)
        {
            if (double.IsNaN(x))
            {
                return null;
            }

            if (Math.Abs(x) > 8.0)
            {
                return (Math.CopySign(1.0, x), 0);
            }

            int scale = 0;
            if (Math.Abs(x) < 1e-100)
            {
                scale = x == 0.0 ? 0 : Math.ILogB(x);
                return (TwoOverSqrtPi * Math.ScaleB(x, -scale), scale);
            }

            // erf x = 2/sqrt(π) · e^-x² · x · sum of (2x²)^n / (1 · 3 · 5 … (2n + 1)): all terms positive, nothing cancels.
            DoubleDouble square = (DoubleDouble)x * x;
            DoubleDouble term = x;
            DoubleDouble sum = x;
            for (int n = 1; Math.Abs(term.Head) > Math.Abs(sum.Head) * 1e-32; n++)
            {
                term = term * square.Times(2.0) * (n < InverseOdd.Length ? InverseOdd[n] : (DoubleDouble)1.0 / (double)((2 * n) + 1));
                sum += term;
            }

            (DoubleDouble e, int power) = ExpOf(-square);
            return (TwoOverSqrtPi * sum * e.Times(Math.ScaleB(1.0, power)), 0);
        }

        public static (DoubleDouble Value, int Scale)? Sigmoid(double x)
        {
            if (double.IsNaN(x))
            {
                return null;
            }

            (DoubleDouble value, int scale) = ExpOf(-Math.Abs(x));
            DoubleDouble one = (DoubleDouble)1.0 + (scale < -300 ? 0.0 : value.Times(Math.ScaleB(1.0, scale)));
            return x >= 0.0 ? ((DoubleDouble)1.0 / one, 0) : (value / one, scale);
        }

        private static (DoubleDouble Value, int Scale) ExpOf(DoubleDouble x)
        {
            if (Math.Abs(x.Head) > 3000.0)
            {
                return (1.0, x.Head > 0.0 ? 4000 : -4000);
            }

            int k = (int)Math.Round(x.Head / Ln2Head.Head);
            DoubleDouble r = x - ((DoubleDouble)Ln2Head.Head * k) - ((DoubleDouble)Ln2Head.Tail * k) - (Ln2Third * k);
            r = r.Times(1.0 / 64.0);
            DoubleDouble sum = 0.0;
            for (int n = 13; n >= 1; n--)
            {
                sum = InverseFactorials[n] + (sum * r);
            }

            // (1 + s)² - 1 = s · (2 + s), six times.
            sum *= r;
            for (int doubling = 0; doubling < 6; doubling++)
            {
                sum *= sum + 2.0;
            }

            return (sum + 1.0, k);
        }

        private static DoubleDouble? LogOf(double x)
        {
            if (double.IsNaN(x) || x <= 0.0)
            {
                return null;
            }

            int exponent = Math.ILogB(x);
            double m = Math.ScaleB(Math.ScaleB(x, -exponent / 2), -exponent - (-exponent / 2));
            if (m > 1.4)
            {
                m *= 0.5;
                exponent++;
            }

            DoubleDouble s = ((DoubleDouble)m - 1.0) / ((DoubleDouble)m + 1.0);
            DoubleDouble w = s * s;
            DoubleDouble sum = 0.0;
            for (int n = 23; n >= 0; n--)
            {
                sum = InverseOdd[n] + (sum * w);
            }

            return (s * sum).Times(2.0) + ((DoubleDouble)Ln2Head.Head * exponent) + ((DoubleDouble)Ln2Head.Tail * exponent);
        }

        private static BigInteger ArcTangentOfInverse(int inverse)
        {
            BigInteger power = (BigInteger.One << (PiBits + 64)) / inverse;
            BigInteger sum = power;
            for (int n = 1; !power.IsZero; n++)
            {
                power /= -inverse * inverse;
                sum += power / ((2 * n) + 1);
            }

            return sum;
        }

        private static BigInteger Ln2Integer()
        {
            BigInteger sum = 0;
            for (int n = 1; n <= 320; n++)
            {
                sum += (BigInteger.One << (320 - n)) / n;
            }

            return sum >> 64;
        }

        private static DoubleDouble[] MakeInverseFactorials()
        {
            DoubleDouble[] inverse = new DoubleDouble[32];
            DoubleDouble factorial = 1.0;
            for (int n = 0; n < inverse.Length; n++)
            {
                factorial *= Math.Max(n, 1);
                inverse[n] = (DoubleDouble)1.0 / factorial;
            }

            return inverse;
        }

        private static DoubleDouble MakeTwoOverSqrtPi()
        {
            // Newton on 2 / sqrt(π), from the double.
            DoubleDouble pi = ToDoubleDouble(Pi, PiBits);
            DoubleDouble root = Math.Sqrt(pi.Head);
            root = (root + (pi / root)).Times(0.5);
            root = (root + (pi / root)).Times(0.5);
            return (DoubleDouble)2.0 / root;
        }

        /// <summary>integer · 2^-bits.</summary>
        private static DoubleDouble ToDoubleDouble(BigInteger integer, int bits)
        {
            if (integer.IsZero)
            {
                return 0.0;
            }

            int shift = (int)BigInteger.Abs(integer).GetBitLength() - 106;
            BigInteger top = shift > 0 ? integer >> shift : integer << -shift;
            double head = (double)(top >> 53);
            double tail = (double)(top - ((top >> 53) << 53));
            return ((DoubleDouble)Math.ScaleB(head, shift + 53 - bits)) + Math.ScaleB(tail, shift - bits);
        }

        private static BigInteger ToInteger(DoubleDouble value, int bits) =>
            (new BigInteger(Math.ScaleB(value.Head, 100)) << (bits - 100)) + ((BigInteger)Math.ScaleB(value.Tail, 200) << (bits - 200));
    }
}
