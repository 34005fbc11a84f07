using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class GridSampleTests
{
    // 1 2 3
    // 4 5 6
    private static readonly Tensor<float> Map = Values.Of<float>([1, 1, 2, 3], 1, 2, 3, 4, 5, 6);

    [Theory]
    [InlineData(-1, -1, 0.25)]          // the corner of the map: a quarter of the corner pixel, the rest lies outside
    [InlineData(-2.0 / 3, -0.5, 1)]     // its centre
    [InlineData(0, 0, 3.5)]             // the middle of the map: between 2 and 5
    [InlineData(0, -0.5, 2)]
    [InlineData(2.0 / 3, 0.5, 6)]
    [InlineData(1, 1, 1.5)]
    [InlineData(1, 0, 2.25)]            // right edge, between the rows: half of (3 + 6) / 2
    [InlineData(0, -1.5, 0)]            // a whole pixel above
    [InlineData(-1.0 / 3, -0.5, 1.5)]
    [InlineData(9, 0, 0)]
    public void By_hand_edges_of_the_map(double x, double y, double expected) => Assert.Equal(expected, At(x, y, alignCorners: false), 1e-6);

    [Theory]
    [InlineData(-1, -1, 1)]
    [InlineData(1, -1, 3)]
    [InlineData(-1, 1, 4)]
    [InlineData(1, 1, 6)]
    [InlineData(0, 0, 3.5)]
    [InlineData(-0.5, -1, 1.5)]
    [InlineData(2, -1, 0)]
    [InlineData(1.5, -1, 1.5)]
    public void By_hand_centres_of_the_corners(double x, double y, double expected) => Assert.Equal(expected, At(x, y, alignCorners: true), 1e-6);

    [Fact]
    public void It_agrees_with_a_sum_of_tents_over_all_pixels()
    {
        // N, C, H, W, Ho, Wo; places reach well outside the map, or truncation for floor and clamping at the border would not show.
        Axis[] axes = [new(1, 2), new(1, 3), new(1, 9), new(1, 9), new(1, 5), new(1, 8)];
        Cases.Check(150, axes, Law<float>);
        Cases.Check(100, axes, Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Random random = c.Random();
            Tensor<T> x = Values.Draw<T>(random, c.Family, c[0], c[1], c[2], c[3]);
            Tensor<T> grid = Values.Draw<T>(random, c[0], c[4], c[5], 2);
            foreach (bool alignCorners in new[] { false, true })
            {
                Truth truth = Sampling.Tents(x.Doubles(), grid.Doubles(), c[0], c[1], c[2], c[3], c[4] * c[5], alignCorners);
                Tensor<T> y = GridSample.Forward(new OperatorContext(), x, grid, alignCorners);
                Comparison.RoundedOnce([c[0], c[1], c[4], c[5]], truth.Values, Bound.OfDoubleSteps(truth, 16), y, $"aligned {alignCorners}");
                Comparison.SameBits(y, GridSample.Forward(new OperatorContext(Kernels.Simd, 3), x, grid, alignCorners));
            }
        }
    }

    [Fact]
    public void Pixel_centres_give_the_map_back()
    {
        Tensor<double> x = Values.Draw<double>(new Random(1), 2, 3, 4, 8);
        Tensor<double> grid = new([2, 4, 8, 2]);
        for (int i = 0; i < 64; i++)
        {
            grid.AsSpan()[2 * i] = (((2 * (i % 8)) + 1) / 8.0) - 1;
            grid.AsSpan()[(2 * i) + 1] = (((2 * (i / 8 % 4)) + 1) / 4.0) - 1;
        }

        Comparison.SameBits(x, GridSample.Forward(new OperatorContext(), x, grid, alignCorners: false));
    }

    [Fact]
    public void Mirrored_map_and_mirrored_places_give_the_same()
    {
        Tensor<double> x = Values.Draw<double>(new Random(1), 1, 1, 5, 7);
        Tensor<double> grid = Values.Draw<double>(new Random(2), 1, 6, 6, 2);
        Tensor<double> mirrored = new(x.Shape);
        for (int i = 0; i < 35; i++)
        {
            mirrored.AsSpan()[i] = x[0, 0, i / 7, 6 - (i % 7)];
        }

        Tensor<double> places = Values.Of<double>(grid.Shape, [.. grid.Doubles().Select((v, i) => i % 2 == 0 ? -v : v)]);
        foreach (bool alignCorners in new[] { false, true })
        {
            Tensor<double> expected = GridSample.Forward(new OperatorContext(), x, grid, alignCorners);
            Comparison.Close(expected, Bound.All(36, 1e-13), GridSample.Forward(new OperatorContext(), mirrored, places, alignCorners));
        }
    }

    [Fact]
    public void It_is_linear_in_the_map_and_an_image_does_not_see_the_others()
    {
        Tensor<double> x = Values.Draw<double>(new Random(1), 2, 2, 5, 7);
        Tensor<double> other = Values.Draw<double>(new Random(2), 2, 2, 5, 7);
        Tensor<double> grid = Values.Draw<double>(new Random(3), 2, 3, 4, 2);
        OperatorContext context = new();
        Tensor<double> sum = Add.Forward(context, GridSample.Forward(context, x, grid, false), GridSample.Forward(context, other, grid, false));
        Comparison.Close(sum, Bound.All(sum.Length, 1e-14), GridSample.Forward(context, Add.Forward(context, x, other), grid, false));

        Tensor<double> second = GridSample.Forward(
            context, Tensor<double>.Create([1, 2, 5, 7], x.AsSpan()[70..]), Tensor<double>.Create([1, 3, 4, 2], grid.AsSpan()[24..]), false);
        Comparison.SameBits<double>(second.AsSpan(), GridSample.Forward(context, x, grid, false).AsSpan()[24..]);
    }

    [Fact]
    public void Places_at_infinity_are_outside()
    {
        Assert.Equal(0, At(double.PositiveInfinity, 0, alignCorners: false));
        Assert.Equal(0, At(0, double.NegativeInfinity, alignCorners: true));
        Assert.Equal(0, At(1e30, 1e30, alignCorners: false));
    }

    [Fact]
    public void Refusals()
    {
        Refusal.Of("GridSample: input holds [2, 3]; expected [N, C, H, W], 4 axes.", c => GridSample.Forward(c, new Tensor<float>([2, 3]), new Tensor<float>([1, 1, 1, 2]), false));
        Refusal.Of("GridSample: grid holds [1, 4, 2]; expected [N, Ho, Wo, 2] = [1, any, any, 2].", c => GridSample.Forward(c, Map, new Tensor<float>([1, 4, 2]), false));
        Refusal.Of("GridSample: grid holds [2, 4, 4, 2]; expected [N, Ho, Wo, 2] = [1, any, any, 2].", c => GridSample.Forward(c, Map, new Tensor<float>([2, 4, 4, 2]), false));
        Refusal.Of("GridSample: grid holds [1, 4, 4, 3]; expected [N, Ho, Wo, 2] = [1, any, any, 2].", c => GridSample.Forward(c, Map, new Tensor<float>([1, 4, 4, 3]), false));
    }

    private static float At(double x, double y, bool alignCorners) =>
        GridSample.Forward(new OperatorContext(), Map, Values.Of<float>([1, 1, 1, 2], x, y), alignCorners).AsSpan()[0];
}
