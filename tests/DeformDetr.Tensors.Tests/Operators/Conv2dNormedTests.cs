using System.Numerics;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class Conv2dNormedTests
{
    [Fact]
    public void One_kernel_has_the_bits_of_four_operators()
    {
        // C/G, O/G, H, W, Kh, Kw, stride, padding, dilation, groups
        Axis[] axes = [new(1, 4), new(1, 30), new(1, 9), new(1, 40), new(1, 4), new(1, 4), new(1, 3), new(0, 4), new(1, 3), new(1, 3)];
        Cases.Check(200, axes, Law<float>);
        Cases.Check(100, axes, Law<double>);

        // Pointwise, whose maps are packed otherwise.
        Axis[] pointwise =
        [
            new(1, 20), new(1, 70), new(1, 9), new(1, 40), new(1, 1), new(1, 1), new(1, 4), new(0, 1), new(1, 1), new(1, 2),
        ];
        Cases.Check(100, pointwise, Law<float>);
        Cases.Check(50, pointwise, Law<double>);
    }

    // C, H, W, O, kernel, stride, padding, groups: several depth blocks, rows <= columns and rows > columns, whole and partial tiles.
    public static TheoryData<int[]> Deep => new()
    {
        new[] { 60, 5, 6, 14, 3, 1, 1, 1 },
        new[] { 60, 3, 3, 40, 3, 1, 1, 1 },
        new[] { 520, 4, 8, 24, 1, 1, 0, 1 },
        new[] { 520, 2, 3, 31, 1, 1, 0, 1 },
        new[] { 257, 8, 8, 70, 1, 2, 0, 1 },
        new[] { 64, 9, 12, 18, 3, 2, 1, 1 },
        new[] { 120, 6, 7, 26, 3, 1, 1, 2 },
        new[] { 64, 8, 32, 12, 2, 1, 0, 1 },
    };

    [Theory]
    [MemberData(nameof(Deep))]
    public void Several_depth_blocks_have_the_bits_of_four_operators(int[] s)
    {
        for (int seed = 0; seed < 12; seed++)
        {
            Case c = new([s[0] / s[7], s[3] / s[7], s[1], s[2], s[4], s[4], s[5], s[6], 1, s[7]], seed, Family.Plain);
            Law<float>(c);
            Law<double>(c);
        }
    }

    [Fact]
    public void Every_number_of_threads_and_every_slot_of_a_batch_gives_the_same_bits()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 3, 24, 21, 33);
        Tensor<float> weight = Values.Draw<float>(new Random(2), 30, 24, 3, 3);
        FrozenNorm<float> norm = Norm<float>(new Random(3), 30, Family.Plain);
        Tensor<float> residual = Values.Draw<float>(new Random(4), 3, 30, 11, 17);
        Comparison.SameBitsForThreads(context => Conv2d.ForwardNormed(context, x, weight, new(2, 1), norm, residual, true));
        Comparison.SameBitsAlone(x, (context, image) => Conv2d.ForwardNormed(context, image, weight, new(2, 1), norm, null, true));
    }

    [Fact]
    public void By_hand()
    {
        // One pixel, one channel in, two out: sums 6 and -4; scale 1 / sqrt(1 + 3) = 1/2 and 2 / 2, shift 1 - 2/2 and -1 - 0.
        Tensor<double> x = Values.Of<double>([1, 1, 1, 1], 2);
        Tensor<double> weight = Values.Of<double>([2, 1, 1, 1], 3, -2);
        FrozenNorm<double> norm = new(
            Values.Of<double>([2], 1, 2), Values.Of<double>([2], 1, -1), Values.Of<double>([2], 2, 0),
            Values.Of<double>([2], 4 - FrozenBatchNorm.DefaultEpsilon, 4 - FrozenBatchNorm.DefaultEpsilon));
        Tensor<double> residual = Values.Of<double>([1, 2, 1, 1], -4, 5.5);
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            OperatorContext context = new(kernels);
            Assert.Equal([3, -5], Conv2d.ForwardNormed(context, x, weight, new(), norm, null, false).Doubles());
            Assert.Equal([3, 0], Conv2d.ForwardNormed(context, x, weight, new(), norm, null, true).Doubles());
            Assert.Equal([-1, 0.5], Conv2d.ForwardNormed(context, x, weight, new(), norm, residual, false).Doubles());
            Assert.Equal([0, 0.5], Conv2d.ForwardNormed(context, x, weight, new(), norm, residual, true).Doubles());
        }
    }

    [Fact]
    public void Inputs_are_not_changed_and_the_output_is_not_the_residual()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 2, 3, 5, 6);
        Tensor<float> weight = Values.Draw<float>(new Random(2), 4, 3, 3, 3);
        Tensor<float> residual = Values.Draw<float>(new Random(3), 2, 4, 5, 6);
        (Tensor<float> xBefore, Tensor<float> residualBefore) = (x.Clone(), residual.Clone());
        Tensor<float> y = Conv2d.ForwardNormed(
            new OperatorContext(Kernels.Simd), x, weight, new(1, 1), Norm<float>(new Random(4), 4, Family.Plain), residual, true);
        Assert.NotSame(residual.Storage.Array, y.Storage.Array);
        Comparison.SameBits(xBefore, x);
        Comparison.SameBits(residualBefore, residual);
    }

    [Fact]
    public void A_residual_that_is_spent_is_replaced_only_where_nothing_else_needs_its_place()
    {
        Random random = new(5);
        Tensor<float> x = Values.Draw<float>(random, 2, 4, 5, 7);
        Tensor<float> weight = Values.Draw<float>(random, 4, 4, 1, 1);
        FrozenNorm<float> norm = Norm<float>(random, 4, Family.Plain);
        OperatorContext house = new(Kernels.Simd);
        Check(house, x.Clone(), replaced: true);
        Check(new OperatorContext(), x.Clone(), replaced: false);
        Check(house.Ordered(new SummationOrder { Block = 8 }), x.Clone(), replaced: false);

        // The maps themselves, and a view of them.
        Check(house, x, replaced: false);
        Check(house, x.Reshape(x.Shape), replaced: false);

        // More steps than one block of the depth has.
        Tensor<float> deepMaps = Values.Draw<float>(random, 1, 257, 1, 3);
        Tensor<float> deep = Values.Draw<float>(random, 4, 257, 1, 1);
        Tensor<float> residual = Values.Draw<float>(random, 1, 4, 1, 3);
        Tensor<float> before = residual.Clone();
        Assert.NotSame(residual, Conv2d.ForwardNormed(house, deepMaps, deep, new(), norm, residual, true, spent: true));
        Comparison.SameBits(before, residual);

        void Check(OperatorContext context, Tensor<float> given, bool replaced)
        {
            Tensor<float> kept = given.Clone();
            Tensor<float> expected = Conv2d.ForwardNormed(context, x, weight, new(), norm, kept, true);
            Comparison.SameBits(given, kept);
            Tensor<float> actual = Conv2d.ForwardNormed(context, x, weight, new(), norm, given, true, spent: true);
            Assert.Equal(replaced, ReferenceEquals(given, actual));
            Comparison.SameBits(expected, actual);
            if (!replaced)
            {
                Comparison.SameBits(kept, given);
            }
        }
    }

    [Fact]
    public void Refusals()
    {
        Tensor<float> x = new([2, 3, 5, 6]);
        Tensor<float> weight = new([4, 3, 3, 3]);
        FrozenNorm<float> norm = Norm<float>(new Random(1), 4, Family.Plain);
        Refusal.Of(
            "FrozenBatchNorm: runningMean holds [3]; expected [C] = [4].",
            c => Conv2d.ForwardNormed(c, x, weight, new(), norm with { RunningMean = new([3]) }, null, true));
        Refusal.Of(
            "Conv2d: weight holds [4, 3, 3]; expected [O, C / G, kh, kw], 4 axes.",
            c => Conv2d.ForwardNormed(c, x, new Tensor<float>([4, 3, 3]), new(), norm, null, true));
        Assert.Throws<ArgumentException>(
            () => Conv2d.ForwardNormed(new OperatorContext(), x, weight, new(), norm, new Tensor<float>([2, 4, 4, 3]), true));
        ArgumentException refusal = Assert.Throws<ArgumentException>(
            () => Conv2d.ForwardNormed(new OperatorContext(Kernels.Simd), x, weight, new(), norm, new Tensor<float>([2, 4, 4, 3]), true));
        Assert.Equal("Conv2d: residual holds [2, 4, 4, 3]; expected [2, 4, 3, 4].", refusal.Message);
    }

    private static void Law<T>(Case c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Conv2dWindow window = new(c[6], c[7], c[8], c[9]);
        if (window.OutputSize(c[2], c[4]) == 0 || window.OutputSize(c[3], c[5]) == 0)
        {
            return;
        }

        // Seeds 0 to 3 are with and without residual and ReLU; images and threads change with larger ones. Few taps are no numbers.
        Random random = c.Random();
        int images = 1 + (c.Seed / 4 % 3);
        Tensor<T> x = Values.Draw<T>(random, c.Family, images, c[0] * c[9], c[2], c[3]).WithSpecials(random, 150, finite: c.Seed % 5 != 0);
        Tensor<T> weight = Values.Draw<T>(random, c.Family, c[1] * c[9], c[0], c[4], c[5]).WithSpecials(random, 9, finite: true);
        FrozenNorm<T> norm = Norm<T>(random, c[1] * c[9], c.Family);
        OperatorContext context = new(Kernels.Simd, 1 + (c.Seed / 4 % 4));
        Tensor<T> expected = FrozenBatchNorm.Forward(
            context, Conv2d.Forward(context, x, weight, null, window), norm.Weight, norm.Bias, norm.RunningMean, norm.RunningVar);
        Tensor<T>? residual = c.Seed % 2 == 0 ? null : Values.Draw<T>(random, c.Family, expected.Shape.Sizes).WithSpecials(random, 5);
        bool relu = c.Seed / 2 % 2 == 0;
        expected = residual is null ? expected : Add.Forward(context, expected, residual);
        expected = relu ? Relu.Forward(context, expected) : expected;
        Tensor<T> actual = Conv2d.ForwardNormed(context, x, weight, window, norm, residual, relu);
        string what = $"{typeof(T).Name} {window}, residual {residual is not null}, relu {relu}";
        Comparison.SameNumbers(expected, actual, what);
        if (residual is not null)
        {
            Tensor<T> given = residual.Clone();
            Tensor<T> replaced = Conv2d.ForwardNormed(context, x, weight, window, norm, given, relu, spent: true);
            Comparison.SameNumbers(expected, replaced, $"{what}, spent");
            Assert.Equal(c[0] * c[4] * c[5] <= 256, ReferenceEquals(given, replaced));
        }
    }

    // Scales and shifts of both signs, of both zeros, subnormal, and as large as a variance of nearly zero makes them.
    private static FrozenNorm<T> Norm<T>(Random random, int channels, Family family)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> variance = Values.Draw<T>(random, family, channels).Magnitudes();
        return new FrozenNorm<T>(
            Values.Draw<T>(random, channels).WithSpecials(random, 4, finite: true),
            Values.Draw<T>(random, family, channels).WithSpecials(random, 4, finite: true),
            Values.Draw<T>(random, family, channels), variance);
    }
}
