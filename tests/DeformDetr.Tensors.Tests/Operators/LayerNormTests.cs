using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Numerics;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class LayerNormTests
{
    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand(Kernels kernels)
    {
        // 1, 3: mean 2, variance 1 (2 if it were unbiased). With epsilon 3 the root is 2.
        Tensor<double> x = Values.Of<double>([2, 2], 1, 3, 14, 10);
        Tensor<double> y = LayerNorm.Forward(new OperatorContext(kernels), x, Values.Of<double>([2], 10, 100), Values.Of<double>([2], 1, 2), epsilon: 3);
        Assert.Equal([-10 / 2.0 + 1, 100 / 2.0 + 2, 2 / Math.Sqrt(7) * 10 + 1, -2 / Math.Sqrt(7) * 100 + 2], y.AsSpan().ToArray(), (a, b) => Math.Abs(a - b) < 1e-13);
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void A_constant_row_becomes_the_bias(Kernels kernels)
    {
        Tensor<float> bias = Values.Draw<float>(new Random(1), 5);
        Tensor<float> y = LayerNorm.Forward(new OperatorContext(kernels), Values.Of<float>([1, 5], 7, 7, 7, 7, 7), Values.Draw<float>(new Random(2), 5), bias);
        Comparison.SameBits(bias, y.Reshape([5]));
    }

    [Fact]
    public void Both_bodies_agree_with_exact_sums()
    {
        Cases.Check(200, [new Axis(1, 5), new Axis(1, 600)], Law<float>);
        Cases.Check(200, [new Axis(1, 5), new Axis(1, 600)], Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T> => Agrees<T>(c);
    }

    [Fact]
    public void Both_bodies_agree_with_exact_sums_at_every_small_length()
    {
        for (int channels = 1; channels <= 49; channels++)
        {
            foreach (Family family in Enum.GetValues<Family>())
            {
                Agrees<float>(new Case([2, channels], channels, family));
                Agrees<double>(new Case([2, channels], channels, family));
            }
        }
    }

    [Fact]
    public void Simd_agrees_with_Textbook()
    {
        Cases.Check(200, [new Axis(1, 20), new Axis(1, 600)], Law<float>);
        Cases.Check(200, [new Axis(1, 20), new Axis(1, 600)], Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            (Tensor<T> x, Tensor<T> weight, Tensor<T> bias) = Draw<T>(c);
            Truth truth = Norms.OfRuns(x.Doubles(), c[1], i => i % c[1], weight.Doubles(), bias.Doubles(), 1e-5);
            double[] bound = Noise(truth, c[1]).Plus(Noise(truth, c[1])).AndRounding<T>(truth).Plus(new double[truth.Values.Length].AndRounding<T>(truth));
            Comparison.Close(LayerNorm.Forward(new OperatorContext(), x, weight, bias), bound, LayerNorm.Forward(new OperatorContext(Kernels.Simd), x, weight, bias), "tie");
        }
    }

    [Fact]
    public void Simd_is_the_written_order_bit_for_bit()
    {
        foreach (int channels in new[] { 1, 7, 8, 9, 16, 17, 31, 256, 300 })
        {
            float[] x = [.. Values.Draw<float>(new Random(channels), channels).AsSpan()];
            float[] weight = [.. Values.Draw<float>(new Random(1), channels).AsSpan()];
            float[] bias = [.. Values.Draw<float>(new Random(2), channels).AsSpan()];
            double mean = Contract.RowSum(channels, (j, sum) => sum + x[j]) / channels;
            double squares = Contract.RowSum(channels, (j, sum) => Math.FusedMultiplyAdd(x[j] - mean, x[j] - mean, sum));
            double inverse = 1 / Math.Sqrt((squares / channels) + 1e-5);
            float[] expected = [.. x.Select((value, j) => (float)Math.FusedMultiplyAdd((value - mean) * inverse, weight[j], bias[j]))];
            Tensor<float> y = LayerNorm.Forward(
                new OperatorContext(Kernels.Simd), Tensor<float>.FromArray([1, channels], x), Tensor<float>.FromArray([channels], weight), Tensor<float>.FromArray([channels], bias));
            Comparison.SameBits<float>(expected, y.AsSpan(), $"C = {channels}");
        }
    }

    [Fact]
    public void Simd_gives_the_same_bits_for_every_number_of_threads_and_for_a_row_alone()
    {
        Tensor<float> weight = Values.Draw<float>(new Random(1), 259);
        Tensor<float> bias = Values.Draw<float>(new Random(2), 259);
        Tensor<float> x = Values.Draw<float>(new Random(3), 600, 259);
        Comparison.SameBitsForThreads(context => LayerNorm.Forward(context, x, weight, bias));
        Comparison.SameBitsAlone(Tensor<float>.Create([90, 259], x.AsSpan()[..(90 * 259)]), (context, some) => LayerNorm.Forward(context, some, weight, bias));
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void A_shift_and_a_positive_factor_of_the_row_change_nothing(Kernels kernels)
    {
        // With epsilon 0. The factor is a power of two and the values are integers: all of it is exact but the root and the quotient.
        Random random = new(5);
        Tensor<double> x = Values.Of<double>([4, 33], [.. Enumerable.Range(0, 132).Select(_ => (double)random.Next(-500, 500))]);
        Tensor<double> moved = Values.Of<double>([4, 33], [.. x.Doubles().Select(v => 8 * (v + 1000))]);
        Tensor<double> weight = Values.Draw<double>(random, 33);
        Tensor<double> bias = Values.Draw<double>(random, 33);
        OperatorContext context = new(kernels);
        Comparison.Close(LayerNorm.Forward(context, x, weight, bias, 0), Bound.All(132, 1e-12), LayerNorm.Forward(context, moved, weight, bias, 0));
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void Without_factor_and_offset_a_row_has_mean_zero_and_population_variance_one(Kernels kernels)
    {
        Tensor<double> x = Values.Draw<double>(new Random(4), 3, 77);
        Tensor<double> y = LayerNorm.Forward(new OperatorContext(kernels), x, Values.Of<double>([77], [.. Enumerable.Repeat(1.0, 77)]), new Tensor<double>([77]), 0);
        for (int row = 0; row < 3; row++)
        {
            ReadOnlySpan<double> values = y.AsReadOnlySpan().Slice(row * 77, 77);
            Assert.InRange(RowSum.Of(values) / 77, -1e-14, 1e-14);
            Assert.InRange(RowSum.OfSquares(values, 0) / 77, 1 - 1e-13, 1 + 1e-13);
        }
    }

    [Fact]
    public void NaN_in_a_row_stays_in_that_row()
    {
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            Tensor<float> x = Values.Draw<float>(new Random(4), 3, 20);
            x[1, 17] = float.NaN;
            Tensor<float> y = LayerNorm.Forward(new OperatorContext(kernels), x, Values.Draw<float>(new Random(5), 20), Values.Draw<float>(new Random(6), 20));
            for (int i = 0; i < 60; i++)
            {
                Assert.Equal(i / 20 == 1, float.IsNaN(y.AsSpan()[i]));
            }
        }
    }

    [Fact]
    public void Rows_on_their_own_and_in_place_have_the_operator_s_bits()
    {
        Cases.Check(60, [new(1, 9), new(1, 70)], Law<float>);
        Cases.Check(60, [new(1, 9), new(1, 70)], Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            (Tensor<T> x, Tensor<T> weight, Tensor<T> bias) = Draw<T>(c);
            ReadOnlySpan<T> w = weight.AsReadOnlySpan();
            ReadOnlySpan<T> b = bias.AsReadOnlySpan();
            Tensor<T> expected = LayerNorm.Forward(new OperatorContext(Kernels.Simd), x, weight, bias);
            Tensor<T> apart = new(x.Shape);
            for (int row = 0; row < c[0]; row++)
            {
                LayerNorm.Rows(
                    x.AsReadOnlySpan().Slice(row * c[1], c[1]), w, b, LayerNorm.DefaultEpsilon, apart.AsSpan().Slice(row * c[1], c[1]));
            }

            Comparison.SameNumbers(expected, apart, "row by row");
            LayerNorm.Rows(x.AsReadOnlySpan(), w, b, LayerNorm.DefaultEpsilon, x.AsSpan());
            Comparison.SameNumbers(expected, x, "in place");
        }
    }

    [Fact]
    public void Refusals()
    {
        Tensor<float> c4 = new([4]);
        Refusal.Of("LayerNorm: input holds []; expected [.., C] with C > 0.", c => LayerNorm.Forward(c, new Tensor<float>([]), c4, c4));
        Refusal.Of("LayerNorm: input holds [2, 0]; expected [.., C] with C > 0.", c => LayerNorm.Forward(c, new Tensor<float>([2, 0]), c4, c4));
        Refusal.Of("LayerNorm: weight holds [4]; expected [C] = [3].", c => LayerNorm.Forward(c, new Tensor<float>([2, 3]), c4, c4));
        Refusal.Of("LayerNorm: weight holds [1, 4]; expected [C] = [4].", c => LayerNorm.Forward(c, new Tensor<float>([2, 4]), new Tensor<float>([1, 4]), c4));
        Refusal.Of("LayerNorm: bias holds [3]; expected [C] = [4].", c => LayerNorm.Forward(c, new Tensor<float>([2, 4]), c4, new Tensor<float>([3])));
    }

    private static (Tensor<T> X, Tensor<T> Weight, Tensor<T> Bias) Draw<T>(Case c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Random random = c.Random();
        return (Values.Draw<T>(random, c.Family, c[0], c[1]), Values.Draw<T>(random, c[1]), Values.Draw<T>(random, c[1]));
    }

    // A mean of C terms in double, twice (itself and in the variance), and ten steps after that.
    private static double[] Noise(Truth truth, int channels) => Bound.OfDoubleSteps(truth, (2 * channels) + 10);

    private static void Agrees<T>(Case c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        (Tensor<T> x, Tensor<T> weight, Tensor<T> bias) = Draw<T>(c);
        Truth truth = Norms.OfRuns(x.Doubles(), c[1], i => i % c[1], weight.Doubles(), bias.Doubles(), 1e-5);
        Comparison.RoundedOnce(x.Shape, truth.Values, Noise(truth, c[1]), LayerNorm.Forward(new OperatorContext(), x, weight, bias), "Textbook");
        Comparison.RoundedOnce(x.Shape, truth.Values, Noise(truth, c[1]), LayerNorm.Forward(new OperatorContext(Kernels.Simd), x, weight, bias), "Simd");
    }
}
