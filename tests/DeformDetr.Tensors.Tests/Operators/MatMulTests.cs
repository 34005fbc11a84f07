using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class MatMulTests
{
    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand(Kernels kernels)
    {
        OperatorContext context = new(kernels);
        Tensor<float> a = Values.Of<float>([2, 3], 1, 2, 3, 4, 5, 6);
        Tensor<float> b = Values.Of<float>([3, 2], 7, 8, 9, 10, 11, 12);
        Assert.Equal([58, 64, 139, 154], MatMul.Forward(context, a, b).AsSpan().ToArray());

        // The same columns, held as rows.
        Tensor<float> rows = Values.Of<float>([2, 3], 7, 9, 11, 8, 10, 12);
        Assert.Equal([58, 64, 139, 154], MatMul.Forward(context, a, rows, transposed: true).AsSpan().ToArray());
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void Matrices_of_a_batch_are_multiplied_one_by_one(Kernels kernels)
    {
        Tensor<float> a = Values.Of<float>([2, 1, 2], 1, 2, 3, 4);
        Tensor<float> b = Values.Of<float>([2, 2, 1], 10, 100, 1000, 10000);
        Assert.Equal([210, 43000], MatMul.Forward(new OperatorContext(kernels), a, b).AsSpan().ToArray());
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void Empty_sums_are_zero_and_empty_batches_are_empty(Kernels kernels)
    {
        OperatorContext context = new(kernels);
        Assert.Equal([0, 0, 0, 0, 0, 0], MatMul.Forward(context, new Tensor<float>([2, 0]), new Tensor<float>([0, 3])).AsSpan().ToArray());
        Assert.Equal([0, 2, 3], MatMul.Forward(context, new Tensor<float>([0, 2, 4]), new Tensor<float>([0, 4, 3])).Shape);
        Assert.Equal([2, 0, 3], MatMul.Forward(context, new Tensor<float>([2, 0, 4]), new Tensor<float>([2, 4, 3])).Shape);
    }

    [Fact]
    public void Both_bodies_agree_with_exact_sums()
    {
        Cases.Check(50, [new Axis(1, 3), new Axis(1, 14), new Axis(1, 35), new Axis(1, 270)], Law<float>);
        Cases.Check(50, [new Axis(1, 3), new Axis(1, 14), new Axis(1, 35), new Axis(1, 270)], Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            (Tensor<T> a, Tensor<T> b) = Draw<T>(c);
            DoubleDouble[] values = new DoubleDouble[c[0] * c[1] * c[2]];
            double[] magnitudes = new double[values.Length];
            for (int n = 0; n < c[0]; n++)
            {
                double[] left = a.Doubles()[(n * c[1] * c[3])..((n + 1) * c[1] * c[3])];
                double[] right = b.Doubles()[(n * c[3] * c[2])..((n + 1) * c[3] * c[2])];
                Truth one = Products.OfRows(left, Products.Transposed(right, c[3], c[2]), null, c[1], c[2], c[3]);
                one.Values.CopyTo(values, n * c[1] * c[2]);
                one.Magnitudes.CopyTo(magnitudes, n * c[1] * c[2]);
            }

            Truth truth = new(values, magnitudes);
            TensorShape shape = [c[0], c[1], c[2]];
            Comparison.RoundedOnce(shape, values, Bound.OfDoubleSum(truth, c[3]), MatMul.Forward(new OperatorContext(), a, b), "Textbook");
            Comparison.Within(shape, values, Bound.OfBlockedSum<T>(truth, c[3], c.IsRegular), MatMul.Forward(new OperatorContext(Kernels.Simd, 2), a, b), "Simd");
        }
    }

    [Fact]
    public void Simd_agrees_with_Textbook()
    {
        Cases.Check(60, [new Axis(1, 3), new Axis(1, 70), new Axis(1, 70), new Axis(1, 520)], Law<float>);
        Cases.Check(40, [new Axis(1, 3), new Axis(1, 70), new Axis(1, 70), new Axis(1, 520)], Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            (Tensor<T> a, Tensor<T> b) = Draw<T>(c);
            OperatorContext textbook = new();
            OperatorContext simd = new(Kernels.Simd, 2);
            Tensor<T> expected = MatMul.Forward(textbook, a, b);
            Truth sizes = new(expected.Doubles().Exactly(), MatMul.Forward(textbook, a.Magnitudes(), b.Magnitudes()).Doubles());
            double[] bound = Bound.OfBlockedSum<T>(sizes, c[3], c.IsRegular).Plus(Bound.OfDoubleSum(sizes, c[3]).AndRounding<T>(sizes));
            Comparison.Close(expected, bound, MatMul.Forward(simd, a, b), "tie");
            Tensor<T> rows = Permute.Forward(textbook, b, 0, 2, 1);
            Comparison.SameBits(expected, MatMul.Forward(textbook, a, rows, transposed: true), "Textbook transposed");
            Comparison.SameBits(MatMul.Forward(simd, a, b), MatMul.Forward(simd, a, rows, transposed: true), "Simd transposed");
        }
    }

    [Fact]
    public void Simd_is_the_written_order_bit_for_bit()
    {
        foreach (int depth in new[] { 1, 255, 256, 257, 513 })
        {
            Tensor<float> a = Values.Draw<float>(new Random(depth), 11, depth);
            Tensor<float> b = Values.Draw<float>(new Random(depth + 1), depth, 37);
            Tensor<float> rows = Permute.Forward(new OperatorContext(), b, 1, 0);
            Comparison.SameBits(Contract.Product(a, rows, null), MatMul.Forward(new OperatorContext(Kernels.Simd), a, b), $"K = {depth}");
        }
    }

    [Fact]
    public void Simd_gives_the_same_bits_for_every_number_of_threads_and_batch()
    {
        Tensor<float> a = Values.Draw<float>(new Random(1), 5, 90, 300);
        Tensor<float> b = Values.Draw<float>(new Random(2), 5, 300, 110);
        Comparison.SameBitsForThreads(context => MatMul.Forward(context, a, b));
        Comparison.SameBitsForThreads(context => MatMul.Forward(context, a.Reshape([450, 300]), Tensor<float>.Create([300, 110], b.AsSpan()[..33000])));
        Comparison.SameBitsAlone(a, (context, some) => MatMul.Forward(
            context, some, some.Shape[0] == 5 ? Repeated(b, 5) : Tensor<float>.Create([1, 300, 110], b.AsSpan()[..33000])));

        static Tensor<float> Repeated(Tensor<float> b, int count) =>
            Concat.Forward(new OperatorContext(), [.. Enumerable.Range(0, count).Select(_ => Tensor<float>.Create([1, 300, 110], b.AsSpan()[..33000]))], 0);
    }

    [Fact]
    public void The_unit_matrix_changes_nothing_and_the_product_of_transposes_is_the_transpose()
    {
        Cases.Check(40, [new Axis(1, 40), new Axis(1, 40)], c =>
        {
            Tensor<float> a = Values.Draw<float>(c.Random(), c.Family, c[0], c[1]);
            Tensor<float> unit = new([c[1], c[1]]);
            for (int i = 0; i < c[1]; i++)
            {
                unit[i, i] = 1;
            }

            OperatorContext context = new(Kernels.Simd);
            Comparison.SameBits(a, MatMul.Forward(context, a, unit));

            // a · aᵀ is symmetric, bit for bit: the same products in the same order.
            Tensor<float> square = MatMul.Forward(context, a, a, transposed: true);
            Comparison.SameBits(square, Permute.Forward(context, square, 1, 0));
        });
    }

    [Fact]
    public void Refusals()
    {
        Refusal.Of("MatMul: a holds [3]; expected [.., M, K], at least 2 axes.", c => MatMul.Forward(c, new Tensor<float>([3]), new Tensor<float>([3, 2])));
        Refusal.Of(
            "MatMul: b holds [4, 2]; expected [.., K, N] with the leading axes and K of a = [2, 3].", c => MatMul.Forward(c, new Tensor<float>([2, 3]), new Tensor<float>([4, 2])));
        Refusal.Of(
            "MatMul: b holds [3, 2]; expected [.., N, K] with the leading axes and K of a = [2, 3].",
            c => MatMul.Forward(c, new Tensor<float>([2, 3]), new Tensor<float>([3, 2]), transposed: true));
        Refusal.Of(
            "MatMul: b holds [3, 2]; expected [.., K, N] with the leading axes and K of a = [5, 2, 3].", c => MatMul.Forward(c, new Tensor<float>([5, 2, 3]), new Tensor<float>([3, 2])));
        Refusal.Of(
            "MatMul: b holds [1, 3, 2]; expected [.., K, N] with the leading axes and K of a = [5, 2, 3].",
            c => MatMul.Forward(c, new Tensor<float>([5, 2, 3]), new Tensor<float>([1, 3, 2])));
    }

    private static (Tensor<T> A, Tensor<T> B) Draw<T>(Case c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Random random = c.Random();
        return (Values.Draw<T>(random, c.Family, c[0], c[1], c[3]), Values.Draw<T>(random, c.Family, c[0], c[3], c[2]));
    }
}
