using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class Conv2dTests
{
    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand(Kernels kernels)
    {
        // 1 2 3
        // 4 5 6  under a window of two by two that adds the upper left and subtracts the lower right.
        // 7 8 9
        OperatorContext context = new(kernels);
        Tensor<float> x = Values.Of<float>([1, 1, 3, 3], 1, 2, 3, 4, 5, 6, 7, 8, 9);
        Tensor<float> weight = Values.Of<float>([1, 1, 2, 2], 1, 0, 0, -1);
        Assert.Equal([-4, -4, -4, -4], Conv2d.Forward(context, x, weight, null, new()).AsSpan().ToArray());
        Assert.Equal([6, 6, 6, 6], Conv2d.Forward(context, x, weight, Values.Of<float>([1], 10), new()).AsSpan().ToArray());

        // The tap to the right sees the right neighbour, the tap below the lower one.
        Assert.Equal([2, 3, 5, 6], Conv2d.Forward(context, x, Values.Of<float>([1, 1, 2, 2], 0, 1, 0, 0), null, new()).AsSpan().ToArray());
        Assert.Equal([4, 5, 7, 8], Conv2d.Forward(context, x, Values.Of<float>([1, 1, 2, 2], 0, 0, 1, 0), null, new()).AsSpan().ToArray());

        // Padding 1, stride 2: windows at the corners see one pixel, the others none of theirs outside.
        Assert.Equal([-1, -3, -7, -4], Conv2d.Forward(context, x, weight, null, new(Stride: 2, Padding: 1)).AsSpan().ToArray());

        // Dilation 2: the four corners of the map.
        Assert.Equal([1 - 9], Conv2d.Forward(context, x, weight, null, new(Dilation: 2)).AsSpan().ToArray());
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand_rows_and_columns_are_not_swapped(Kernels kernels)
    {
        // A window of one row and two columns over two rows of three.
        OperatorContext context = new(kernels);
        Tensor<float> x = Values.Of<float>([1, 1, 2, 3], 1, 2, 3, 10, 20, 30);
        Tensor<float> y = Conv2d.Forward(context, x, Values.Of<float>([1, 1, 1, 2], 1, 100), null, new());
        Assert.Equal([1, 1, 2, 2], y.Shape);
        Assert.Equal([201, 302, 2010, 3020], y.AsSpan().ToArray());
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void By_hand_channels_and_groups(Kernels kernels)
    {
        OperatorContext context = new(kernels);
        Tensor<float> x = Values.Of<float>([1, 4, 1, 1], 1, 2, 3, 4);
        Assert.Equal([1234, 4321], Conv2d.Forward(context, x, Values.Of<float>([2, 4, 1, 1], 1000, 100, 10, 1, 1, 10, 100, 1000), null, new()).AsSpan().ToArray());

        // Two groups: outputs 0 and 1 see channels 0 and 1, outputs 2 and 3 see channels 2 and 3.
        Tensor<float> grouped = Values.Of<float>([4, 2, 1, 1], 1, 0, 0, 1, 1, 0, 10, 1);
        Assert.Equal([1, 2, 3, 34], Conv2d.Forward(context, x, grouped, null, new(Groups: 2)).AsSpan().ToArray());
    }

    // N, C, H, W, O, Kh, Kw, stride, padding, dilation, groups
    public static TheoryData<int[]> Windows => new()
    {
        new[] { 1, 3, 9, 13, 5, 3, 3, 1, 1, 1, 1 },
        new[] { 2, 4, 9, 13, 6, 3, 3, 2, 1, 1, 2 },
        new[] { 1, 3, 17, 11, 7, 7, 7, 2, 3, 1, 1 },
        new[] { 1, 3, 17, 19, 7, 7, 7, 1, 3, 1, 1 },
        new[] { 2, 5, 6, 7, 13, 1, 1, 1, 0, 1, 1 },
        new[] { 1, 5, 6, 7, 13, 1, 1, 2, 0, 1, 1 },
        new[] { 2, 5, 6, 7, 13, 1, 1, 2, 0, 1, 1 },
        new[] { 3, 6, 9, 35, 4, 1, 1, 3, 0, 1, 2 },
        new[] { 1, 5, 6, 7, 12, 1, 1, 1, 1, 1, 1 },
        new[] { 1, 6, 5, 6, 9, 1, 1, 1, 0, 1, 3 },
        new[] { 1, 2, 12, 35, 3, 3, 3, 1, 2, 2, 1 },
        new[] { 1, 2, 12, 33, 3, 3, 3, 1, 2, 2, 1 },
        new[] { 1, 2, 12, 33, 3, 3, 3, 2, 2, 2, 1 },
        new[] { 1, 2, 5, 33, 3, 5, 5, 1, 2, 1, 1 },
        new[] { 1, 2, 2, 2, 3, 3, 3, 1, 1, 1, 1 },
        new[] { 1, 2, 1, 1, 3, 3, 3, 1, 1, 1, 1 },
        new[] { 1, 2, 1, 1, 3, 7, 7, 1, 3, 1, 1 },
        new[] { 1, 2, 2, 3, 3, 7, 7, 1, 3, 1, 1 },
        new[] { 1, 2, 2, 3, 3, 7, 7, 2, 3, 1, 1 },
        new[] { 1, 2, 3, 2, 3, 3, 3, 1, 3, 2, 1 },
        new[] { 1, 2, 4, 9, 3, 3, 2, 1, 3, 1, 1 },
        new[] { 1, 1, 8, 8, 1, 2, 5, 1, 0, 1, 1 },
        new[] { 1, 30, 6, 5, 4, 3, 3, 1, 1, 1, 1 },
        new[] { 1, 60, 4, 5, 14, 3, 3, 1, 1, 1, 1 },
        new[] { 1, 260, 3, 4, 14, 1, 1, 1, 0, 1, 1 },
        new[] { 2, 4, 40, 1, 4, 3, 1, 1, 1, 1, 4 },
        new[] { 1, 2, 70, 3, 2, 3, 3, 1, 1, 1, 1 },
    };

    [Theory]
    [MemberData(nameof(Windows))]
    public void Both_bodies_agree_with_exact_sums_over_a_framed_picture(int[] s)
    {
        foreach (Family family in new[] { Family.Plain, Family.NearConstant, Family.Huge, Family.Zeros })
        {
            Law<float>(s, family);
            Law<double>(s, family);
        }

        static void Law<T>(int[] s, Family family)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Random random = new(s.Sum());
            Tensor<T> x = Values.Draw<T>(random, family, s[0], s[1], s[2], s[3]);
            Tensor<T> weight = Values.Draw<T>(random, family, s[4], s[1] / s[10], s[5], s[6]);
            Tensor<T> bias = Values.Draw<T>(random, family, s[4]);
            Agrees(x, weight, bias, new(s[7], s[8], s[9], s[10]), family != Family.Plain);
        }
    }

    [Fact]
    public void Both_bodies_agree_with_exact_sums_on_drawn_windows()
    {
        // C/G, O/G, H, W, Kh, Kw, stride, padding, dilation, groups
        Axis[] axes = [new(1, 4), new(1, 5), new(1, 9), new(1, 40), new(1, 4), new(1, 4), new(1, 3), new(0, 4), new(1, 3), new(1, 2)];
        Cases.Check(150, axes, Law<float>);
        Cases.Check(60, axes, Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Conv2dWindow window = new(c[6], c[7], c[8], c[9]);
            if (window.OutputSize(c[2], c[4]) == 0 || window.OutputSize(c[3], c[5]) == 0)
            {
                return;
            }

            Random random = c.Random();
            Tensor<T> x = Values.Draw<T>(random, c.Family, 1 + (c.Seed % 2), c[0] * c[9], c[2], c[3]);
            Tensor<T> weight = Values.Draw<T>(random, c.Family, c[1] * c[9], c[0], c[4], c[5]);
            Tensor<T>? bias = c.Seed % 3 == 0 ? null : Values.Draw<T>(random, c.Family, c[1] * c[9]);
            Agrees(x, weight, bias, window, c.IsRegular);
        }
    }

    [Fact]
    public void Simd_agrees_with_Textbook_on_maps_of_the_model()
    {
        foreach ((int c, int h, int w, int o, int k, Conv2dWindow window) in new[]
        {
            (3, 50, 65, 16, 7, new Conv2dWindow(2, 3)), (32, 13, 21, 40, 3, new Conv2dWindow(1, 1)), (32, 13, 21, 40, 3, new Conv2dWindow(2, 1)), (64, 9, 33, 24, 3, new Conv2dWindow(1, 2, 2)),
            (96, 15, 17, 64, 1, new Conv2dWindow()), (96, 15, 17, 64, 1, new Conv2dWindow(2)),
        })
        {
            Tensor<float> x = Values.Draw<float>(new Random(c), 1, c, h, w);
            Tensor<float> weight = Values.Draw<float>(new Random(o), o, c, k, k);
            OperatorContext textbook = new();
            Tensor<float> expected = Conv2d.Forward(textbook, x, weight, null, window);
            Truth sizes = new(expected.Doubles().Exactly(), Conv2d.Forward(textbook, x.Magnitudes(), weight.Magnitudes(), null, window).Doubles());
            double[] bound = Bound.OfBlockedSum<float>(sizes, c * k * k, false).Plus(Bound.OfDoubleSum(sizes, c * k * k).AndRounding<float>(sizes));
            Comparison.Close(expected, bound, Conv2d.Forward(new OperatorContext(Kernels.Simd, 2), x, weight, null, window), $"tie {window}");
        }
    }

    [Fact]
    public void Simd_is_the_written_order_bit_for_bit()
    {
        // k runs over (channel, ky, kx); taps on the frame are terms like any other.
        Written<float>(new(2, 3), 3, 12, 17, 7, 7);
        Written<float>(new(1, 1), 60, 5, 6, 3, 3);
        Written<double>(new(1, 1), 30, 5, 6, 3, 3);
        Written<float>(new(1, 2, 2), 3, 8, 34, 3, 3);
        Written<float>(new(), 520, 3, 5, 1, 1);

        static void Written<T>(Conv2dWindow window, int c, int h, int w, int kh, int kw)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Tensor<T> x = Values.Draw<T>(new Random(1), 1, c, h, w);
            Tensor<T> weight = Values.Draw<T>(new Random(2), 5, c, kh, kw);
            Tensor<T> bias = Values.Draw<T>(new Random(3), 5);
            Tensor<T> y = Conv2d.Forward(new OperatorContext(Kernels.Simd), x, weight, bias, window);
            for (int i = 0; i < y.Length; i++)
            {
                int[] at = Layout.Indices(i, y.Shape.Sizes);
                T expected = Contract.Dot(
                    c * kh * kw,
                    k => Pixel(k / (kh * kw), (at[2] * window.Stride) - window.Padding + (k / kw % kh * window.Dilation), (at[3] * window.Stride) - window.Padding + (k % kw * window.Dilation)),
                    k => weight[at[1], k / (kh * kw), k / kw % kh, k % kw],
                    bias[at[1]]);
                Comparison.SameBits<T>([expected], [y.AsSpan()[i]], $"[{string.Join(", ", at)}] of {window}");
            }

            T Pixel(int channel, int iy, int ix) => iy >= 0 && iy < h && ix >= 0 && ix < w ? x[0, channel, iy, ix] : T.Zero;
        }
    }

    [Fact]
    public void Simd_gives_the_same_bits_for_every_number_of_threads()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 2, 24, 40, 51);
        Tensor<float> weight = Values.Draw<float>(new Random(2), 30, 24, 3, 3);
        Tensor<float> bias = Values.Draw<float>(new Random(3), 30);
        Comparison.SameBitsForThreads(context => Conv2d.Forward(context, x, weight, bias, new(1, 1)));
        Comparison.SameBitsForThreads(context => Conv2d.Forward(context, x, weight, bias, new(2, 1)));
        Tensor<float> pointwise = Values.Draw<float>(new Random(4), 90, 24, 1, 1);
        Comparison.SameBitsForThreads(context => Conv2d.Forward(context, x, pointwise, null, new()));
    }

    [Fact]
    public void An_image_gives_the_same_bits_alone_and_in_a_batch()
    {
        Tensor<float> weight = Values.Draw<float>(new Random(2), 7, 3, 3, 3);
        Comparison.SameBitsAlone(Values.Draw<float>(new Random(1), 3, 3, 9, 14), (context, x) => Conv2d.Forward(context, x, weight, null, new(2, 1)));
        Tensor<float> pointwise = Values.Draw<float>(new Random(2), 8, 3, 1, 1);
        foreach (int stride in new[] { 1, 2, 3 })
        {
            Comparison.SameBitsAlone(
                Values.Draw<float>(new Random(1), 3, 6, 9, 14),
                (context, x) => Conv2d.Forward(context, x, pointwise, null, new(stride, Groups: 2)));
        }
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void A_shifted_picture_gives_a_shifted_result_inside(Kernels kernels)
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 1, 3, 14, 19);
        Tensor<float> shifted = new(x.Shape);
        for (int i = 0; i < x.Length; i++)
        {
            int[] at = Layout.Indices(i, x.Shape.Sizes);
            shifted.AsSpan()[i] = at[2] >= 2 && at[3] >= 3 ? x[0, at[1], at[2] - 2, at[3] - 3] : 77;
        }

        Tensor<float> weight = Values.Draw<float>(new Random(2), 4, 3, 3, 3);
        Tensor<float> before = Conv2d.Forward(new OperatorContext(kernels), x, weight, null, new());
        Tensor<float> after = Conv2d.Forward(new OperatorContext(kernels), shifted, weight, null, new());
        for (int i = 0; i < before.Length; i++)
        {
            int[] at = Layout.Indices(i, before.Shape.Sizes);
            if (at[2] >= 2 && at[3] >= 3)
            {
                Assert.Equal(before[0, at[1], at[2] - 2, at[3] - 3], after.AsSpan()[i]);
            }
        }
    }

    [Fact]
    public void A_pointwise_convolution_is_a_linear_layer_on_pixels()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 2, 37, 5, 7);
        Tensor<float> weight = Values.Draw<float>(new Random(2), 11, 37, 1, 1);
        Tensor<float> bias = Values.Draw<float>(new Random(3), 11);
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            OperatorContext context = new(kernels);
            Tensor<float> tokens = Linear.Forward(context, Permute.Forward(context, x, 0, 2, 3, 1), weight.Reshape([11, 37]), bias);
            Comparison.SameBits(Permute.Forward(context, tokens, 0, 3, 1, 2), Conv2d.Forward(context, x, weight, bias, new()), $"{kernels}");
        }
    }

    [Fact]
    public void Groups_are_separate_convolutions()
    {
        Tensor<float> x = Values.Draw<float>(new Random(1), 1, 6, 5, 7);
        Tensor<float> weight = Values.Draw<float>(new Random(2), 8, 3, 3, 3);
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            OperatorContext context = new(kernels);
            Tensor<float>[] maps = Split.Forward(context, x, [3, 3], 1);
            Tensor<float>[] kernelsOf = Split.Forward(context, weight, [4, 4], 0);
            Tensor<float> apart = Concat.Forward(context, [.. maps.Zip(kernelsOf, (map, w) => Conv2d.Forward(context, map, w, null, new(1, 1)))], 1);
            Comparison.SameBits(apart, Conv2d.Forward(context, x, weight, null, new(1, 1, 1, 2)), $"{kernels}");
        }
    }

    [Fact]
    public void It_is_linear_in_the_weights()
    {
        Tensor<double> x = Values.Draw<double>(new Random(1), 1, 4, 8, 9);
        Tensor<double> first = Values.Draw<double>(new Random(2), 5, 4, 3, 3);
        Tensor<double> second = Values.Draw<double>(new Random(3), 5, 4, 3, 3);
        OperatorContext context = new(Kernels.Simd);
        Tensor<double> sum = Add.Forward(context, Conv2d.Forward(context, x, first, null, new(1, 1)), Conv2d.Forward(context, x, second, null, new(1, 1)));
        Comparison.Close(sum, Bound.All(sum.Length, 2 * 40 * Bound.InDouble * 36 * 8), Conv2d.Forward(context, x, Add.Forward(context, first, second), null, new(1, 1)));
    }

    [Fact]
    public void Refusals()
    {
        Tensor<float> x = new([1, 4, 5, 6]);
        Tensor<float> weight = new([2, 4, 3, 3]);
        Refusal.Of("Conv2d: input holds [4, 5, 6]; expected [N, C, H, W], 4 axes.", c => Conv2d.Forward(c, new Tensor<float>([4, 5, 6]), weight, null, new()));
        Refusal.Of("Conv2d: weight holds [2, 4, 3]; expected [O, C / G, kh, kw], 4 axes.", c => Conv2d.Forward(c, x, new Tensor<float>([2, 4, 3]), null, new()));
        Refusal.Of("Conv2d: weight holds [2, 3, 3, 3]; expected [O, C / G, kh, kw] with C = 4, G = 1.", c => Conv2d.Forward(c, x, new Tensor<float>([2, 3, 3, 3]), null, new()));
        Refusal.Of("Conv2d: weight holds [2, 4, 3, 3]; expected [O, C / G, kh, kw] with C = 4, G = 2.", c => Conv2d.Forward(c, x, weight, null, new(Groups: 2)));
        Refusal.Of("Conv2d: weight holds [3, 2, 3, 3]; expected [O, C / G, kh, kw] with C = 4, G = 2.", c => Conv2d.Forward(c, x, new Tensor<float>([3, 2, 3, 3]), null, new(Groups: 2)));
        Refusal.Of("Conv2d: bias holds [3]; expected [O] = [2].", c => Conv2d.Forward(c, x, weight, new Tensor<float>([3]), new()));
        Refusal.Of("Conv2d: input holds [1, 4, 5, 6]; expected padded maps no smaller than the kernel [3, 3].", c => Conv2d.Forward(c, x, weight, null, new(Dilation: 3)));
        foreach (Conv2dWindow window in new Conv2dWindow[] { new(Stride: 0), new(Padding: -1), new(Dilation: 0), new(Groups: 0) })
        {
            Refusal.Of($"Conv2d: window holds {window}; expected stride, dilation, groups > 0 and padding >= 0.", c => Conv2d.Forward(c, x, weight, null, window));
        }
    }

    [Theory]
    [InlineData(5, 3, 1, 0, 1, 3)]
    [InlineData(5, 3, 2, 1, 1, 3)]
    [InlineData(800, 7, 2, 3, 1, 400)]
    [InlineData(2, 3, 1, 0, 1, 0)]
    [InlineData(3, 3, 1, 0, 2, 0)]
    [InlineData(5, 3, 1, 0, 2, 1)]
    public void Output_sizes_by_hand(int size, int kernel, int stride, int padding, int dilation, int expected)
    {
        Assert.Equal(expected, new Conv2dWindow(stride, padding, dilation).OutputSize(size, kernel));
        Assert.Equal(expected, Convolution.OutputSize(size, kernel, stride, padding, dilation));
    }

    private static void Agrees<T>(Tensor<T> x, Tensor<T> weight, Tensor<T>? bias, Conv2dWindow window, bool regular)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Truth truth = Convolution.Of(
            x.Doubles(), weight.Doubles(), bias?.Doubles(), (x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3]), (weight.Shape[0], weight.Shape[2], weight.Shape[3]),
            window.Stride, window.Padding, window.Dilation, window.Groups);
        TensorShape shape = [x.Shape[0], weight.Shape[0], window.OutputSize(x.Shape[2], weight.Shape[2]), window.OutputSize(x.Shape[3], weight.Shape[3])];
        int depth = weight.Shape.LengthFrom(1);
        Comparison.RoundedOnce(shape, truth.Values, Bound.OfDoubleSum(truth, depth), Conv2d.Forward(new OperatorContext(), x, weight, bias, window), "Textbook");
        Comparison.Within(shape, truth.Values, Bound.OfBlockedSum<T>(truth, depth, regular), Conv2d.Forward(new OperatorContext(Kernels.Simd, 2), x, weight, bias, window), "Simd");
    }
}
