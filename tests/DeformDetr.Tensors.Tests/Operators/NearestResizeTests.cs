using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class NearestResizeTests
{
    private static readonly OperatorContext Context = new();

    [Fact]
    public void By_hand()
    {
        // 5 columns to 2: ⌊0 · 2.5⌋ and ⌊1 · 2.5⌋; 2 rows to 3: ⌊i · 0.667⌋ = 0, 0, 1.
        Tensor<bool> x = Tensor<bool>.FromArray([1, 2, 5], [true, false, false, true, false, false, false, true, true, true]);
        Tensor<bool> y = NearestResize.Forward(Context, x, 3, 2);
        Assert.Equal([1, 3, 2], y.Shape);
        Assert.Equal([true, false, true, false, false, true], y.AsSpan().ToArray());
    }

    [Fact]
    public void Every_ratio_agrees_with_the_float32_floor_rule()
    {
        // One mask of a row: a single true pixel for each source index would need as many masks, so the index is read from its bits.
        for (int from = 1; from <= 120; from++)
        {
            Tensor<bool> bits = new([7, 1, from]);
            for (int i = 0; i < bits.Length; i++)
            {
                bits.AsSpan()[i] = ((i % from) >> (i / from) & 1) == 1;
            }

            for (int to = 1; to <= 120; to += 1 + (from % 3))
            {
                Tensor<bool> y = NearestResize.Forward(Context, bits, 1, to);
                for (int j = 0; j < to; j++)
                {
                    int read = Enumerable.Range(0, 7).Sum(bit => y[bit, 0, j] ? 1 << bit : 0);
                    Assert.True(read == Sampling.Nearest(j, from, to), $"{from} to {to}: {j} reads {read}; expected {Sampling.Nearest(j, from, to)}.");
                }
            }
        }
    }

    [Fact]
    public void The_rule_is_float32_and_not_exact_arithmetic()
    {
        // Somewhere below 2000 the rounded ratio lands on the other side of an integer than the exact one; the original follows float32.
        (int From, int To, int Index) case32 = (
            from f in Enumerable.Range(1, 600)
            from t in Enumerable.Range(1, 200)
            from i in Enumerable.Range(1, t - 1)
            where Sampling.Nearest(i, f, t) != i * f / t
            select (f, t, i)).First();
        Tensor<bool> x = new([1, case32.From, 1]);
        x[0, Sampling.Nearest(case32.Index, case32.From, case32.To), 0] = true;
        Assert.True(NearestResize.Forward(Context, x, case32.To, 1)[0, case32.Index, 0]);
    }

    [Fact]
    public void Rows_go_like_columns_the_same_size_changes_nothing_and_doubling_repeats()
    {
        Random random = new(1);
        Tensor<bool> x = Tensor<bool>.FromArray([2, 9, 14], [.. Enumerable.Range(0, 252).Select(_ => random.Next(2) == 0)]);
        Comparison.SameBits(x, NearestResize.Forward(Context, x, 9, 14));
        Tensor<bool> transposed = Permute.Forward(Context, x, 0, 2, 1);
        Comparison.SameBits(NearestResize.Forward(Context, x, 5, 6), Permute.Forward(Context, NearestResize.Forward(Context, transposed, 6, 5), 0, 2, 1));
        Tensor<bool> doubled = NearestResize.Forward(new OperatorContext(Kernels.Simd), x, 18, 28);
        for (int i = 0; i < doubled.Length; i++)
        {
            int[] at = Layout.Indices(i, doubled.Shape.Sizes);
            Assert.Equal(x[at[0], at[1] / 2, at[2] / 2], doubled.AsSpan()[i]);
        }
    }

    [Fact]
    public void Refusals()
    {
        Refusal.Of("NearestResize: input holds [2, 3]; expected [N, H, W], 3 axes.", c => NearestResize.Forward(c, new Tensor<bool>([2, 3]), 1, 1));
        Refusal.Of("NearestResize: input holds [2, 0, 3]; expected [N, H, W] without a zero.", c => NearestResize.Forward(c, new Tensor<bool>([2, 0, 3]), 1, 1));
        Refusal.Of("NearestResize: height holds 0 x 4; expected at least 1 x 1.", c => NearestResize.Forward(c, new Tensor<bool>([1, 2, 3]), 0, 4));
        Refusal.Of("NearestResize: height holds 4 x -1; expected at least 1 x 1.", c => NearestResize.Forward(c, new Tensor<bool>([1, 2, 3]), 4, -1));
    }
}
