using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class GeluTests
{
    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand(Kernels kernels)
    {
        // The normal distribution's Φ(0) = 1/2, Φ(1) = 0.8413447460685429, Φ(2) = 0.9772498680518208.
        Tensor<double> y = Gelu.Forward(new OperatorContext(kernels), Values.Of<double>([6], 0, 1, -1, 2, double.PositiveInfinity, double.NaN));
        Assert.Equal([0, 0.8413447460685429, 0.8413447460685429 - 1, 2 * 0.9772498680518208], y.AsSpan()[..4].ToArray(), (a, b) => Math.Abs(a - b) < 1e-15);
        Assert.Equal([double.PositiveInfinity, double.NaN], y.AsSpan()[4..].ToArray());
    }

    [Fact]
    public void Both_bodies_agree_with_series()
    {
        Cases.Check(40, [new Axis(1, 3), new Axis(1, 70)], Agrees<float>);
        Cases.Check(40, [new Axis(1, 3), new Axis(1, 70)], Agrees<double>);
    }

    [Fact]
    public void Both_bodies_agree_with_series_at_every_small_length_and_far_out()
    {
        for (int length = 0; length <= 49; length++)
        {
            double[] spread = [.. Enumerable.Range(0, length).Select(i => (i - 20) * 0.37)];
            Agrees(Values.Of<float>([length], spread));
            Agrees(Values.Of<double>([length], spread));
        }

        Agrees(Values.Of<float>([6], -90, -30, -12, 12, 30, 90));
        Agrees(Values.Of<double>([6], -720, -300, -40, 40, 300, 720));
    }

    [Fact]
    public void Simd_has_the_bits_of_Textbook()
    {
        Cases.Check(100, [new Axis(1, 4), new Axis(1, 1100)], Law<float>);
        Cases.Check(100, [new Axis(1, 4), new Axis(1, 1100)], Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Tensor<T> x = Values.Draw<T>(c.Random(), c.Family, c.Sizes);
            Comparison.SameBits(Gelu.Forward(new OperatorContext(), x), Gelu.Forward(new OperatorContext(Kernels.Simd), x));
        }
    }

    [Fact]
    public void Simd_gives_the_same_bits_for_every_number_of_threads()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 333, 511);
        Comparison.SameBitsForThreads(context => Gelu.Forward(context, x));
    }

    [Fact]
    public void The_difference_of_a_number_and_its_negative_is_the_number()
    {
        // x Φ(x) + x Φ(-x) = x, which no error in erf's even part survives.
        Tensor<double> x = Values.Draw<double>(new Random(1), 1000);
        Tensor<double> negative = Values.Of<double>(x.Shape, [.. x.Doubles().Select(v => -v)]);
        OperatorContext context = new(Kernels.Simd);
        double[] plus = Gelu.Forward(context, x).Doubles();
        double[] minus = Gelu.Forward(context, negative).Doubles();
        Comparison.Close(x, Bound.All(1000, 1e-15), Values.Of<double>(x.Shape, [.. plus.Zip(minus, (a, b) => a - b)]));
    }

    private static void Agrees<T>(Case c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Agrees(Values.Draw<T>(c.Random(), c.Family, c.Sizes));

    private static void Agrees<T>(Tensor<T> x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double[] values = x.Doubles();
        DoubleDouble[] exact = [.. values.Select(Functions.Gelu)];

        // 1 + erf loses digits where erf is near -1: the error is that of 1, times |x| / 2. (The original's float32 is 0 from -5.6 on.)
        double[] noise = [.. values.Select(v => 4 * Bound.InDouble * Math.Abs(v))];
        Comparison.RoundedOnce(x.Shape, exact, noise, Gelu.Forward(new OperatorContext(), x), "Textbook");
        Comparison.RoundedOnce(x.Shape, exact, noise, Gelu.Forward(new OperatorContext(Kernels.Simd), x), "Simd");
    }
}
