using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class InverseSigmoidTests
{
    [Fact]
    public void By_hand()
    {
        // Odds 1, 3 and 1/9; below 0 and above 1 clamped: ln of 1e-5 over 1 and the other way round.
        Tensor<double> y = InverseSigmoid.Forward(new OperatorContext(), Values.Of<double>([8], 0.5, 0.75, 0.1, 0, 1, -3, 7, double.NaN));
        Assert.Equal(
            [0, 1.0986122886681098, -2.1972245773362196, -11.512925464970229, 11.512925464970229, -11.512925464970229, 11.512925464970229],
            y.AsSpan()[..7].ToArray(), (a, b) => Math.Abs(a - b) < 1e-14);
        Assert.True(double.IsNaN(y[7]));
    }

    [Fact]
    public void By_hand_epsilon_holds_each_side_by_itself()
    {
        // 0.1 raised to 1/4 against 0.9, not clamped to 3/4: the original's two clamps.
        Tensor<double> y = InverseSigmoid.Forward(new OperatorContext(), Values.Of<double>([2], 0.1, 0.9), epsilon: 0.25);
        Assert.Equal(-1.2809338454620642, y[0], 1e-15);
        Assert.Equal(1.2809338454620642, y[1], 1e-15);
    }

    [Fact]
    public void It_agrees_with_the_difference_of_two_logarithms()
    {
        Cases.Check(60, [new Axis(1, 70)], Law<float>);
        Cases.Check(60, [new Axis(1, 70)], Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            // Around [0, 1], on the borders, and close to both epsilons.
            Tensor<T> x = Values.Draw<T>(c.Random(), c.Family, c.Sizes);
            x = Values.Of<T>(x.Shape, [.. x.Doubles().Select((v, i) => i % 4 == 0 ? 1e-5 * (1 + v) : i % 4 == 1 ? 1 - (1e-5 * (1 + v)) : (v + 1) / 2)]);
            foreach (double epsilon in new[] { 1e-5, 1e-3 })
            {
                DoubleDouble[] exact = [.. x.Doubles().Select(v => Functions.InverseSigmoid(v, epsilon))];
                double[] noise = [.. exact.Select(v => 4 * Bound.InDouble * (1 + Math.Abs(v.High)))];
                Tensor<T> y = InverseSigmoid.Forward(new OperatorContext(), x, epsilon);
                Comparison.RoundedOnce(x.Shape, exact, noise, y);
                Comparison.SameBits(y, InverseSigmoid.Forward(new OperatorContext(Kernels.Simd, 2), x, epsilon));
            }
        }
    }

    [Fact]
    public void It_is_odd_around_one_half_and_increasing()
    {
        Tensor<double> x = Values.Of<double>([1025], [.. Enumerable.Range(0, 1025).Select(i => i / 1024.0)]);
        double[] y = InverseSigmoid.Forward(new OperatorContext(), x).Doubles();
        for (int i = 0; i <= 1024; i++)
        {
            Assert.Equal(-y[1024 - i], y[i], 1e-14);
            Assert.True(i == 0 || y[i] > y[i - 1]);
        }
    }
}
