using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class SigmoidTests
{
    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand(Kernels kernels)
    {
        // ln 3 has odds 3 to 1, ln 9 odds 9 to 1.
        Tensor<double> y = Sigmoid.Forward(
            new OperatorContext(kernels), Values.Of<double>([6], 0, 1.0986122886681098, -2.1972245773362196, double.PositiveInfinity, double.NegativeInfinity, double.NaN));
        Assert.Equal([0.5, 0.75, 0.1], y.AsSpan()[..3].ToArray(), (a, b) => Math.Abs(a - b) < 1e-16);
        Assert.Equal([1, 0, double.NaN], y.AsSpan()[3..].ToArray());
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
            Comparison.SameBits(Sigmoid.Forward(new OperatorContext(), x), Sigmoid.Forward(new OperatorContext(Kernels.Simd), x));
        }
    }

    [Fact]
    public void Simd_gives_the_same_bits_for_every_number_of_threads()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 333, 511);
        Comparison.SameBitsForThreads(context => Sigmoid.Forward(context, x));
    }

    [Fact]
    public void A_number_and_its_negative_add_up_to_one()
    {
        Tensor<double> x = Values.Draw<double>(new Random(1), 1000);
        Tensor<double> negative = Values.Of<double>(x.Shape, [.. x.Doubles().Select(v => -v)]);
        OperatorContext context = new(Kernels.Simd);
        Tensor<double> sum = Add.Forward(context, Sigmoid.Forward(context, x), Sigmoid.Forward(context, negative));
        Comparison.Close(Values.Of<double>(x.Shape, [.. Enumerable.Repeat(1.0, 1000)]), Bound.All(1000, 2 * Bound.InDouble), sum);
    }

    [Fact]
    public void InverseSigmoid_undoes_it()
    {
        Tensor<double> x = Values.Draw<double>(new Random(1), 1000);
        OperatorContext context = new();
        Comparison.Close(x, Bound.All(1000, 1e-14), InverseSigmoid.Forward(context, Sigmoid.Forward(context, x)));
    }

    private static void Agrees<T>(Case c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Agrees(Values.Draw<T>(c.Random(), c.Family, c.Sizes));

    private static void Agrees<T>(Tensor<T> x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double[] values = x.Doubles();
        DoubleDouble[] exact = [.. values.Select(Functions.Sigmoid)];
        double[] noise = [.. exact.Select(v => (2 * Bound.InDouble * v.High) + double.Epsilon)];
        Comparison.RoundedOnce(x.Shape, exact, noise, Sigmoid.Forward(new OperatorContext(), x), "Textbook");
        Comparison.RoundedOnce(x.Shape, exact, noise, Sigmoid.Forward(new OperatorContext(Kernels.Simd), x), "Simd");
    }
}
