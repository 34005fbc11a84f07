using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class EmbeddingTests
{
    [Fact]
    public void By_hand()
    {
        Tensor<float> weight = Values.Of<float>([3, 2], 1, 2, 3, 4, 5, 6);
        Tensor<float> y = Embedding.Forward(new OperatorContext(), weight, Tensor<long>.FromArray([2, 2], [2, 0, 1, 1]));
        Assert.Equal([2, 2, 2], y.Shape);
        Assert.Equal([5, 6, 1, 2, 3, 4, 3, 4], y.AsSpan().ToArray());
        Assert.Equal([2], Embedding.Forward(new OperatorContext(), weight, Tensor<long>.FromArray([], [1])).Shape);
        Assert.Equal([0, 2], Embedding.Forward(new OperatorContext(), weight, new Tensor<long>([0])).Shape);
    }

    [Fact]
    public void It_is_a_product_with_rows_of_the_unit_matrix()
    {
        Cases.Check(50, [new Axis(1, 40), new Axis(1, 33), new Axis(1, 20)], c =>
        {
            Random random = c.Random();
            Tensor<float> weight = Values.Draw<float>(random, c.Family, c[0], c[1]);
            Tensor<long> index = Tensor<long>.FromArray([c[2]], [.. Enumerable.Range(0, c[2]).Select(_ => random.NextInt64(c[0]))]);
            Tensor<float> ones = new([c[2], c[0]]);
            for (int i = 0; i < c[2]; i++)
            {
                ones[i, (int)index[i]] = 1;
            }

            Comparison.SameBits(MatMul.Forward(new OperatorContext(), ones, weight), Embedding.Forward(new OperatorContext(Kernels.Simd), weight, index));
        });
    }

    [Fact]
    public void Refusals()
    {
        Refusal.Of("Embedding: weight holds [6]; expected [R, C], 2 axes.", c => Embedding.Forward(c, new Tensor<float>([6]), new Tensor<long>([1])));
        Refusal.Of("Embedding: index holds 3; expected indices in [0, 3).", c => Embedding.Forward(c, new Tensor<float>([3, 2]), Tensor<long>.FromArray([1], [3])));
        Refusal.Of("Embedding: index holds -1; expected indices in [0, 3).", c => Embedding.Forward(c, new Tensor<float>([3, 2]), Tensor<long>.FromArray([1], [-1])));
    }
}
