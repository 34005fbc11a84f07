using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class LinspaceTests
{
    private static readonly OperatorContext Context = new();

    [Fact]
    public void By_hand()
    {
        Assert.Equal([0.5f, 1.5f, 2.5f, 3.5f], Linspace.Forward<float>(Context, 0.5, 3.5, 4).AsSpan().ToArray());
        Assert.Equal([3.0, 1, -1], Linspace.Forward<double>(Context, 3, -1, 3).AsSpan().ToArray());
        Assert.Equal([7.0], Linspace.Forward<double>(Context, 7, 9, 1).AsSpan().ToArray());
        Assert.Equal([0], Linspace.Forward<double>(Context, 7, 9, 0).Shape);
    }

    [Fact]
    public void It_agrees_with_the_weighted_mean_of_both_ends()
    {
        Cases.Check(200, [new Axis(1, 400)], c =>
        {
            double[] ends = Values.Draw<double>(c.Random(), c.Family, 2).Doubles();
            DoubleDouble[] exact = Functions.Linspace(ends[0], ends[1], c[0]);
            double[] noise = Bound.All(c[0], 8 * Bound.InDouble * Math.Max(Math.Abs(ends[0]), Math.Abs(ends[1])));
            Comparison.RoundedOnce([c[0]], exact, noise, Linspace.Forward<float>(Context, ends[0], ends[1], c[0]));
            Comparison.RoundedOnce([c[0]], exact, noise, Linspace.Forward<double>(Context, ends[0], ends[1], c[0]));
        });
    }

    [Fact]
    public void Both_ends_are_met_exactly_and_the_reverse_is_mirrored()
    {
        Cases.Check(100, [new Axis(2, 400)], c =>
        {
            double[] ends = Values.Draw<double>(c.Random(), c.Family, 2).Doubles();
            Tensor<double> there = Linspace.Forward<double>(Context, ends[0], ends[1], c[0]);
            Assert.Equal(ends[0], there[0]);
            Assert.Equal(ends[1], there[c[0] - 1]);

            // The middle one of an odd number is counted from the other end then.
            double[] back = [.. Linspace.Forward<double>(Context, ends[1], ends[0], c[0]).Doubles().Reverse()];
            double[] bound = Bound.All(c[0], 0);
            bound[c[0] / 2] = c[0] % 2 == 0 ? 0 : 8 * Bound.InDouble * Math.Max(Math.Abs(ends[0]), Math.Abs(ends[1]));
            Comparison.Close(there, bound, Values.Of<double>([c[0]], back));
        });
    }

    [Fact]
    public void Refusals() => Refusal.Of("Linspace: steps holds -1; expected at least 0.", c => Linspace.Forward<float>(c, 0, 1, -1));
}
