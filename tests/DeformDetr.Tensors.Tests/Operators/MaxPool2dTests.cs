using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class MaxPool2dTests
{
    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand(Kernels kernels)
    {
        OperatorContext context = new(kernels);
        Tensor<float> x = Values.Of<float>([1, 1, 3, 4], 1, 5, 2, 0, 3, 4, 9, 1, 7, 0, 2, 8);
        Assert.Equal([5, 9, 9, 7, 9, 9], MaxPool2d.Forward(context, x, 2, 1, 0).AsSpan().ToArray());

        // The network's own: kernel 3, stride 2, padding 1.
        Assert.Equal([5, 9, 7, 9], MaxPool2d.Forward(context, x, 3, 2, 1).AsSpan().ToArray());
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void The_frame_is_below_every_number(Kernels kernels)
    {
        Tensor<float> y = MaxPool2d.Forward(new OperatorContext(kernels), Values.Of<float>([1, 1, 1, 1], -7), 3, 2, 1);
        Assert.Equal([-7], y.AsSpan().ToArray());
        Tensor<float> lowest = MaxPool2d.Forward(new OperatorContext(kernels), Values.Of<float>([1, 1, 1, 2], double.NegativeInfinity, double.NegativeInfinity), 3, 2, 1);
        Assert.Equal([float.NegativeInfinity], lowest.AsSpan().ToArray());
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void A_NaN_under_the_window_gives_NaN(Kernels kernels)
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 1, 1, 5, 9);
        x[0, 0, 2, 6] = float.NaN;
        Tensor<float> y = MaxPool2d.Forward(new OperatorContext(kernels), x, 3, 1, 1);
        for (int i = 0; i < 45; i++)
        {
            Assert.Equal(Math.Abs((i / 9) - 2) <= 1 && Math.Abs((i % 9) - 6) <= 1, float.IsNaN(y.AsSpan()[i]));
        }
    }

    [Fact]
    public void Both_bodies_are_the_largest_value_over_a_framed_picture()
    {
        // N·C, H, W, kernel, stride, padding
        Axis[] axes = [new(1, 3), new(1, 12), new(1, 40), new(1, 5), new(1, 3), new(0, 2)];
        Cases.Check(300, axes, Law<float>);
        Cases.Check(150, axes, Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            int padding = Math.Min(c[5], c[3] / 2);
            int height = Convolution.OutputSize(c[1], c[3], c[4], padding, 1);
            int width = Convolution.OutputSize(c[2], c[3], c[4], padding, 1);
            if (height == 0 || width == 0)
            {
                return;
            }

            Tensor<T> x = Values.Draw<T>(c.Random(), c.Family, 1, c[0], c[1], c[2]);
            Tensor<T> expected = Values.Of<T>([1, c[0], height, width], Convolution.LargestUnderWindow(x.Doubles(), c[0], c[1], c[2], c[3], c[4], padding));
            Comparison.SameBits(expected, MaxPool2d.Forward(new OperatorContext(), x, c[3], c[4], padding), "Textbook");
            Comparison.SameBits(expected, MaxPool2d.Forward(new OperatorContext(Kernels.Simd, 2), x, c[3], c[4], padding), "Simd");
        }
    }

    [Fact]
    public void The_two_zeros_are_ordered_in_both_bodies()
    {
        Tensor<float> x = Values.Of<float>([1, 1, 2, 2], -0.0, 0.0, -0.0, -0.0);
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            Comparison.SameBits<float>([0f], MaxPool2d.Forward(new OperatorContext(kernels), x, 2, 2, 0).AsSpan());
            Comparison.SameBits<float>([-0f, 0f, 0f, -0f, 0f, 0f, -0f, -0f, -0f], MaxPool2d.Forward(new OperatorContext(kernels), x, 2, 1, 1).AsSpan());
        }
    }

    [Fact]
    public void Simd_gives_the_same_bits_for_every_number_of_threads_and_for_an_image_alone()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 2, 20, 61, 53);
        Comparison.SameBitsForThreads(context => MaxPool2d.Forward(context, x, 3, 2, 1));
        Comparison.SameBitsAlone(x, (context, some) => MaxPool2d.Forward(context, some, 3, 2, 1));
    }

    [Fact]
    public void Increasing_functions_commute_with_it()
    {
        Tensor<double> x = Values.Draw<double>(new Random(1), 1, 2, 9, 14);
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            OperatorContext context = new(kernels);
            Comparison.SameBits(Map(MaxPool2d.Forward(context, x, 3, 2, 1)), MaxPool2d.Forward(context, Map(x), 3, 2, 1));
        }

        static Tensor<double> Map(Tensor<double> x) => Values.Of<double>(x.Shape, [.. x.Doubles().Select(v => (v * v * v) + 3)]);
    }

    [Fact]
    public void Refusals()
    {
        Tensor<float> x = new([1, 1, 4, 5]);
        Refusal.Of("MaxPool2d: input holds [4, 5]; expected [N, C, H, W], 4 axes.", c => MaxPool2d.Forward(c, new Tensor<float>([4, 5]), 2, 1, 0));
        foreach ((int kernel, int stride, int padding) in new[] { (0, 1, 0), (2, 0, 0), (2, 1, -1), (3, 1, 2), (1, 1, 1) })
        {
            Refusal.Of(
                $"MaxPool2d: kernel holds {kernel}, stride {stride}, padding {padding}; expected kernel, stride > 0 and 0 <= padding <= kernel / 2.",
                c => MaxPool2d.Forward(c, x, kernel, stride, padding));
        }

        Refusal.Of("MaxPool2d: input holds [1, 1, 4, 5]; expected padded maps no smaller than the window 5.", c => MaxPool2d.Forward(c, x, 5, 1, 0));
    }
}
