using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Numerics;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class SoftmaxTests
{
    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand(Kernels kernels)
    {
        OperatorContext context = new(kernels);
        Assert.Equal([0.25f, 0.25f, 0.25f, 0.25f], Softmax.Forward(context, Values.Of<float>([4], 3, 3, 3, 3)).AsSpan().ToArray());
        Assert.Equal([1f, 0f, 0f], Softmax.Forward(context, Values.Of<float>([3], 90, -90, -200)).AsSpan().ToArray(), (a, b) => Math.Abs(a - b) < 1e-30);

        // Logits ln 1, ln 2, ln 5.
        Tensor<double> y = Softmax.Forward(context, Values.Of<double>([3], 0, 0.6931471805599453, 1.6094379124341003));
        Assert.Equal([0.125, 0.25, 0.625], y.AsSpan().ToArray(), (a, b) => Math.Abs(a - b) < 1e-15);
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void Large_logits_do_not_overflow(Kernels kernels)
    {
        // TensorPrimitives.SoftMax gives NaN here.
        Tensor<float> y = Softmax.Forward(new OperatorContext(kernels), Values.Of<float>([2, 3], 90, 2, -2, 3e38, -3e38, 0));
        Assert.Equal([1, 6.0546e-39f, 0, 1, 0, 0], y.AsSpan().ToArray(), (a, b) => Math.Abs(a - b) < 1e-38);
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void Infinities_as_documented(Kernels kernels)
    {
        double inf = double.PositiveInfinity;
        Tensor<float> y = Softmax.Forward(new OperatorContext(kernels), Values.Of<float>([4, 2], 0, -inf, -inf, -inf, inf, 0, double.NaN, 1));
        Assert.Equal([1, 0, float.NaN, float.NaN, float.NaN, float.NaN, float.NaN, float.NaN], y.AsSpan().ToArray());
    }

    [Fact]
    public void Both_bodies_agree_with_the_logarithm_of_the_sum()
    {
        Cases.Check(120, [new Axis(1, 4), new Axis(1, 300)], Agrees<float>);
        Cases.Check(120, [new Axis(1, 4), new Axis(1, 300)], Agrees<double>);
    }

    [Fact]
    public void Both_bodies_agree_with_the_logarithm_of_the_sum_at_every_small_length()
    {
        for (int channels = 1; channels <= 49; channels++)
        {
            Agrees<float>(new Case([2, channels], channels, Family.Plain));
            Agrees<double>(new Case([2, channels], channels, Family.Plain));
        }
    }

    [Fact]
    public void Simd_gives_the_same_bits_for_every_number_of_threads_and_for_a_row_alone()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 1500, 33);
        Comparison.SameBitsForThreads(context => Softmax.Forward(context, x));
        Comparison.SameBitsAlone(Values.Draw<float>(new Random(1), 70, 300), Softmax.Forward);
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void A_shift_changes_no_bit_and_a_row_sums_to_one(Kernels kernels)
    {
        // Integers, so that the shift itself is exact.
        Random random = new(3);
        Tensor<double> x = Values.Of<double>([9, 57], [.. Enumerable.Range(0, 513).Select(_ => (double)random.Next(-30, 30))]);
        Tensor<double> shifted = Values.Of<double>(x.Shape, [.. x.Doubles().Select(v => v + 1000)]);
        OperatorContext context = new(kernels);
        Tensor<double> y = Softmax.Forward(context, x);
        Comparison.SameBits(y, Softmax.Forward(context, shifted));
        for (int row = 0; row < 9; row++)
        {
            Assert.InRange(RowSum.Of<double>(y.AsReadOnlySpan().Slice(row * 57, 57)), 1 - 1e-14, 1 + 1e-14);
        }
    }

    [Fact]
    public void Permuted_logits_give_permuted_weights()
    {
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            Tensor<double> x = Values.Draw<double>(new Random(8), 1, 40);
            Tensor<double> reversed = Values.Of<double>(x.Shape, [.. x.Doubles().Reverse()]);
            OperatorContext context = new(kernels);
            double[] expected = [.. Softmax.Forward(context, x).Doubles().Reverse()];
            Comparison.Close(Values.Of<double>(x.Shape, expected), Bound.All(40, 1e-15), Softmax.Forward(context, reversed));
        }
    }

    [Fact]
    public void Rows_on_their_own_and_in_place_have_the_operator_s_bits()
    {
        Cases.Check(60, [new(1, 60), new(1, 70)], Law<float>);
        Cases.Check(60, [new(1, 60), new(1, 70)], Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Tensor<T> x = Values.Draw<T>(c.Random(), c.Family, c[0], c[1]).WithSpecials(c.Random(), 50);
            Tensor<T> expected = Softmax.Forward(new OperatorContext(Kernels.Simd), x);
            Tensor<T> apart = new(x.Shape);
            for (int row = 0; row < c[0]; row++)
            {
                Softmax.Rows(x.AsReadOnlySpan().Slice(row * c[1], c[1]), c[1], apart.AsSpan().Slice(row * c[1], c[1]));
            }

            Comparison.SameNumbers(expected, apart, "row by row");
            Softmax.Rows(x.AsReadOnlySpan(), c[1], x.AsSpan());
            Comparison.SameNumbers(expected, x, "in place");
        }
    }

    [Fact]
    public void Refusals()
    {
        Refusal.Of("Softmax: input holds []; expected [.., C] with C > 0.", c => Softmax.Forward(c, new Tensor<float>([])));
        Refusal.Of("Softmax: input holds [2, 0]; expected [.., C] with C > 0.", c => Softmax.Forward(c, new Tensor<float>([2, 0])));
        Assert.Contains(
            "expected whole rows of 0", Assert.Throws<ArgumentException>(() => Softmax.Rows<float>(new float[4], 0, new float[4])).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Softmax.Rows<float>(new float[5], 2, new float[5]));
        Assert.Throws<ArgumentException>(() => Softmax.Rows<float>(new float[4], 2, new float[5]));
    }

    private static void Agrees<T>(Case c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> x = Values.Draw<T>(c.Random(), c.Family, c[0], c[1]);
        Truth truth = Functions.Softmax(x.Doubles(), c[1]);
        double[] noise = [.. Bound.OfDoubleSteps(truth, c[1] + 8).Select(bound => bound + double.Epsilon)];
        Comparison.RoundedOnce(x.Shape, truth.Values, noise, Softmax.Forward(new OperatorContext(), x), "Textbook");
        Comparison.RoundedOnce(x.Shape, truth.Values, noise, Softmax.Forward(new OperatorContext(Kernels.Simd), x), "Simd");
        Comparison.Close(
            Softmax.Forward(new OperatorContext(), x), noise.AndRounding<T>(truth).Plus(noise.AndRounding<T>(truth)), Softmax.Forward(new OperatorContext(Kernels.Simd), x), "tie");
    }
}
