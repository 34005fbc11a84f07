using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class TopKTests
{
    private static readonly OperatorContext Context = new();

    [Fact]
    public void By_hand()
    {
        (Tensor<float> values, Tensor<long> indices) = TopK.Forward(Context, Values.Of<float>([2, 4], 3, 9, 1, 5, -2, -8, -1, -4), 3);
        Assert.Equal([2, 3], values.Shape);
        Assert.Equal([9, 5, 3, -1, -2, -4], values.AsSpan().ToArray());
        Assert.Equal([1L, 3, 0, 2, 0, 3], indices.AsSpan().ToArray());
    }

    [Fact]
    public void Equal_numbers_rank_by_lower_index_the_two_zeros_among_them_and_NaN_is_largest()
    {
        (Tensor<double> values, Tensor<long> indices) = TopK.Forward(
            Context, Values.Of<double>([9], 0.0, 4, double.NaN, -0.0, 4, 0.0, double.NaN, double.PositiveInfinity, double.NegativeInfinity), 9);
        Assert.Equal([2L, 6, 7, 1, 4, 0, 3, 5, 8], indices.AsSpan().ToArray());
        Comparison.SameBits<double>([0.0, -0.0, 0.0], values.AsSpan()[5..8]);
    }

    [Fact]
    public void Ranks_agree_with_counting_what_comes_before()
    {
        // Few different numbers, so that most of them tie; above the length where a sort that is not stable shows.
        Cases.Check(150, [new Axis(1, 4), new Axis(1, 120), new Axis(0, 120)], Law<float>);
        Cases.Check(50, [new Axis(1, 4), new Axis(1, 120), new Axis(0, 120)], Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            int k = Math.Min(c[2], c[1]);
            Random random = c.Random();
            Tensor<T> x = c.Family == Family.Plain ? Values.Draw<T>(random, c[0], c[1]) : Values.Of<T>([c[0], c[1]], [.. Enumerable.Range(0, c[0] * c[1]).Select(_ => random.Next(-2, 3) * 0.25)]);
            (Tensor<T> values, Tensor<long> indices) = TopK.Forward(new OperatorContext(Kernels.Simd, 2), x, k);
            for (int row = 0; row < c[0]; row++)
            {
                int[] expected = Layout.Ranked(x.Doubles()[(row * c[1])..((row + 1) * c[1])], k);
                Assert.Equal(expected.Select(i => (long)i), indices.AsSpan().Slice(row * k, k).ToArray());
                Assert.Equal(expected.Select(i => x[row, i]), values.AsSpan().Slice(row * k, k).ToArray());
            }
        }
    }

    [Fact]
    public void Permuted_distinct_scores_give_the_same_values_and_carry_their_indices_along()
    {
        Cases.Check(40, [new Axis(1, 300)], c =>
        {
            double[] x = Values.Draw<double>(c.Random(), c[0]).Doubles();
            int[] order = [.. Enumerable.Range(0, c[0])];
            c.Random().Shuffle(order);
            (Tensor<double> values, Tensor<long> indices) = TopK.Forward(Context, Values.Of<double>([c[0]], x), c[0]);
            (Tensor<double> permutedValues, Tensor<long> permutedIndices) = TopK.Forward(Context, Values.Of<double>([c[0]], [.. order.Select(i => x[i])]), c[0]);
            Comparison.SameBits(values, permutedValues);
            Assert.Equal(indices.AsSpan().ToArray(), permutedIndices.AsSpan().ToArray().Select(i => (long)order[i]));
        });
    }

    [Fact]
    public void Fewer_are_the_beginning_of_more()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 3, 100);
        Tensor<long> all = TopK.Forward(Context, x, 100).Indices;
        Tensor<long> some = TopK.Forward(Context, x, 17).Indices;
        Comparison.SameBits(Split.Forward(Context, all, [17, 83], 1)[0], some);
        Assert.Equal([3, 0], TopK.Forward(Context, x, 0).Values.Shape);
    }

    [Fact]
    public void Refusals()
    {
        Refusal.Of("TopK: input holds []; expected [.., C].", c => TopK.Forward(c, new Tensor<float>([]), 1));
        Refusal.Of("TopK: k holds 4; expected at most C = 3.", c => TopK.Forward(c, new Tensor<float>([2, 3]), 4));
        Refusal.Of("TopK: k holds -1; expected at most C = 3.", c => TopK.Forward(c, new Tensor<float>([2, 3]), -1));
    }
}
