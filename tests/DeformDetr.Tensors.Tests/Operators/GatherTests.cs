using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class GatherTests
{
    [Fact]
    public void By_hand()
    {
        Tensor<float> x = Values.Of<float>([2, 3, 2], 1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60);
        Tensor<float> y = Gather.Forward(new OperatorContext(), x, Tensor<long>.FromArray([2, 2], [2, 0, 1, 1]));
        Assert.Equal([2, 2, 2], y.Shape);
        Assert.Equal([5, 6, 1, 2, 30, 40, 30, 40], y.AsSpan().ToArray());
    }

    [Fact]
    public void Every_element_comes_from_its_row_of_its_image()
    {
        Cases.Check(60, [new Axis(1, 3), new Axis(1, 40), new Axis(0, 9), new Axis(0, 30)], c =>
        {
            Random random = c.Random();
            Tensor<long> index = Tensor<long>.FromArray([c[0], c[3]], [.. Enumerable.Range(0, c[0] * c[3]).Select(_ => random.NextInt64(c[1]))]);
            Tensor<double> y = Gather.Forward(new OperatorContext(Kernels.Simd), Values.Counting<double>(c[0], c[1], c[2]), index);
            for (int i = 0; i < y.Length; i++)
            {
                int n = i / (c[3] * c[2]);
                int query = i / c[2] % c[3];
                Assert.Equal((((n * c[1]) + index[n, query]) * c[2]) + (i % c[2]), y.AsSpan()[i]);
            }
        });
    }

    [Fact]
    public void All_rows_in_order_are_the_input()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 2, 9, 5);
        Tensor<long> index = Tensor<long>.FromArray([2, 9], [.. Enumerable.Range(0, 18).Select(i => (long)i % 9)]);
        Comparison.SameBits(x, Gather.Forward(new OperatorContext(), x, index));
    }

    [Fact]
    public void Refusals()
    {
        Tensor<float> x = new([2, 3, 4]);
        Refusal.Of("Gather: input holds [2, 3]; expected [N, S, C], 3 axes.", c => Gather.Forward(c, new Tensor<float>([2, 3]), new Tensor<long>([2, 1])));
        Refusal.Of("Gather: index holds [3, 1]; expected [N, Q] = [2, any].", c => Gather.Forward(c, x, new Tensor<long>([3, 1])));
        Refusal.Of("Gather: index holds [2]; expected [N, Q] = [2, any].", c => Gather.Forward(c, x, new Tensor<long>([2])));
        Refusal.Of("Gather: index holds 3; expected indices in [0, 3).", c => Gather.Forward(c, x, Tensor<long>.FromArray([2, 1], [0, 3])));
        Refusal.Of("Gather: index holds -1; expected indices in [0, 3).", c => Gather.Forward(c, x, Tensor<long>.FromArray([2, 1], [-1, 0])));
        Refusal.Of("Gather: index holds 4294967296; expected indices in [0, 3).", c => Gather.Forward(c, x, Tensor<long>.FromArray([2, 1], [1L << 32, 0])));
    }
}
