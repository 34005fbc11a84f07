using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors;
using FsCheck.Fluent;

namespace DeformDetr.Reference.Tests.Transformer;

public class EncoderProposalsTests
{
    [Fact]
    public void Sides_double_from_level_to_level_and_a_side_over_the_limit_drops_the_level()
    {
        // F5 of porting-mistakes.md: logits of 0.05, 0.1, 0.2, 0.4, 0.8; level 5 would be 1.6.
        LevelLayout levels = Draw.Levels((1, 1), (1, 1), (1, 1), (1, 1), (1, 1), (1, 1));
        Tensor<double> proposals = Run<double>(levels, new Tensor<bool>([1, 6])).Proposals;
        double[] sides = [-2.94443897916644, -2.19722457733622, -1.38629436111989, -0.405465108108164, 1.38629436111989];
        for (int level = 0; level < 5; level++)
        {
            Assert.Equal(0, proposals[0, level, 0], 1e-15);
            Assert.Equal(0, proposals[0, level, 1], 1e-15);
            Assert.Equal(sides[level], proposals[0, level, 2], 1e-13);
            Assert.Equal(sides[level], proposals[0, level, 3], 1e-13);
        }

        Assert.All(proposals.Doubles()[20..], logit => Assert.Equal(double.PositiveInfinity, logit));
    }

    // A size of 2^32 + 2 is not taken for 2.
    [Theory]
    [InlineData(2, 3, "7 tokens")]
    [InlineData((1L << 32) + 2, 3, "level 0")]
    [InlineData(-2, -3, "level 0")]
    [InlineData(1, 3, "expected S = 6")]
    public void Levels_that_are_not_all_tokens_are_refused(long height, long width, string what)
    {
        LevelLayout levels = new(Tensor<long>.Create([1, 2], [height, width]), new Tensor<long>([1]));
        Tensor<bool> mask = new([1, what == "7 tokens" ? 7 : 6]);
        ArgumentException exception = Assert.Throws<ArgumentException>(() => Run<float>(levels, mask));
        Assert.StartsWith("encoder proposals: ", exception.Message, StringComparison.Ordinal);
        Assert.Contains(what == "7 tokens" ? "expected S = 7" : what, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_coordinate_of_exactly_one_or_99_hundredths_is_invalid()
    {
        Edges<float>();
        Edges<double>();
    }

    [Fact]
    public void Cells_near_an_edge_of_the_valid_part_are_invalid()
    {
        // F4: a width of 167 cells without padding drops the columns 0, 1, 165, 166; of 84 the columns 0 and 83; of 42 none.
        foreach ((int width, int[] dropped) in new (int, int[])[] { (167, [0, 1, 165, 166]), (84, [0, 83]), (42, []), (21, []) })
        {
            Tensor<float> proposals = Run<float>(Draw.Levels((1, width)), new Tensor<bool>([1, width])).Proposals;
            Assert.Equal(dropped, Enumerable.Range(0, width).Where(column => float.IsPositiveInfinity(proposals[0, column, 0])));
        }
    }

    [Fact]
    public void Proposals_and_memory_agree_with_independent_formulas() =>
        Properties.Holds(
            from seed in Gen.Choose(0, int.MaxValue) select seed,
            seed =>
            {
                Compare<double>(seed, 1e-13);
                Compare<float>(seed, 2e-6);
            },
            60);

    [Fact]
    public void Padding_and_invalid_cells_share_one_row_of_memory_bit_for_bit_whatever_stood_there()
    {
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            LevelLayout levels = Draw.Levels((60, 3), (5, 4));
            Tensor<bool> mask = Flat(Draw.Mask(60, 3, (55, 3)), Draw.Mask(5, 4, (4, 3)));
            Tensor<float> memory = Draw.Numbers<float>(1, [1, 200, 8]);
            (Tensor<float> outputMemory, Tensor<float> proposals) = Run(levels, mask, memory, kernels);
            List<int> unusable = [.. Enumerable.Range(0, 200).Where(token => float.IsPositiveInfinity(proposals[0, token, 0]))];
            Assert.All(Enumerable.Range(0, 200).Where(token => mask.AsSpan()[token]), token => Assert.Contains(token, unusable));
            Assert.Contains(0, unusable);
            float[] row = outputMemory.AsSpan()[..8].ToArray();
            foreach (int token in unusable)
            {
                Assert.Equal(row, outputMemory.AsSpan().Slice(token * 8, 8).ToArray());
                memory.AsSpan().Slice(token * 8, 8).Fill(float.NaN);
            }

            Expect.SameBits(outputMemory, Run(levels, mask, memory, kernels).OutputMemory);
            Assert.DoesNotContain(proposals.Doubles(), double.IsNaN);
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused() =>
        Expect.Refusal<ArgumentException>(
            "encoder proposals: memory_padding_mask holds [1, 5]; expected [N, S] = [1, 6].",
            () => new EncoderProposals<float>(new MadeWeights<float>(), "", 8).Forward(
                new OperatorContext(), new Tensor<float>([1, 6, 8]), new Tensor<bool>([1, 5]), Draw.Levels((2, 3))));

    private static void Edges<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // (0 + 0.5) / 50 is 0.01 and (49 + 0.5) / 50 is 0.99 in both precisions, and the limits are strict.
        Tensor<T> across = Run<T>(Draw.Levels((1, 50)), new Tensor<bool>([1, 50])).Proposals;
        Tensor<T> down = Run<T>(Draw.Levels((50, 1)), new Tensor<bool>([1, 50])).Proposals;
        for (int cell = 0; cell < 50; cell++)
        {
            Assert.Equal(cell is 0 or 49, T.IsPositiveInfinity(across[0, cell, 1]));
            Assert.Equal(cell is 0 or 49, T.IsPositiveInfinity(down[0, cell, 3]));
        }
    }

    private static void Compare<T>(int seed, double relative)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Random random = new(seed);
        (int n, Level[] levels, _, bool[] flat) = ValidRatiosTests.RandomMasks(random);
        int tokens = Level.Tokens(levels);
        Tensor<T> memory = Draw.Numbers<T>(random, [n, tokens, 8]);
        MadeWeights<T> weights = new();
        (Tensor<T> outputMemory, Tensor<T> proposals) = new EncoderProposals<T>(weights, "transformer.", 8).Forward(
            new OperatorContext(Kernels.Simd), memory, Tensor<bool>.FromArray([n, tokens], flat), Draw.Levels([.. levels.Select(level => (level.Height, level.Width))]));
        (double[] logits, bool[] invalid) = Geometry.Proposals(n, levels, flat);
        Expect.Close(logits, proposals.Doubles(), i => relative * (1 + Math.Abs(logits[i])), "output_proposals");
        double[] kept = memory.Doubles();
        for (int i = 0; i < kept.Length; i++)
        {
            kept[i] = invalid[i / 8] ? 0 : kept[i];
        }

        double[] linear = Dense.Linear(kept, weights["transformer.enc_output.weight"], weights["transformer.enc_output.bias"]);
        double[] expected = Dense.LayerNorm(linear, weights["transformer.enc_output_norm.weight"], weights["transformer.enc_output_norm.bias"]);
        Expect.Close(expected, outputMemory.Doubles(), 10 * relative, "output_memory");
    }

    private static (Tensor<T> OutputMemory, Tensor<T> Proposals) Run<T>(
        LevelLayout levels, Tensor<bool> mask, Tensor<T>? memory = null, Kernels kernels = Kernels.Textbook)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        new EncoderProposals<T>(new MadeWeights<T>(), "transformer.", 8).Forward(new OperatorContext(kernels), memory ?? new Tensor<T>([1, mask.Length, 8]), mask, levels);

    private static Tensor<bool> Flat(params Tensor<bool>[] masks) =>
        Tensor<bool>.FromArray([1, masks.Sum(mask => mask.Length)], [.. masks.SelectMany(mask => mask.AsSpan().ToArray())]);
}
