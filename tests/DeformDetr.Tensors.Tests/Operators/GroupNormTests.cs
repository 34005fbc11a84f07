using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class GroupNormTests
{
    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand(Kernels kernels)
    {
        // Two groups of two channels of one pixel: 1, 3 (mean 2, variance 1) and 10, 14 (mean 12, variance 4). Epsilon 0.
        Tensor<double> x = Values.Of<double>([1, 4, 1, 1], 1, 3, 10, 14);
        Tensor<double> y = GroupNorm.Forward(new OperatorContext(kernels), x, 2, Values.Of<double>([4], 1, 10, 100, 1000), Values.Of<double>([4], 0, 1, 2, 3), epsilon: 0);
        Assert.Equal([-1, 11, -98, 1003], y.AsSpan().ToArray());

        // One channel of two pixels per group, epsilon 3 under the root: (1 - 2) / sqrt(1 + 3).
        Tensor<double> pixels = GroupNorm.Forward(new OperatorContext(kernels), Values.Of<double>([1, 1, 1, 2], 1, 3), 1, Values.Of<double>([1], 1), new Tensor<double>([1]), epsilon: 3);
        Assert.Equal([-0.5, 0.5], pixels.AsSpan().ToArray());
    }

    [Fact]
    public void Both_bodies_agree_with_exact_sums()
    {
        // N, groups, channels per group, H, W
        Axis[] axes = [new(1, 2), new(1, 5), new(1, 4), new(1, 6), new(1, 35)];
        Cases.Check(150, axes, Law<float>);
        Cases.Check(100, axes, Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            (Tensor<T> x, Tensor<T> weight, Tensor<T> bias) = Draw<T>(c);
            Truth truth = Exact(c, x, weight, bias);
            double[] noise = Noise(c, truth);
            Comparison.RoundedOnce(x.Shape, truth.Values, noise, GroupNorm.Forward(new OperatorContext(), x, c[1], weight, bias), "Textbook");
            Comparison.RoundedOnce(x.Shape, truth.Values, noise, GroupNorm.Forward(new OperatorContext(Kernels.Simd), x, c[1], weight, bias), "Simd");
        }
    }

    [Fact]
    public void Simd_agrees_with_Textbook()
    {
        Axis[] axes = [new(1, 2), new(1, 33), new(1, 8), new(1, 6), new(1, 35)];
        Cases.Check(60, axes, Law<float>);
        Cases.Check(60, axes, Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            (Tensor<T> x, Tensor<T> weight, Tensor<T> bias) = Draw<T>(c);
            Truth truth = Exact(c, x, weight, bias);
            double[] noise = Noise(c, truth);
            double[] bound = noise.AndRounding<T>(truth).Plus(noise.AndRounding<T>(truth));
            Comparison.Close(GroupNorm.Forward(new OperatorContext(), x, c[1], weight, bias), bound, GroupNorm.Forward(new OperatorContext(Kernels.Simd, 2), x, c[1], weight, bias), "tie");
        }
    }

    [Fact]
    public void Simd_gives_the_same_bits_for_every_number_of_threads_and_for_an_image_alone()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 3, 64, 30, 41);
        Tensor<float> weight = Values.Draw<float>(new Random(2), 64);
        Tensor<float> bias = Values.Draw<float>(new Random(3), 64);
        Comparison.SameBitsForThreads(context => GroupNorm.Forward(context, x, 32, weight, bias));
        Comparison.SameBitsAlone(x, (context, some) => GroupNorm.Forward(context, some, 32, weight, bias));
    }

    [Fact]
    public void One_group_over_one_pixel_is_a_layer_norm()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 4, 50, 1, 1);
        Tensor<float> weight = Values.Draw<float>(new Random(2), 50);
        Tensor<float> bias = Values.Draw<float>(new Random(3), 50);
        OperatorContext context = new();
        Comparison.SameBits(LayerNorm.Forward(context, x.Reshape([4, 50]), weight, bias), GroupNorm.Forward(context, x, 1, weight, bias).Reshape([4, 50]));
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void A_shift_and_a_positive_factor_of_a_group_change_nothing_and_other_groups_do_not_matter(Kernels kernels)
    {
        Random random = new(5);
        Tensor<double> x = Values.Of<double>([1, 6, 3, 5], [.. Enumerable.Range(0, 90).Select(_ => (double)random.Next(-500, 500))]);
        Tensor<double> moved = Values.Of<double>(x.Shape, [.. x.Doubles().Select((v, i) => i < 30 ? v : i < 60 ? 4 * (v - 700) : -v * v)]);
        Tensor<double> weight = Values.Draw<double>(random, 6);
        Tensor<double> bias = Values.Draw<double>(random, 6);
        OperatorContext context = new(kernels);
        Tensor<double> before = GroupNorm.Forward(context, x, 3, weight, bias, 0);
        Tensor<double> after = GroupNorm.Forward(context, moved, 3, weight, bias, 0);
        Comparison.SameBits<double>(before.AsSpan()[..30], after.AsSpan()[..30], "untouched group");
        Comparison.Close(Values.Of<double>([30], before.AsSpan()[30..60]), Bound.All(30, 1e-12), Values.Of<double>([30], after.AsSpan()[30..60]), "moved group");
        Assert.NotEqual(before.AsSpan()[60..].ToArray(), after.AsSpan()[60..].ToArray());
    }

    [Fact]
    public void Refusals()
    {
        Tensor<float> x = new([1, 6, 2, 2]);
        Tensor<float> c6 = new([6]);
        Refusal.Of("GroupNorm: input holds [6, 2, 2]; expected [N, C, H, W], 4 axes.", c => GroupNorm.Forward(c, new Tensor<float>([6, 2, 2]), 2, c6, c6));
        Refusal.Of("GroupNorm: groups holds 4; expected a divisor of C = 6.", c => GroupNorm.Forward(c, x, 4, c6, c6));
        Refusal.Of("GroupNorm: groups holds 0; expected a divisor of C = 6.", c => GroupNorm.Forward(c, x, 0, c6, c6));
        Refusal.Of("GroupNorm: weight holds [5]; expected [C] = [6].", c => GroupNorm.Forward(c, x, 2, new Tensor<float>([5]), c6));
        Refusal.Of("GroupNorm: bias holds [2]; expected [C] = [6].", c => GroupNorm.Forward(c, x, 2, c6, new Tensor<float>([2])));
    }

    private static (Tensor<T> X, Tensor<T> Weight, Tensor<T> Bias) Draw<T>(Case c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Random random = c.Random();
        int channels = c[1] * c[2];
        return (Values.Draw<T>(random, c.Family, c[0], channels, c[3], c[4]), Values.Draw<T>(random, channels), Values.Draw<T>(random, channels));
    }

    private static Truth Exact<T>(Case c, Tensor<T> x, Tensor<T> weight, Tensor<T> bias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        Norms.OfRuns(x.Doubles(), c[2] * c[3] * c[4], i => i / (c[3] * c[4]) % (c[1] * c[2]), weight.Doubles(), bias.Doubles(), 1e-5);

    private static double[] Noise(Case c, Truth truth) => Bound.OfDoubleSteps(truth, (2 * c[2] * c[3] * c[4]) + 10);
}
