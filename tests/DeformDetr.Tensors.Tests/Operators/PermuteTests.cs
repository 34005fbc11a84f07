using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class PermuteTests
{
    private static readonly int[][] Orders = [[0, 1, 2, 3], [0, 1, 3, 2], [0, 2, 3, 1], [0, 3, 1, 2], [3, 2, 1, 0], [1, 0, 2, 3], [1, 0, 3, 2], [2, 0, 3, 1]];

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand(Kernels kernels)
    {
        OperatorContext context = new(kernels);
        Tensor<float> x = Values.Of<float>([2, 3], 1, 2, 3, 4, 5, 6);
        Tensor<float> y = Permute.Forward(context, x, 1, 0);
        Assert.Equal([3, 2], y.Shape);
        Assert.Equal([1, 4, 2, 5, 3, 6], y.AsSpan().ToArray());

        // Three axes: the output's first axis is the input's last.
        Tensor<float> turned = Permute.Forward(context, Values.Counting<float>(2, 1, 3), 2, 0, 1);
        Assert.Equal([3, 2, 1], turned.Shape);
        Assert.Equal([0, 3, 1, 4, 2, 5], turned.AsSpan().ToArray());
        Assert.Equal(7, Permute.Forward(context, Values.Of<float>([], 7)).AsSpan()[0]);
    }

    [Fact]
    public void Maps_become_tokens_among_other_tokens_in_both_bodies()
    {
        // N, C, pixels, tokens before, tokens behind
        Axis[] axes = [new(1, 3), new(1, 40), new(1, 130), new(0, 5), new(0, 5)];
        Cases.Check(150, axes, Law<float>);
        Cases.Check(100, axes, Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
        {
            (int n, int channels, int pixels, int start) = (c[0], c[1], c[2], c[3]);
            int tokens = start + pixels + c[4];
            Tensor<T> maps = Values.Draw<T>(c.Random(), n, channels, 1, pixels);
            T[]? row = c.Seed % 3 == 0 ? null : Values.Draw<T>(new Random(c.Seed), channels).AsSpan().ToArray();
            T untouched = T.CreateTruncating(-77);
            foreach (OperatorContext context in new OperatorContext[] { new(), new(Kernels.Simd, 2) })
            {
                Tensor<T> sequence = new([n, tokens, channels]);
                sequence.AsSpan().Fill(untouched);
                Permute.ToTokens(context, maps, row, sequence, start);
                for (int at = 0; at < sequence.Length; at++)
                {
                    (int image, int token, int channel) = (at / channels / tokens, (at / channels % tokens) - start, at % channels);
                    T expected = token < 0 || token >= pixels ? untouched : maps[image, channel, 0, token] + (row?[channel] ?? T.Zero);
                    Assert.True(expected == sequence.AsSpan()[at], $"{context.Kernels}: image {image}, token {token}, channel {channel}");
                }
            }
        }
    }

    [Fact]
    public void Tokens_that_do_not_fit_are_refused()
    {
        OperatorContext context = new(Kernels.Simd);
        Tensor<float> maps = new([2, 3, 4, 5]);
        Assert.Throws<ArgumentException>(() => Permute.ToTokens(context, maps, null, new Tensor<float>([2, 20, 4]), 0));
        Assert.Throws<ArgumentException>(() => Permute.ToTokens(context, maps, null, new Tensor<float>([1, 20, 3]), 0));
        Assert.Throws<ArgumentException>(() => Permute.ToTokens(context, maps, null, new Tensor<float>([2, 20, 3]), 1));
        Assert.Throws<ArgumentException>(() => Permute.ToTokens(context, maps, null, new Tensor<float>([2, 20, 3]), -1));
        Assert.Throws<ArgumentException>(() => Permute.ToTokens(context, maps, new float[2], new Tensor<float>([2, 20, 3]), 0));
    }

    [Fact]
    public void Both_bodies_carry_every_element_to_its_place_and_the_inverse_brings_it_back()
    {
        Cases.Check(150, [new Axis(0, 3), new Axis(0, 4), new Axis(0, 70), new Axis(0, 70)], c =>
        {
            int[] axes = Orders[c.Seed % Orders.Length];
            Tensor<int> x = Values.Counting<int>(c.Sizes);
            int[] expected = Layout.Permuted(x.AsSpan().ToArray(), c.Sizes, axes);
            int[] inverse = [.. Enumerable.Range(0, 4).Select(axis => Array.IndexOf(axes, axis))];
            foreach (OperatorContext context in new OperatorContext[] { new(), new(Kernels.Simd, 2) })
            {
                Tensor<int> y = Permute.Forward(context, x, axes);
                Assert.Equal(axes.Select(axis => c[axis]), y.Shape);
                Comparison.SameBits<int>(expected, y.AsSpan(), $"{context.Kernels} [{string.Join(", ", axes)}]");
                Comparison.SameBits(x, Permute.Forward(context, y, inverse), "back");
            }
        });
    }

    [Fact]
    public void Simd_gives_the_same_bits_for_every_number_of_threads_and_element_type()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 2, 300, 277);
        Comparison.SameBitsForThreads(context => Permute.Forward(context, x, 0, 2, 1));
        Comparison.SameBits(Permute.Forward(new OperatorContext(), x, 0, 2, 1), Permute.Forward(new OperatorContext(Kernels.Simd, 3), x, 0, 2, 1));
        Tensor<byte> bytes = Values.Counting<byte>(65, 33);
        Comparison.SameBits(Permute.Forward(new OperatorContext(), bytes, 1, 0), Permute.Forward(new OperatorContext(Kernels.Simd), bytes, 1, 0));
    }

    [Fact]
    public void Every_order_that_keeps_the_innermost_axis_carries_whole_rows_to_their_place()
    {
        foreach (int rank in new[] { 2, 3, 4, 5 })
        {
            int[][] orders = [.. Orderings(rank - 1).Select(order => (int[])[.. order, rank - 1])];
            Axis[] axes = [.. Enumerable.Repeat(new Axis(0, 5), rank - 1), new Axis(0, 40)];
            foreach (int[] order in orders)
            {
                Cases.Check(15, axes, c =>
                {
                    Tensor<int> x = Values.Counting<int>(c.Sizes);
                    int[] expected = Layout.Permuted(x.AsSpan().ToArray(), c.Sizes, order);
                    foreach (int threads in new[] { 1, 3 })
                    {
                        Tensor<int> y = Permute.Forward(new OperatorContext(Kernels.Simd, threads), x, order);
                        Assert.Equal(order.Select(axis => c[axis]), y.Shape);
                        Comparison.SameBits<int>(expected, y.AsSpan(), $"[{string.Join(", ", order)}]");
                    }
                });
            }
        }

        static IEnumerable<int[]> Orderings(int count) => count == 0
            ? [[]]
            : Orderings(count - 1).SelectMany(
                order => Enumerable.Range(0, count).Select(at => (int[])[.. order[..at], count - 1, .. order[at..]]));
    }

    [Fact]
    public void Rows_are_carried_by_every_number_of_threads()
    {
        // More rows than a thread needs, so that parts start in the middle of an axis.
        Tensor<float> x = Values.Draw<float>(new Random(1), 3, 71, 37, 33);
        foreach (int[] order in new int[][] { [0, 2, 1, 3], [2, 1, 0, 3], [1, 2, 0, 3] })
        {
            Tensor<float> expected = Permute.Forward(new OperatorContext(), x, order);
            Comparison.SameBitsForThreads(context => Permute.Forward(context, x, order));
            Comparison.SameBits(expected, Permute.Forward(new OperatorContext(Kernels.Simd, 7), x, order));
        }
    }

    [Fact]
    public void Refusals()
    {
        Tensor<float> x = new([2, 3, 4]);
        Refusal.Of("Permute: axes holds 2 axes; expected each axis of [2, 3, 4] once.", c => Permute.Forward(c, x, 1, 0));
        Refusal.Of("Permute: axes holds 3 axes; expected each axis of [2, 3, 4] once.", c => Permute.Forward(c, x, 0, 0, 1));
        Refusal.Of("Permute: axes holds 3 axes; expected each axis of [2, 3, 4] once.", c => Permute.Forward(c, x, 1, 2, 3));
        Refusal.Of("Permute: axes holds 3 axes; expected each axis of [2, 3, 4] once.", c => Permute.Forward(c, x, 0, 1, -1));
        Refusal.Of("Permute: axes holds 4 axes; expected each axis of [2, 3, 4] once.", c => Permute.Forward(c, x, 0, 1, 2, 2));
    }
}
