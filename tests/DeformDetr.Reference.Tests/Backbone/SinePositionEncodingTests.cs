using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Backbone;

public class SinePositionEncodingTests
{
    [Fact]
    public void A_single_cell_lies_at_half_a_turn()
    {
        // (1 - 0.5) / (1 + 1e-6) · 2π is just below π: without the half it would be 2π, without the 1e-6 exactly π.
        Tensor<double> encoded = SinePositionEncoding.Forward<double>(new OperatorContext(), new Tensor<bool>([1, 1, 1]), 8);
        Assert.Equal(Math.PI * 1e-6, encoded[0, 0, 0, 0], 1e-11);
        Assert.Equal(-1, encoded[0, 1, 0, 0], 1e-11);

        // The second pair of four features turns 10000^(2/4) = 100 times as slowly.
        Assert.Equal(0.031410727, encoded[0, 2, 0, 0], 1e-7);
        Assert.Equal(0.999506560, encoded[0, 3, 0, 0], 1e-8);
        for (int channel = 0; channel < 4; channel++)
        {
            Assert.Equal(encoded[0, channel, 0, 0], encoded[0, 4 + channel, 0, 0]);
        }
    }

    [Fact]
    public void The_y_half_stands_first_and_is_constant_along_rows()
    {
        // C4 and C11 of porting-mistakes.md.
        Tensor<float> encoded = SinePositionEncoding.Forward<float>(new OperatorContext(), new Tensor<bool>([1, 3, 5]), 16);
        for (int channel = 0; channel < 16; channel++)
        {
            for (int i = 0; i < 3; i++)
            {
                for (int j = 0; j < 5; j++)
                {
                    Assert.Equal(channel < 8 ? encoded[0, channel, i, 0] : encoded[0, channel, 0, j], encoded[0, channel, i, j]);
                }
            }
        }

        Assert.NotEqual(encoded[0, 0, 0, 0], encoded[0, 0, 1, 0]);
        Assert.NotEqual(encoded[0, 8, 0, 0], encoded[0, 8, 0, 1]);
    }

    [Fact]
    public void The_closed_form_holds_on_every_valid_cell_padded_or_not()
    {
        Compare<float>(6e-8);
        Compare<double>(1e-14);
    }

    [Fact]
    public void Neighbouring_channels_are_a_sine_and_a_cosine_of_one_argument_under_the_mask_too()
    {
        Tensor<double> encoded = SinePositionEncoding.Forward<double>(new OperatorContext(), Draw.Mask(4, 6, (2, 3), (4, 6)), 12);
        for (int at = 0; at < encoded.Length; at++)
        {
            int channel = at / 24 % 12;
            if (channel % 2 == 0)
            {
                Assert.Equal(1, (encoded.AsSpan()[at] * encoded.AsSpan()[at]) + (encoded.AsSpan()[at + 24] * encoded.AsSpan()[at + 24]), 1e-14);
            }
        }
    }

    [Fact]
    public void Threads_and_batch_slots_do_not_change_a_bit()
    {
        Tensor<bool> mask = Draw.Mask(7, 9, (7, 9), (3, 8), (6, 2));
        Tensor<float> one = SinePositionEncoding.Forward<float>(new OperatorContext(), mask, 32);
        Expect.SameBits(one, SinePositionEncoding.Forward<float>(new OperatorContext(Kernels.Simd, 7), mask, 32));
        for (int n = 0; n < 3; n++)
        {
            Expect.SameBits(
                Attention.MSDeformAttnCoreTests.Take(one, 0, n),
                SinePositionEncoding.Forward<float>(new OperatorContext(), Attention.MSDeformAttnCoreTests.Take(mask, 0, n), 32));
        }
    }

    [Fact]
    public void With_any_holes_the_y_half_is_that_of_a_column_alone_and_the_x_half_that_of_a_row_alone()
    {
        Random random = new(11);
        OperatorContext context = new(Kernels.Simd, 2);
        for (int trial = 0; trial < 60; trial++)
        {
            (int height, int width) = (random.Next(1, 7), random.Next(1, 7));
            Tensor<bool> mask = new([1, height, width]);
            foreach (ref bool padding in mask.AsSpan())
            {
                padding = random.Next(3) == 0;
            }

            Tensor<float> whole = SinePositionEncoding.Forward<float>(context, mask, 8);
            for (int row = 0; row < height; row++)
            {
                Tensor<bool> rowMask = new([1, 1, width]);
                mask.AsReadOnlySpan().Slice(row * width, width).CopyTo(rowMask.AsSpan());
                Tensor<float> ofRow = SinePositionEncoding.Forward<float>(context, rowMask, 8);
                for (int column = 0; column < width; column++)
                {
                    Tensor<bool> columnMask = new([1, height, 1]);
                    for (int y = 0; y < height; y++)
                    {
                        columnMask[0, y, 0] = mask[0, y, column];
                    }

                    Tensor<float> ofColumn = SinePositionEncoding.Forward<float>(context, columnMask, 8);
                    for (int channel = 0; channel < 4; channel++)
                    {
                        Assert.Equal(ofColumn[0, channel, row, 0], whole[0, channel, row, column]);
                        Assert.Equal(ofRow[0, 4 + channel, 0, column], whole[0, 4 + channel, row, column]);
                    }
                }
            }
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        Expect.Refusal<ArgumentException>(
            "sine position encoding: channels holds 6; expected a multiple of 4.", () => SinePositionEncoding.Forward<float>(new OperatorContext(), new Tensor<bool>([1, 2, 2]), 6));
        Expect.Refusal<ArgumentException>(
            "sine position encoding: mask holds [2, 2]; expected [N, H, W], 3 axes.", () => SinePositionEncoding.Forward<float>(new OperatorContext(), new Tensor<bool>([2, 2]), 8));
    }

    private static void Compare<T>(double allowed)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        (int Height, int Width)[] valid = [(11, 6), (7, 6), (1, 1), (10, 3)];
        Tensor<T> encoded = SinePositionEncoding.Forward<T>(new OperatorContext(Kernels.Simd, 2), Draw.Mask(11, 6, valid), 20);
        for (int n = 0; n < valid.Length; n++)
        {
            for (int channel = 0; channel < 20; channel++)
            {
                for (int i = 0; i < valid[n].Height; i++)
                {
                    for (int j = 0; j < valid[n].Width; j++)
                    {
                        double expected = Geometry.Sine(20, channel, i, j, valid[n].Height, valid[n].Width);
                        Assert.Equal(expected, double.CreateTruncating(encoded[n, channel, i, j]), allowed);
                    }
                }
            }
        }
    }
}
