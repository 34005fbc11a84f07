using System.Numerics;
using DeformDetr.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeformDetr.Reference.Tests.Transformer;

public class FeedForwardTests
{
    private static readonly string[] Names = ["layer.linear1", "layer.linear2", "layer.norm3"];

    private static readonly Gen<Sizes> Any =
        from n in Gen.Choose(1, 3)
        from rows in Gen.OneOf(Gen.Choose(1, 12), Gen.Choose(1, 150), Gen.Elements(95, 191, 192, 193, 385))
        from channels in Gen.Choose(1, 70)
        from hidden in Gen.OneOf(Gen.Choose(1, 40), Gen.Elements(255, 256, 257, 520))
        from threads in Gen.Choose(1, 7)
        from gelu in Gen.Elements(false, false, true)
        from seed in Gen.Choose(0, 1_000_000)
        select new Sizes(n, rows, channels, hidden, threads, gelu, seed);

    private sealed record Sizes(int N, int Rows, int Channels, int Hidden, int Threads, bool Gelu, int Seed);

    [Fact]
    public void By_rows_it_has_the_bits_that_it_has_step_by_step_whoever_listens()
    {
        Properties.Holds(Any, Law<float>, 60);
        Properties.Holds(Any, Law<double>, 40);

        static void Law<T>(Sizes c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            DeformableDetrConfig config = new()
            {
                HiddenDim = c.Channels,
                DimFeedforward = c.Hidden,
                Activation = c.Gelu ? Activation.Gelu : Activation.Relu,
            };
            FeedForward<T> block = new(new MadeWeights<T>(seed: (ulong)c.Seed), "layer", "norm3", config);
            Tensor<T> x = Draw.Numbers<T>(c.Seed, [c.N, c.Rows, c.Channels]);

            // One row is no number, one has subnormals and zeros of both signs: they stay in their rows.
            Random random = new(c.Seed);
            x.AsSpan()[random.Next(x.Length)] = T.NaN;
            x.AsSpan()[random.Next(x.Length)] = T.Epsilon;
            x.AsSpan()[random.Next(x.Length)] = T.NegativeZero;
            Tensor<T> before = x.Clone();

            RecordingSink all = new();
            Tensor<T> expected = block.Forward(new ForwardPass(Kernels.Simd, 1, all), x);
            Assert.Equal(Names, all.Names);
            Expect.SameNumbers(expected, block.Forward(new ForwardPass(Kernels.Simd, c.Threads), x), "nobody listens");
            ForwardPass pass = new(Kernels.Simd, c.Threads, new RecordingSink(_ => false));
            Expect.SameNumbers(expected, block.Forward(pass, x), "nothing is wanted");
            Expect.SameNumbers(expected, block.Forward(pass, x), "again with the same pass");
            foreach (string name in Names)
            {
                RecordingSink one = new(wanted => wanted == name);
                Expect.SameNumbers(expected, block.Forward(new ForwardPass(Kernels.Simd, c.Threads, one), x), $"only {name} is wanted");
                Assert.Equal([name], one.Names);
                Expect.SameNumbers(all.Of<T>(name), one.Of<T>(name), name);
            }

            Expect.SameNumbers(before, x, "the input");
        }
    }

    [Fact]
    public void A_row_has_the_same_bits_alone_and_among_others()
    {
        DeformableDetrConfig config = new() { HiddenDim = 24, DimFeedforward = 300 };
        FeedForward<float> block = new(new MadeWeights<float>(), "layer", "norm2", config);
        Tensor<float> x = Draw.Numbers<float>(1, [2, 101, 24]);
        Tensor<float> together = block.Forward(new ForwardPass(Kernels.Simd, 3), x);
        for (int row = 0; row < 202; row++)
        {
            Tensor<float> alone = Tensor<float>.Create([1, 1, 24], x.AsReadOnlySpan().Slice(row * 24, 24));
            Expect.SameBits(
                Tensor<float>.Create([1, 1, 24], together.AsReadOnlySpan().Slice(row * 24, 24)),
                block.Forward(new ForwardPass(Kernels.Simd), alone), $"row {row}");
        }
    }

    [Fact]
    public void A_replaced_hidden_layer_is_gone_on_with()
    {
        DeformableDetrConfig config = new() { HiddenDim = 16, DimFeedforward = 40 };
        FeedForward<float> block = new(new MadeWeights<float>(), "layer", "norm2", config);
        Tensor<float> x = Draw.Numbers<float>(1, [1, 100, 16]);
        Tensor<float> other = Draw.Numbers<float>(2, [1, 100, 40]);
        RecordingSink plain = new();
        block.Forward(new ForwardPass(Kernels.Simd, 2, plain), x);
        ReplacingSink forced = new((name, _) => name == "layer.linear1" ? other : null);
        block.Forward(new ForwardPass(Kernels.Simd, 2, forced), x);
        Assert.NotEqual(plain.Of<float>("layer.linear2").Doubles(), forced.Record.Of<float>("layer.linear2").Doubles());
    }
}
