using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class LinearTests
{
    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand(Kernels kernels)
    {
        Tensor<float> x = Values.Of<float>([2, 2], 1, 2, 3, 4);
        Tensor<float> weight = Values.Of<float>([3, 2], 1, 0, 0, 1, 1, -1);
        Tensor<float> bias = Values.Of<float>([3], 10, 20, 30);
        OperatorContext context = new(kernels);
        Assert.Equal([11, 22, 29, 13, 24, 29], Linear.Forward(context, x, weight, bias).AsSpan().ToArray());
        Assert.Equal([1, 2, -1, 3, 4, -1], Linear.Forward(context, x, weight, null).AsSpan().ToArray());
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void No_input_features_leave_the_bias_and_no_rows_leave_nothing(Kernels kernels)
    {
        OperatorContext context = new(kernels);
        Assert.Equal([5, 6, 5, 6], Linear.Forward(context, new Tensor<double>([2, 0]), new Tensor<double>([2, 0]), Values.Of<double>([2], 5, 6)).AsSpan().ToArray());
        Assert.Equal([0, 0], Linear.Forward(context, new Tensor<double>([1, 0]), new Tensor<double>([2, 0]), null).AsSpan().ToArray());
        Assert.Equal([0, 2], Linear.Forward(context, new Tensor<float>([0, 3]), new Tensor<float>([2, 3]), null).Shape);
        Assert.Equal([4, 0], Linear.Forward(context, new Tensor<float>([4, 3]), new Tensor<float>([0, 3]), null).Shape);
    }

    [Fact]
    public void Leading_axes_are_rows()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 2, 3, 5);
        Tensor<float> weight = Values.Draw<float>(new Random(2), 4, 5);
        OperatorContext context = new(Kernels.Simd);
        Tensor<float> y = Linear.Forward(context, x, weight, null);
        Assert.Equal([2, 3, 4], y.Shape);
        Comparison.SameBits(Linear.Forward(context, x.Reshape([6, 5]), weight, null), y.Reshape([6, 4]));
    }

    [Fact]
    public void Both_bodies_agree_with_exact_sums()
    {
        Cases.Check(60, [new Axis(1, 14), new Axis(1, 35), new Axis(1, 300)], Law<float>);
        Cases.Check(60, [new Axis(1, 14), new Axis(1, 35), new Axis(1, 300)], Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            (Tensor<T> x, Tensor<T> weight, Tensor<T> bias) = Draw<T>(c);
            Truth truth = Products.OfRows(x.Doubles(), weight.Doubles(), bias.Doubles(), c[0], c[1], c[2]);
            Comparison.RoundedOnce([c[0], c[1]], truth.Values, Bound.OfDoubleSum(truth, c[2]), Linear.Forward(new OperatorContext(), x, weight, bias), "Textbook");
            Comparison.Within([c[0], c[1]], truth.Values, Bound.OfBlockedSum<T>(truth, c[2], c.IsRegular), Linear.Forward(new OperatorContext(Kernels.Simd), x, weight, bias), "Simd");
        }
    }

    [Fact]
    public void Simd_agrees_with_Textbook()
    {
        Cases.Check(100, [new Axis(1, 70), new Axis(1, 100), new Axis(1, 600)], Law<float>);
        Cases.Check(60, [new Axis(1, 70), new Axis(1, 100), new Axis(1, 600)], Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            (Tensor<T> x, Tensor<T> weight, Tensor<T> bias) = Draw<T>(c);
            Tie(x, weight, bias, c.IsRegular);
        }
    }

    [Fact]
    public void The_bound_of_the_tie_is_not_slack()
    {
        // What the largest error uses of its bound over ordinary values: a bound ten times wider would be seen here.
        Tensor<float> x = Values.Draw<float>(new Random(11), 64, 513);
        Tensor<float> weight = Values.Draw<float>(new Random(12), 96, 513);
        Truth truth = Products.OfRows(x.Doubles(), weight.Doubles(), null, 64, 96, 513);
        double[] bound = Bound.OfBlockedSum<float>(truth, 513, false);
        double[] simd = Linear.Forward(new OperatorContext(Kernels.Simd), x, weight, null).Doubles();
        double used = simd.Select((value, i) => Math.Abs(value - truth.Values[i].High) / bound[i]).Max();
        Assert.InRange(used, 0.005, 0.5);
    }

    [Fact]
    public void Simd_gives_the_same_bits_for_every_number_of_threads()
    {
        foreach ((int rows, int outputs, int inputs) in new[] { (700, 96, 64), (40, 1100, 70), (300, 300, 300) })
        {
            Tensor<float> x = Values.Draw<float>(new Random(3), rows, inputs);
            Tensor<float> weight = Values.Draw<float>(new Random(4), outputs, inputs);
            Tensor<float> bias = Values.Draw<float>(new Random(5), outputs);
            Comparison.SameBitsForThreads(context => Linear.Forward(context, x, weight, bias));
        }
    }

    [Fact]
    public void A_row_gives_the_same_bits_alone_and_among_others()
    {
        Tensor<float> weight = Values.Draw<float>(new Random(6), 45, 300);
        Tensor<float> bias = Values.Draw<float>(new Random(7), 45);
        Comparison.SameBitsAlone(Values.Draw<float>(new Random(8), 61, 300), (context, x) => Linear.Forward(context, x, weight, bias));
    }

    [Fact]
    public void Float_Simd_is_the_written_order_bit_for_bit()
    {
        foreach (int inputs in new[] { 1, 7, 255, 256, 257, 513, 1025 })
        {
            Tensor<float> x = Values.Draw<float>(new Random(inputs), 13, inputs);
            Tensor<float> weight = Values.Draw<float>(new Random(inputs + 1), 35, inputs);
            Tensor<float> bias = Values.Draw<float>(new Random(inputs + 2), 35);
            Comparison.SameBits(Contract.Product(x, weight, bias), Linear.Forward(new OperatorContext(Kernels.Simd), x, weight, bias), $"I = {inputs}");
        }
    }

    [Fact]
    public void It_is_linear_in_the_input()
    {
        // Doubling is exact, so it commutes with every rounding; a sum does so to the bound.
        Cases.Check(40, [new Axis(1, 20), new Axis(1, 40), new Axis(1, 300)], c =>
        {
            (Tensor<double> x, Tensor<double> weight, _) = Draw<double>(c);
            Tensor<double> other = Values.Draw<double>(new Random(c.Seed + 1), c.Family, c[0], c[2]);
            OperatorContext context = new(Kernels.Simd);
            Tensor<double> doubled = Values.Of<double>(x.Shape, [.. x.Doubles().Select(v => 2 * v)]);
            Tensor<double> y = Linear.Forward(context, x, weight, null);
            Comparison.SameBits(Values.Of<double>(y.Shape, [.. y.Doubles().Select(v => 2 * v)]), Linear.Forward(context, doubled, weight, null), "doubled");

            Tensor<double> sum = Add.Forward(context, y, Linear.Forward(context, other, weight, null));
            Tensor<double> magnitude = Linear.Forward(context, Add.Forward(context, x.Magnitudes(), other.Magnitudes()), weight.Magnitudes(), null);
            Comparison.Close(sum, [.. magnitude.Doubles().Select(m => (2 * (c[2] + 4) * Bound.InDouble * m) + 1e-300)], Linear.Forward(context, Add.Forward(context, x, other), weight, null), "added");
        });
    }

    [Fact]
    public void Refusals()
    {
        Tensor<float> weight = new([3, 2]);
        Refusal.Of("Linear: weight holds [3, 2, 1]; expected [O, I], 2 axes.", c => Linear.Forward(c, new Tensor<float>([4, 2]), new Tensor<float>([3, 2, 1]), null));
        Refusal.Of("Linear: input holds [4, 3]; expected [.., I] with I = 2.", c => Linear.Forward(c, new Tensor<float>([4, 3]), weight, null));
        Refusal.Of("Linear: input holds []; expected [.., I] with I = 2.", c => Linear.Forward(c, new Tensor<float>([]), weight, null));
        Refusal.Of("Linear: bias holds [2]; expected [O] = [3].", c => Linear.Forward(c, new Tensor<float>([4, 2]), weight, new Tensor<float>([2])));
        Refusal.Of("Linear: bias holds [1, 3]; expected [O] = [3].", c => Linear.Forward(c, new Tensor<float>([4, 2]), weight, new Tensor<float>([1, 3])));
    }

    private static (Tensor<T> X, Tensor<T> Weight, Tensor<T> Bias) Draw<T>(Case c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Random random = c.Random();
        return (Values.Draw<T>(random, c.Family, c[0], c[2]), Values.Draw<T>(random, c.Family, c[1], c[2]), Values.Draw<T>(random, c.Family, c[1]));
    }

    private static void Tie<T>(Tensor<T> x, Tensor<T> weight, Tensor<T> bias, bool regular)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        OperatorContext textbook = new();
        Tensor<T> expected = Linear.Forward(textbook, x, weight, bias);
        Truth sizes = new(expected.Doubles().Exactly(), Linear.Forward(textbook, x.Magnitudes(), weight.Magnitudes(), bias.Magnitudes()).Doubles());
        double[] bound = Bound.OfBlockedSum<T>(sizes, x.Shape[^1], regular).Plus(Bound.OfDoubleSum(sizes, x.Shape[^1]).AndRounding<T>(sizes));
        Comparison.Close(expected, bound, Linear.Forward(new OperatorContext(Kernels.Simd), x, weight, bias), "tie");
    }
}
