using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Transformer;

public class BoxRefinementTests
{
    [Fact]
    public void A_step_of_zero_leaves_the_box()
    {
        Tensor<double> boxes = Draw.Between<double>(new Random(1), [2, 50, 4], 0.001, 0.999);
        Tensor<double> refined = BoxRefinement.Forward(new OperatorContext(), new Tensor<double>(boxes.Shape), boxes);
        Expect.Close(boxes.Doubles(), refined.Doubles(), 1e-15);
    }

    [Fact]
    public void A_point_adds_to_the_centre_only()
    {
        // E10 of porting-mistakes.md.
        Tensor<double> refined = BoxRefinement.Forward(new OperatorContext(), Draw.Of<double>([1, 1, 4], 0, 0, 0, 2), Draw.Of<double>([1, 1, 2], 0.25, 0.9));
        Expect.Close([0.25, 0.9, 0.5, 0.880797077977882], refined.Doubles(), 1e-14);
    }

    [Theory]
    [InlineData(0, -11.5129254649702)]
    [InlineData(1, 11.5129254649702)]
    [InlineData(-0.5, -11.5129254649702)]
    [InlineData(1.5, 11.5129254649702)]
    [InlineData(1e-6, -11.51292446497)]
    public void A_reference_at_or_over_an_edge_is_as_good_as_one_hundred_thousandth_inside(double reference, double logit)
    {
        // E8: log(1e-5 / 1) and log(1 / 1e-5), at 1e-6 log(1e-5 / 0.999999). A step of the opposite logit leads to the middle.
        Saturated<double>(reference, logit, 1e-13);
        Saturated<float>(reference, logit, 1e-6);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Every_box_agrees_with_an_independent_formula(int size)
    {
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            Compare<double>(size, kernels, 1e-14);
            Compare<float>(size, kernels, 1e-6);
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        OperatorContext context = new();
        Expect.Refusal<ArgumentException>(
            "box refinement: reference holds [1, 2, 3]; expected [N, Q, 2 or 4] = [1, 2, 2].", () => BoxRefinement.Forward(context, new Tensor<float>([1, 2, 4]), new Tensor<float>([1, 2, 3])));
        Expect.Refusal<ArgumentException>(
            "box refinement: delta holds [1, 2, 2]; expected [N, Q, 4] = [any, any, 4].", () => BoxRefinement.Forward(context, new Tensor<float>([1, 2, 2]), new Tensor<float>([1, 2, 2])));
    }

    private static void Saturated<T>(double reference, double logit, double allowed)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> box = BoxRefinement.Forward(new OperatorContext(), Draw.Constant<T>([1, 1, 4], -logit), Draw.Constant<T>([1, 1, 4], reference));
        Assert.All(box.Doubles(), side => Assert.Equal(0.5, side, allowed));
    }

    private static void Compare<T>(int size, Kernels kernels, double relative)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Random random = new(size);
        Tensor<T> delta = Draw.Numbers<T>(random, [3, 40, 4], 3);
        Tensor<T> reference = Draw.Between<T>(random, [3, 40, size], -0.1, 1.1);
        Expect.Close(Geometry.Refine(delta.Doubles(), reference.Doubles(), size), BoxRefinement.Forward(new OperatorContext(kernels), delta, reference).Doubles(), relative);
    }
}
