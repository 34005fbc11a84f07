using System.Numerics;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class ReluTests
{
    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand(Kernels kernels)
    {
        Tensor<float> x = Values.Of<float>([2, 3], -1, 0, 2.5, double.NegativeInfinity, double.PositiveInfinity, -1e-40);
        Tensor<float> y = Relu.Forward(new OperatorContext(kernels), x);
        Assert.Equal([2, 3], y.Shape);
        Assert.Equal([0, 0, 2.5f, 0, float.PositiveInfinity, 0], y.AsSpan().ToArray());
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void NaN_stays_and_minus_zero_becomes_zero(Kernels kernels)
    {
        // At every place of a vector and behind its end.
        for (int length = 1; length <= 33; length++)
        {
            Tensor<float> x = Values.Of<float>([length], [.. Enumerable.Repeat(-0.0, length)]);
            x[length - 1] = float.NaN;
            Tensor<float> y = Relu.Forward(new OperatorContext(kernels), x);
            Assert.True(float.IsNaN(y[length - 1]));
            Comparison.SameBits<float>(new float[length - 1], y.AsSpan()[..^1]);
        }
    }

    [Fact]
    public void Both_bodies_are_the_mean_of_a_number_and_its_magnitude()
    {
        Cases.Check(100, [new Axis(1, 9), new Axis(1, 600)], Law<float>);
        Cases.Check(100, [new Axis(1, 9), new Axis(1, 600)], Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Tensor<T> x = Values.Draw<T>(c.Random(), c.Family, c.Sizes);
            Tensor<T> expected = Values.Of<T>(x.Shape, [.. x.Doubles().Select(v => (v + Math.Abs(v)) / 2)]);
            Comparison.SameBits(expected, Relu.Forward(new OperatorContext(), x), "Textbook");
            Comparison.SameBits(expected, Relu.Forward(new OperatorContext(Kernels.Simd), x), "Simd");
        }
    }

    [Fact]
    public void Simd_gives_the_same_bits_for_every_number_of_threads()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 333, 511);
        Comparison.SameBitsForThreads(context => Relu.Forward(context, x));
    }

    [Fact]
    public void Twice_is_once_and_the_input_is_not_changed()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 100);
        Tensor<float> copy = x.Clone();
        OperatorContext context = new(Kernels.Simd);
        Tensor<float> y = Relu.Forward(context, x);
        Comparison.SameBits(y, Relu.Forward(context, y));
        Comparison.SameBits(copy, x);
    }
}
