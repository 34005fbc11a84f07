using DeformDetr.Independent;
using DeformDetr.Tensors;
using FsCheck.Fluent;

namespace DeformDetr.Reference.Tests.Transformer;

public class EncoderReferencePointsTests
{
    [Fact]
    public void Without_padding_every_level_sees_the_centres_of_the_cells()
    {
        // Levels 2x4 and 1x1: rows vary slowest, x stands before y.
        Tensor<float> points = EncoderReferencePoints.Forward(new OperatorContext(), Draw.Levels((2, 4), (1, 1)), Draw.Constant<float>([1, 2, 2], 1));
        Assert.Equal([1, 9, 2, 2], points.Shape);
        for (int token = 0; token < 9; token++)
        {
            for (int level = 0; level < 2; level++)
            {
                Assert.Equal(token < 8 ? ((token % 4) + 0.5f) / 4 : 0.5f, points[0, token, level, 0]);
                Assert.Equal(token < 8 ? ((token / 4) + 0.5f) / 2 : 0.5f, points[0, token, level, 1]);
            }
        }
    }

    [Fact]
    public void Ratios_of_the_own_level_cancel_and_those_of_other_levels_do_not()
    {
        // C15 of porting-mistakes.md: 800 of 1333 pixels are valid, which is 101 of 167, 51 of 84, 26 of 42 and 13 of 21 cells.
        int[] valid = [101, 51, 26, 13];
        int[] width = [167, 84, 42, 21];
        double[] ratios = [.. valid.Zip(width, (v, w) => (double)v / w).SelectMany(r => new[] { r, 1 })];
        LevelLayout levels = Draw.Levels([.. width.Select(w => (1, w))]);
        Tensor<double> points = EncoderReferencePoints.Forward(new OperatorContext(), levels, Draw.Of<double>([1, 4, 2], ratios));
        for (int level = 0; level < 4; level++)
        {
            for (int target = 0; target < 4; target++)
            {
                double x = points[0, levels.Start(level) + 10, target, 0];
                double factor = x / (10.5 / width[level]);
                Assert.Equal(ratios[2 * target] / ratios[2 * level], factor, 1e-13);
                Assert.Equal(0.5, points[0, levels.Start(level) + 10, target, 1]);
            }
        }

        // Own column: times the width less a half is the whole number; from the finest to the coarsest level 2.36 % more.
        Assert.Equal(10, (points[0, 10, 0, 0] * 167) - 0.5, 1e-12);
        Assert.Equal(1.0236, points[0, 10, 3, 0] / points[0, 10, 0, 0], 1e-4);
    }

    [Fact]
    public void Every_point_agrees_with_an_independent_formula() =>
        Properties.Holds(
            from seed in Gen.Choose(0, int.MaxValue) select seed,
            seed =>
            {
                (int n, Level[] levels, List<Tensor<bool>> masks, bool[] flat) = ValidRatiosTests.RandomMasks(new Random(seed));
                LevelLayout layout = Draw.Levels([.. levels.Select(level => (level.Height, level.Width))]);
                Tensor<double> ratios = ValidRatios.Forward<double>(new OperatorContext(), masks);
                double[] expected = Geometry.EncoderReferencePoints(n, levels, ratios.Doubles());
                Expect.Close(expected, EncoderReferencePoints.Forward(new OperatorContext(), layout, ratios).Doubles(), 1e-15);
                Expect.Close(expected, EncoderReferencePoints.Forward(new OperatorContext(), layout, ValidRatios.Forward<float>(new OperatorContext(), masks)).Doubles(), 2e-7);
            });
}
