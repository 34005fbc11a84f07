using DeformDetr.Independent;

namespace DeformDetr.Tensors.Tests.Support;

// The truth that other tests judge by, judged itself by identities and by constants to 32 digits (high part, low part).
public class DoubleDoubleTests
{
    [Fact]
    public void E_and_logarithms_and_erf_have_32_digits()
    {
        Close(new(2.718281828459045, 1.4456468917292502e-16), DoubleDouble.Exp(1.0));
        Close(DoubleDouble.Ln2, DoubleDouble.Log(2.0));
        Close(new(2.302585092994046, -2.1707562233822494e-16), DoubleDouble.Log(10.0));
        Close(new(1.4142135623730951, -9.667293313452913e-17), DoubleDouble.Sqrt(2.0));
    }

    [Theory]
    [InlineData(1e-9)]
    [InlineData(0.3)]
    [InlineData(-7.25)]
    [InlineData(300.0)]
    public void Exp_of_a_sum_is_the_product_and_log_undoes_it(double x)
    {
        Close(DoubleDouble.Exp((DoubleDouble)x + 0.7), DoubleDouble.Exp(x) * DoubleDouble.Exp(0.7));
        Assert.True(DoubleDouble.Abs(DoubleDouble.Log(DoubleDouble.Exp(x)) - x).High < 1e-27 * Math.Max(1, Math.Abs(x)));
    }

    [Fact]
    public void Erf_is_odd_has_its_slope_at_zero_and_agrees_with_its_differential_equation()
    {
        Assert.Equal(-DoubleDouble.Erf(0.7), DoubleDouble.Erf(-0.7));

        // The integral of 2/sqrt(pi) e^(-t^2) from 1 to 1.5 by Gauss's five points on 64 parts.
        double[] nodes = [-0.9061798459386640, -0.5384693101056831, 0, 0.5384693101056831, 0.9061798459386640];
        double[] weights = [0.2369268850561891, 0.4786286704993665, 0.5688888888888889, 0.4786286704993665, 0.2369268850561891];
        DoubleDouble integral = 0.0;
        for (int part = 0; part < 64; part++)
        {
            for (int node = 0; node < 5; node++)
            {
                double t = 1 + ((part + ((1 + nodes[node]) / 2)) / 128);
                integral += DoubleDouble.Exp(-DoubleDouble.Product(t, t)) * (weights[node] / 256);
            }
        }

        integral = integral * 2.0 / DoubleDouble.Sqrt(DoubleDouble.Pi);
        Assert.True(DoubleDouble.Abs(DoubleDouble.Erf(1.5) - DoubleDouble.Erf(1.0) - integral).High < 1e-15);
    }

    [Fact]
    public void A_sum_keeps_what_double_loses()
    {
        DoubleDouble sum = (DoubleDouble)1e16 + 1.0 + 1e-10 - 1e16;
        Assert.Equal(1 + 1e-10, (double)sum);
        Assert.Equal(1e-20, (double)((DoubleDouble.Product(1 + 1e-10, 1 - 1e-10) - 1.0) * -1.0), 1e-25);
    }

    private static void Close(DoubleDouble expected, DoubleDouble actual) =>
        Assert.True(DoubleDouble.Abs(actual - expected).High <= Math.Abs(expected.High) * 1e-29, FormattableString.Invariant($"{actual}; expected {expected}"));
}
