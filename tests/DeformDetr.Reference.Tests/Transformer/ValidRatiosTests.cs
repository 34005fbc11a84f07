using DeformDetr.Independent;
using DeformDetr.Tensors;
using FsCheck.Fluent;

namespace DeformDetr.Reference.Tests.Transformer;

public class ValidRatiosTests
{
    [Fact]
    public void Width_stands_before_height()
    {
        // A picture of 3 x 2 cells in a map of 4 x 8: two of eight columns, three of four rows.
        Tensor<float> ratios = ValidRatios.Forward<float>(new OperatorContext(), [Draw.Mask(4, 8, (3, 2))]);
        Assert.Equal([1, 1, 2], ratios.Shape);
        Assert.Equal([0.25f, 0.75f], ratios.AsSpan().ToArray());
    }

    [Fact]
    public void Counting_agrees_in_both_precisions()
    {
        Properties.Holds(
            from seed in Gen.Choose(0, int.MaxValue) select seed,
            seed =>
            {
                (int n, Level[] levels, List<Tensor<bool>> masks, bool[] flat) = RandomMasks(new Random(seed));
                double[] expected = Geometry.ValidRatios(n, levels, flat);
                Assert.Equal(expected, ValidRatios.Forward<double>(new OperatorContext(), masks).Doubles());
                Assert.Equal(expected.Select(ratio => (double)(float)ratio), ValidRatios.Forward<float>(new OperatorContext(), masks).Doubles());
            });
    }

    [Fact]
    public void A_ratio_times_the_size_is_a_whole_number_and_without_padding_it_is_one()
    {
        Tensor<double> ratios = ValidRatios.Forward<double>(new OperatorContext(), [Draw.Mask(5, 7, (5, 7), (2, 3)), Draw.Mask(3, 4, (3, 4), (1, 2))]);
        Assert.Equal([1, 1, 1, 1, 3 / 7.0, 2 / 5.0, 2 / 4.0, 1 / 3.0], ratios.Doubles());
    }

    [Fact]
    public void A_mask_that_covers_everything_is_refused()
    {
        Expect.Refusal<ArgumentException>(
            "valid_ratios: mask of picture 1 covers the first row or column of level 1; expected a picture that is not padding everywhere.",
            () => ValidRatios.Forward<float>(new OperatorContext(), [Draw.Mask(2, 2, (1, 1), (1, 1)), Draw.Mask(2, 2, (1, 2), (0, 0))]));
    }

    internal static (int N, Level[] Levels, List<Tensor<bool>> Masks, bool[] Flat) RandomMasks(Random random)
    {
        int n = random.Next(1, 4);
        Level[] levels = Level.Of([.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => (random.Next(1, 9), random.Next(1, 9)))]);
        List<Tensor<bool>> masks = [.. levels.Select(level => Draw.Mask(
            level.Height, level.Width, [.. Enumerable.Range(0, n).Select(_ => (random.Next(1, level.Height + 1), random.Next(1, level.Width + 1)))]))];
        return (n, levels, masks, Flatten(n, levels, masks));
    }

    internal static bool[] Flatten(int n, Level[] levels, IReadOnlyList<Tensor<bool>> masks)
    {
        List<bool> flat = [];
        for (int b = 0; b < n; b++)
        {
            for (int l = 0; l < levels.Length; l++)
            {
                flat.AddRange(masks[l].AsSpan().Slice(b * levels[l].Cells, levels[l].Cells).ToArray());
            }
        }

        return [.. flat];
    }
}
