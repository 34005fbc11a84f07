using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class MeshgridTests
{
    [Fact]
    public void By_hand()
    {
        (Tensor<float> y, Tensor<float> x) = Meshgrid.Forward(new OperatorContext(), Values.Of<float>([2], 10, 20), Values.Of<float>([3], 1, 2, 3));
        Assert.Equal([2, 3], y.Shape);
        Assert.Equal([2, 3], x.Shape);
        Assert.Equal([10, 10, 10, 20, 20, 20], y.AsSpan().ToArray());
        Assert.Equal([1, 2, 3, 1, 2, 3], x.AsSpan().ToArray());
    }

    [Fact]
    public void Every_point_has_its_row_and_its_column()
    {
        Cases.Check(60, [new Axis(0, 20), new Axis(0, 40)], c =>
        {
            (Tensor<long> y, Tensor<long> x) = Meshgrid.Forward(new OperatorContext(Kernels.Simd), Values.Counting<long>(c[0]), Values.Counting<long>(c[1]));
            for (int i = 0; i < c[0] * c[1]; i++)
            {
                Assert.Equal(i, (y.AsSpan()[i] * c[1]) + x.AsSpan()[i]);
            }
        });
    }

    [Fact]
    public void Swapped_axes_give_the_transposed_grids()
    {
        OperatorContext context = new();
        Tensor<float> rows = Values.Draw<float>(new Random(1), 5);
        Tensor<float> columns = Values.Draw<float>(new Random(2), 9);
        (Tensor<float> y, Tensor<float> x) = Meshgrid.Forward(context, rows, columns);
        (Tensor<float> otherY, Tensor<float> otherX) = Meshgrid.Forward(context, columns, rows);
        Comparison.SameBits(y, Permute.Forward(context, otherX, 1, 0));
        Comparison.SameBits(x, Permute.Forward(context, otherY, 1, 0));
    }

    [Fact]
    public void Refusals()
    {
        Refusal.Of("Meshgrid: y holds [2, 1]; expected [H], 1 axes.", c => Meshgrid.Forward(c, new Tensor<float>([2, 1]), new Tensor<float>([3])));
        Refusal.Of("Meshgrid: x holds []; expected [W], 1 axes.", c => Meshgrid.Forward(c, new Tensor<float>([2]), new Tensor<float>([])));
    }
}
