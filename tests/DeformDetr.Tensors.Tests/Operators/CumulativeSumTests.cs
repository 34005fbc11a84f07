using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class CumulativeSumTests
{
    private static readonly OperatorContext Context = new();

    [Fact]
    public void By_hand()
    {
        Tensor<float> x = Values.Of<float>([2, 3], 1, 2, 3, 10, 20, 30);
        Assert.Equal([1, 3, 6, 10, 30, 60], CumulativeSum.Forward(Context, x, 1).AsSpan().ToArray());
        Assert.Equal([1, 2, 3, 11, 22, 33], CumulativeSum.Forward(Context, x, 0).AsSpan().ToArray());
        Tensor<bool> mask = Tensor<bool>.FromArray([1, 4], [true, false, true, true]);
        Assert.Equal([1, 1, 2, 3], CumulativeSum.Forward<float>(Context, mask, 1).AsSpan().ToArray());
        Assert.Equal([1.0, 0, 1, 1], CumulativeSum.Forward<double>(Context, mask, 0).AsSpan().ToArray());
    }

    [Fact]
    public void It_agrees_with_sums_that_start_again_for_every_element()
    {
        Cases.Check(80, [new Axis(1, 6), new Axis(1, 70), new Axis(1, 6)], Law<float>);
        Cases.Check(80, [new Axis(1, 6), new Axis(1, 70), new Axis(1, 6)], Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Tensor<T> x = Values.Draw<T>(c.Random(), c.Family, c.Sizes);
            for (int axis = 0; axis < 3; axis++)
            {
                Truth truth = Functions.PrefixSums(x.Doubles(), c[axis], x.Shape.LengthFrom(axis + 1));
                Comparison.RoundedOnce(x.Shape, truth.Values, Bound.OfDoubleSum(truth, c[axis]), CumulativeSum.Forward(Context, x, axis), $"axis {axis}");
            }
        }
    }

    [Fact]
    public void Counts_are_exact_and_the_last_is_the_number_of_true()
    {
        Random random = new(1);
        Tensor<bool> mask = Tensor<bool>.FromArray([7, 300], [.. Enumerable.Range(0, 2100).Select(_ => random.Next(3) > 0)]);
        Tensor<float> counts = CumulativeSum.Forward<float>(Context, mask, 1);
        for (int row = 0; row < 7; row++)
        {
            Assert.Equal(mask.AsSpan().Slice(row * 300, 300).Count(true), counts[row, 299]);
        }
    }

    [Fact]
    public void Empty_axes()
    {
        Assert.Equal([0, 3], CumulativeSum.Forward(Context, new Tensor<float>([0, 3]), 0).Shape);
        Assert.Equal([3, 0], CumulativeSum.Forward(Context, new Tensor<float>([3, 0]), 0).Shape);
    }

    [Fact]
    public void Refusals()
    {
        Refusal.Of("CumulativeSum: axis holds 2; expected an axis of [2, 3].", c => CumulativeSum.Forward(c, new Tensor<float>([2, 3]), 2));
        Refusal.Of("CumulativeSum: axis holds -1; expected an axis of [2, 3].", c => CumulativeSum.Forward(c, new Tensor<float>([2, 3]), -1));
        Refusal.Of("CumulativeSum: axis holds 1; expected an axis of [4].", c => CumulativeSum.Forward<float>(c, new Tensor<bool>([4]), 1));
    }
}
