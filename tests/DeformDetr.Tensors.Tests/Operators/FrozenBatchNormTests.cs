using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class FrozenBatchNormTests
{
    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand(Kernels kernels)
    {
        // Channel 0: (x - 1) / sqrt(3 + 1) · 10 + 5. Channel 1: (x - 0) / sqrt(0 + 1) · 1 + 0.
        Tensor<float> y = FrozenBatchNorm.Forward(
            new OperatorContext(kernels), Values.Of<float>([1, 2, 1, 2], 1, 3, 7, 8), Values.Of<float>([2], 10, 1), Values.Of<float>([2], 5, 0),
            Values.Of<float>([2], 1, 0), Values.Of<float>([2], 3, 0), epsilon: 1);
        Assert.Equal([5, 15, 7, 8], y.AsSpan().ToArray());
    }

    [Fact]
    public void Both_bodies_agree_with_the_unfolded_formula()
    {
        // N, C, H, W
        Axis[] axes = [new(1, 2), new(1, 9), new(1, 6), new(1, 70)];
        Cases.Check(150, axes, Law<float>);
        Cases.Check(100, axes, Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            (Tensor<T> x, Tensor<T>[] p) = Draw<T>(c);
            Truth truth = Norms.Frozen(x.Doubles(), c[1], c[2] * c[3], p[0].Doubles(), p[1].Doubles(), p[2].Doubles(), p[3].Doubles(), 1e-5);
            Comparison.RoundedOnce(x.Shape, truth.Values, Bound.OfDoubleSteps(truth, 8), Forward(Kernels.Textbook, x, p), "Textbook");

            // Scale and shift are rounded to T first: one rounding of each product and sum.
            double[] bound = [.. truth.Magnitudes.Select(m => (3 * Bound.Unit<T>() * m) + (8 * Bound.InDouble * m) + Bound.Least<T>())];
            Comparison.Within(x.Shape, truth.Values, bound, Forward(Kernels.Simd, x, p), "Simd");
            Comparison.Close(Forward(Kernels.Textbook, x, p), bound.Plus(new double[bound.Length].AndRounding<T>(truth)), Forward(Kernels.Simd, x, p), "tie");
        }
    }

    [Fact]
    public void Simd_is_one_fused_step_with_rounded_scale_and_shift_at_every_small_length()
    {
        for (int pixels = 1; pixels <= 49; pixels++)
        {
            (Tensor<float> x, Tensor<float>[] p) = Draw<float>(new Case([1, 2, 1, pixels], pixels, Family.Plain));
            Tensor<float> y = Forward(Kernels.Simd, x, p);
            for (int i = 0; i < x.Length; i++)
            {
                int channel = i / pixels;
                double scale = p[0][channel] / Math.Sqrt(p[3][channel] + 1e-5);
                double shift = p[1][channel] - (p[2][channel] * scale);
                Comparison.SameBits<float>([MathF.FusedMultiplyAdd(x.AsSpan()[i], (float)scale, (float)shift)], [y.AsSpan()[i]], $"pixel {i} of {pixels}");
            }
        }
    }

    [Fact]
    public void Simd_gives_the_same_bits_for_every_number_of_threads_and_for_an_image_alone()
    {
        (Tensor<float> x, Tensor<float>[] p) = Draw<float>(new Case([3, 40, 33, 41], 1, Family.Plain));
        Comparison.SameBitsForThreads(context => FrozenBatchNorm.Forward(context, x, p[0], p[1], p[2], p[3]));
        Comparison.SameBitsAlone(x, (context, some) => FrozenBatchNorm.Forward(context, some, p[0], p[1], p[2], p[3]));
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void The_mean_becomes_the_bias_and_zero_variance_stays_finite(Kernels kernels)
    {
        Tensor<float> mean = Values.Draw<float>(new Random(1), 3);
        Tensor<float> bias = Values.Draw<float>(new Random(2), 3);
        Tensor<float> y = FrozenBatchNorm.Forward(
            new OperatorContext(kernels), mean.Reshape([1, 3, 1, 1]), Values.Draw<float>(new Random(3), 3), bias, mean, new Tensor<float>([3]));
        Comparison.Close(bias, Bound.All(3, 1e-3), y.Reshape([3]));
    }

    [Fact]
    public void Refusals()
    {
        Tensor<float> x = new([1, 3, 2, 2]);
        Tensor<float> c3 = new([3]);
        Tensor<float> c2 = new([2]);
        Refusal.Of("FrozenBatchNorm: input holds [3, 2, 2]; expected [N, C, H, W], 4 axes.", c => FrozenBatchNorm.Forward(c, new Tensor<float>([3, 2, 2]), c3, c3, c3, c3));
        Refusal.Of("FrozenBatchNorm: weight holds [2]; expected [C] = [3].", c => FrozenBatchNorm.Forward(c, x, c2, c3, c3, c3));
        Refusal.Of("FrozenBatchNorm: bias holds [2]; expected [C] = [3].", c => FrozenBatchNorm.Forward(c, x, c3, c2, c3, c3));
        Refusal.Of("FrozenBatchNorm: runningMean holds [2]; expected [C] = [3].", c => FrozenBatchNorm.Forward(c, x, c3, c3, c2, c3));
        Refusal.Of("FrozenBatchNorm: runningVar holds [2]; expected [C] = [3].", c => FrozenBatchNorm.Forward(c, x, c3, c3, c3, c2));
    }

    private static Tensor<T> Forward<T>(Kernels kernels, Tensor<T> x, Tensor<T>[] p)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => FrozenBatchNorm.Forward(new OperatorContext(kernels), x, p[0], p[1], p[2], p[3]);

    // Weight, bias, mean, and variances from almost nothing to a few units.
    private static (Tensor<T> X, Tensor<T>[] Parameters) Draw<T>(Case c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Random random = c.Random();
        Tensor<T> x = Values.Draw<T>(random, c.Family, c.Sizes);
        Tensor<T> variance = Values.Draw<T>(random, c[1]);
        variance = Values.Of<T>(variance.Shape, [.. variance.Doubles().Select((v, i) => i % 3 == 0 ? 1e-7 * v * v : v * v)]);
        return (x, [Values.Draw<T>(random, c[1]), Values.Draw<T>(random, c[1]), Values.Draw<T>(random, c.Family, c[1]), variance]);
    }
}
