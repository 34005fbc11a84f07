using System.Numerics;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class AddTests
{
    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand(Kernels kernels)
    {
        OperatorContext context = new(kernels);
        Tensor<float> a = Values.Of<float>([2, 2], 1, 2, 3, 4);
        Assert.Equal([11, 22, 33, 44], Add.Forward(context, a, Values.Of<float>([2, 2], 10, 20, 30, 40)).AsSpan().ToArray());
        Add.RowInPlace(context, a, [100, 200]);
        Assert.Equal([101, 202, 103, 204], a.AsSpan().ToArray());
    }

    [Fact]
    public void It_is_the_exact_sum_rounded_once()
    {
        Cases.Check(60, [new Axis(1, 9), new Axis(1, 600)], Law<float>);
        Cases.Check(60, [new Axis(1, 9), new Axis(1, 600)], Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Random random = c.Random();
            Tensor<T> a = Values.Draw<T>(random, c.Family, c.Sizes);
            Tensor<T> b = Values.Draw<T>(random, c.Sizes);
            Tensor<T> row = Values.Draw<T>(random, c[1]);
            Tensor<T> expected = new(a.Shape);
            Tensor<T> withRow = new(a.Shape);
            for (int i = 0; i < a.Length; i++)
            {
                expected.AsSpan()[i] = a.AsSpan()[i] + b.AsSpan()[i];
                withRow.AsSpan()[i] = a.AsSpan()[i] + row[i % c[1]];
            }

            foreach (Kernels kernels in Enum.GetValues<Kernels>())
            {
                Comparison.SameBits(expected, Add.Forward(new OperatorContext(kernels, 3), a, b), $"{kernels}");
                Comparison.SameBits(expected, Add.Forward(new OperatorContext(kernels, 3), b, a), $"{kernels}, the other way round");
                Tensor<T> target = a.Clone();
                Add.RowInPlace(new OperatorContext(kernels, 3), target, [.. row.AsSpan()]);
                Comparison.SameBits(withRow, target, $"{kernels} row");
            }
        }
    }

    [Fact]
    public void It_gives_the_same_bits_for_every_number_of_threads()
    {
        Tensor<float> a = Values.Draw<float>(new Random(1), 700, 511);
        Tensor<float> b = Values.Draw<float>(new Random(2), 700, 511);
        float[] row = [.. Values.Draw<float>(new Random(3), 511).AsSpan()];
        Comparison.SameBitsForThreads(context => Add.Forward(context, a, b));
        Comparison.SameBitsForThreads(context =>
        {
            Tensor<float> target = a.Clone();
            Add.RowInPlace(context, target, row);
            return target;
        });
    }

    [Fact]
    public void Refusals()
    {
        Refusal.Of("Add: b holds [3, 2]; expected the shape of a = [2, 3].", c => Add.Forward(c, new Tensor<float>([2, 3]), new Tensor<float>([3, 2])));
        Refusal.Of("Add: b holds [3]; expected the shape of a = [2, 3].", c => Add.Forward(c, new Tensor<float>([2, 3]), new Tensor<float>([3])));
        Refusal.Of("Add: tensor holds [2, 3]; expected [.., C] with C = 2.", c => Add.RowInPlace(c, new Tensor<float>([2, 3]), [1, 2]));
        Refusal.Of("Add: tensor holds []; expected [.., C] with C = 1.", c => Add.RowInPlace(c, new Tensor<float>([]), [1]));
        Refusal.Of("Add: tensor holds [2, 0]; expected [.., C] with C = 0.", c => Add.RowInPlace<float>(c, new Tensor<float>([2, 0]), []));
    }
}
