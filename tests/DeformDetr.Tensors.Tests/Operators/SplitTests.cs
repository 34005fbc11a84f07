using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class SplitTests
{
    private static readonly OperatorContext Context = new();

    [Fact]
    public void By_hand()
    {
        Tensor<float>[] parts = Split.Forward(Context, Values.Of<float>([2, 3], 1, 2, 3, 4, 5, 6), [1, 2], 1);
        Assert.Equal(2, parts.Length);
        Assert.Equal([2, 1], parts[0].Shape);
        Assert.Equal([1, 4], parts[0].AsSpan().ToArray());
        Assert.Equal([2, 3, 5, 6], parts[1].AsSpan().ToArray());
    }

    [Fact]
    public void Concat_undoes_it_along_every_axis()
    {
        Cases.Check(100, [new Axis(1, 7), new Axis(1, 9), new Axis(1, 40), new Axis(0, 2)], c =>
        {
            Tensor<float> x = Values.Draw<float>(c.Random(), c[0], c[1], c[2]);
            int axis = c[3];
            int cut = c.Seed % (c[axis] + 1);
            Tensor<float>[] parts = Split.Forward(new OperatorContext(Kernels.Simd), x, [cut, 0, c[axis] - cut], axis);
            Assert.Equal(x.Shape.With(axis, cut), parts[0].Shape);
            Assert.Equal(x.Shape.With(axis, 0), parts[1].Shape);
            Comparison.SameBits(x, Concat.Forward(Context, parts, axis));
        });
    }

    [Fact]
    public void Refusals()
    {
        Tensor<float> x = new([2, 3]);
        Refusal.Of("Split: axis holds 2; expected an axis of [2, 3].", c => Split.Forward(c, x, [3], 2));
        Refusal.Of("Split: sizes holds 4 in all; expected 3, axis 1 of [2, 3].", c => Split.Forward(c, x, [2, 2], 1));
        Refusal.Of("Split: sizes holds -1; expected sizes >= 0.", c => Split.Forward(c, x, [4, -1], 1));
        Refusal.Of("Split: sizes holds 0 in all; expected 3, axis 1 of [2, 3].", c => Split.Forward(c, x, [], 1));
    }
}
