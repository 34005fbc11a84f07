using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Attention;

public class SamplingLocationsTests
{
    [Fact]
    public void A_point_moves_by_cells_of_each_level_x_by_the_width_and_y_by_the_height()
    {
        // Levels 2x4 and 1x5: one cell to the right is 1/4 and 1/5, one cell down 1/2 and 1/1.
        Tensor<double> reference = Draw.Of<double>([1, 1, 2, 2], 0.5, 0.25, 0.125, 0.75);
        Tensor<double> offsets = Draw.Of<double>([1, 1, 1, 2, 1, 2], 1, 1, -2, 3);
        Tensor<double> locations = SamplingLocations.Forward(new OperatorContext(), reference, offsets, Draw.Levels((2, 4), (1, 5)).SpatialShapes);
        Expect.Close([0.75, 0.75, 0.125 - 0.4, 3.75], locations.Doubles(), 1e-15);
    }

    [Fact]
    public void A_box_is_left_after_as_many_offsets_as_there_are_points()
    {
        // P = 4 points: an offset of 4 reaches the box's edge, half its size from the centre, whatever the level's size.
        Tensor<double> reference = Draw.Of<double>([1, 1, 1, 4], 0.5, 0.25, 0.5, 0.125);
        Tensor<double> offsets = Draw.Of<double>([1, 1, 1, 1, 4, 2], 4, 4, -4, 0, 0, -4, 1, 2);
        Tensor<double> locations = SamplingLocations.Forward(new OperatorContext(), reference, offsets, Draw.Levels((2, 4)).SpatialShapes);
        Assert.Equal([0.75, 0.3125, 0.25, 0.25, 0.5, 0.1875, 0.5625, 0.28125], locations.Doubles());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Every_sample_agrees_with_an_independent_formula(int size) =>
        Properties.Holds(
            CoreCase.Any,
            c =>
            {
                Compare<float>(c, size, 3e-7);
                Compare<double>(c, size, 1e-15);
            },
            60,
            CoreCase.Shrink);

    [Fact]
    public void The_number_of_threads_does_not_change_a_bit()
    {
        Tensor<float> reference = Draw.Numbers<float>(1, [2, 900, 3, 4]);
        Tensor<float> offsets = Draw.Numbers<float>(2, [2, 900, 4, 3, 2, 2]);
        Tensor<long> shapes = Draw.Levels((5, 3), (2, 7), (1, 1)).SpatialShapes;
        Tensor<float> alone = SamplingLocations.Forward(new OperatorContext(Kernels.Simd), reference, offsets, shapes);
        Expect.SameBits(alone, SamplingLocations.Forward(new OperatorContext(Kernels.Simd, 2), reference, offsets, shapes));
        Expect.SameBits(alone, SamplingLocations.Forward(new OperatorContext(Kernels.Simd, 7), reference, offsets, shapes));
        Expect.SameBits(alone, SamplingLocations.Forward(new OperatorContext(), reference, offsets, shapes));
    }

    [Fact]
    public void Shapes_that_disagree_are_refused()
    {
        OperatorContext context = new();
        Tensor<float> offsets = new([1, 2, 3, 2, 4, 2]);
        Tensor<long> shapes = Draw.Levels((5, 3), (2, 7)).SpatialShapes;
        Expect.Refusal<ArgumentException>(
            "sampling_locations: reference_points holds [1, 2, 2, 3]; expected [N, Lq, L, 2 or 4] = [1, 2, 2, 2].",
            () => SamplingLocations.Forward(context, new Tensor<float>([1, 2, 2, 3]), offsets, shapes));
        Expect.Refusal<ArgumentException>(
            "sampling_locations: reference_points holds [1, 2, 4]; expected [N, Lq, L, 2 or 4], 4 axes.",
            () => SamplingLocations.Forward(context, new Tensor<float>([1, 2, 4]), offsets, shapes));
        Expect.Refusal<ArgumentException>(
            "sampling_locations: sampling_offsets holds [1, 2, 3, 3, 4, 2]; expected [N, Lq, M, L, P, 2] = [any, any, any, 2, any, 2].",
            () => SamplingLocations.Forward(context, new Tensor<float>([1, 2, 2, 2]), new Tensor<float>([1, 2, 3, 3, 4, 2]), shapes));
    }

    private static void Compare<T>(CoreCase c, int size, double relative)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Random random = new(c.Seed);
        SamplingSizes s = new(c.N, c.Lq, c.M, c.D, c.P, Level.Of(c.Sizes));
        Tensor<T> reference = Draw.Between<T>(random, [c.N, c.Lq, s.L, size], -0.2, 1.2);
        Tensor<T> offsets = Draw.Numbers<T>(random, [c.N, c.Lq, c.M, s.L, c.P, 2], 4);
        double[] expected = DeformableSampling.Locations(s, reference.Doubles(), size, offsets.Doubles());
        Expect.Close(expected, SamplingLocations.Forward(new OperatorContext(), reference, offsets, Draw.Levels(c.Sizes).SpatialShapes).Doubles(), relative);
    }
}
