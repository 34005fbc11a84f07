using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeformDetr.Reference.Tests.Pictures;

public sealed class PillowResizeTests
{
    private static readonly Lazy<Dictionary<string, Case>> Cases =
        new(() => PictureFixtures.Read<Case>("resize.json").ToDictionary(c => c.Name, StringComparer.Ordinal));

    public static TheoryData<string> Names => [.. Cases.Value.Keys];

    // Sizes before and after, and a seed for the bytes.
    private static Arbitrary<(int Height, int Width, int ToHeight, int ToWidth, int Seed)> Resizes(int most) =>
        (from height in Gen.Choose(1, most)
         from width in Gen.Choose(1, most)
         from toHeight in Gen.Choose(1, most)
         from toWidth in Gen.Choose(1, most)
         from seed in Gen.Choose(0, int.MaxValue)
         select (height, width, toHeight, toWidth, seed)).ToArbitrary();

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_byte_is_Pillows(string name)
    {
        Case c = Cases.Value[name];
        Tensor<byte> picture = c.Picture is null
            ? PictureFixtures.Recipe(c.Height, c.Width, (ulong)c.Height)
            : Tensor<byte>.FromArray([c.Height, c.Width, 3], c.Picture);

        Tensor<byte> resized = PillowResize.Bilinear(picture, c.ResizedHeight, c.ResizedWidth);

        if (c.Resized is not null)
        {
            Assert.Equal(c.Resized, resized.AsReadOnlySpan().ToArray());
        }
        else
        {
            Assert.Equal(c.Sha256, PictureFixtures.Sha256(resized.AsReadOnlySpan()));
        }
    }

    [Fact]
    public void The_result_is_within_one_level_of_the_formula_in_double()
    {
        // Each of two roundings to a byte moves a value by half a level at most.
        Prop.ForAll(Resizes(24), r =>
        {
            Tensor<byte> picture = PictureFixtures.Noise(r.Height, r.Width, r.Seed);
            Tensor<byte> resized = PillowResize.Bilinear(picture, r.ToHeight, r.ToWidth);
            double[,] rows = Tent(r.Height, r.ToHeight);
            double[,] columns = Tent(r.Width, r.ToWidth);
            for (int y = 0; y < r.ToHeight; y++)
            {
                for (int x = 0; x < r.ToWidth; x++)
                {
                    for (int channel = 0; channel < 3; channel++)
                    {
                        double expected = 0;
                        for (int i = 0; i < r.Height; i++)
                        {
                            for (int j = 0; j < r.Width; j++)
                            {
                                expected += rows[y, i] * columns[x, j] * picture[i, j, channel];
                            }
                        }

                        if (Math.Abs(expected - resized[y, x, channel]) > 1.001)
                        {
                            return false;
                        }
                    }
                }
            }

            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));
    }

    [Fact]
    public void A_picture_of_one_colour_stays_one()
    {
        Prop.ForAll(Resizes(120), r =>
        {
            Tensor<byte> picture = new([r.Height, r.Width, 3]);
            byte value = (byte)r.Seed;
            picture.AsSpan().Fill(value);
            return PillowResize.Bilinear(picture, r.ToHeight, r.ToWidth).AsReadOnlySpan().IndexOfAnyExcept(value) < 0;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));
    }

    [Fact]
    public void No_value_leaves_the_range_of_its_channel()
    {
        Prop.ForAll(Resizes(40), r =>
        {
            Tensor<byte> picture = PictureFixtures.Noise(r.Height, r.Width, r.Seed);
            Span<byte> bytes = picture.AsSpan();
            for (int i = 0; i < bytes.Length; i++)
            {
                bytes[i] = (byte)((80 * (i % 3)) + (bytes[i] % 60));
            }

            ReadOnlySpan<byte> resized = PillowResize.Bilinear(picture, r.ToHeight, r.ToWidth).AsReadOnlySpan();
            for (int i = 0; i < resized.Length; i++)
            {
                if (resized[i] < 80 * (i % 3) || resized[i] >= (80 * (i % 3)) + 60)
                {
                    return false;
                }
            }

            return true;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));
    }

    [Fact]
    public void The_size_a_picture_has_already_gives_a_copy()
    {
        Tensor<byte> picture = PictureFixtures.Noise(5, 7, 1);

        Tensor<byte> resized = PillowResize.Bilinear(picture, 5, 7);
        Assert.Equal(picture.AsReadOnlySpan().ToArray(), resized.AsReadOnlySpan().ToArray());

        resized.AsSpan().Clear();
        Assert.NotEqual(-1, picture.AsReadOnlySpan().IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void A_mirrored_picture_gives_the_mirrored_result()
    {
        // To the bit: the fixed-point weights of mirrored places are equal (checked for all pairs of sizes below 90).
        Prop.ForAll(Resizes(60), r =>
        {
            Tensor<byte> picture = PictureFixtures.Noise(r.Height, r.Width, r.Seed);
            Tensor<byte> resized = PillowResize.Bilinear(picture, r.ToHeight, r.ToWidth);
            Tensor<byte> ofMirrored = PillowResize.Bilinear(Mirrored(picture), r.ToHeight, r.ToWidth);
            Tensor<byte> ofFlipped = PillowResize.Bilinear(Flipped(picture), r.ToHeight, r.ToWidth);
            return ofMirrored.AsReadOnlySpan().SequenceEqual(Mirrored(resized).AsReadOnlySpan())
                && ofFlipped.AsReadOnlySpan().SequenceEqual(Flipped(resized).AsReadOnlySpan());
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(100));
    }

    [Fact]
    public void Turning_by_transposition_is_exact_when_one_side_changes()
    {
        Prop.ForAll(Resizes(40), r =>
        {
            Tensor<byte> picture = PictureFixtures.Noise(r.Height, r.Width, r.Seed);
            Tensor<byte> horizontally = PillowResize.Bilinear(picture, r.Height, r.ToWidth);
            Tensor<byte> vertically = PillowResize.Bilinear(Transposed(picture), r.ToWidth, r.Height);
            return Transposed(vertically).AsReadOnlySpan().SequenceEqual(horizontally.AsReadOnlySpan());
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(100));
    }

    [Fact]
    public void Halving_a_flat_step_gives_numbers_that_can_be_checked_by_hand()
    {
        // Weights of 1/8, 3/8, 3/8, 1/8 around each output; at the left border 3, 3, 1 of 7.
        Tensor<byte> picture = new([1, 8, 3]);
        picture.AsSpan()[12..].Fill(160);

        Tensor<byte> resized = PillowResize.Bilinear(picture, 1, 4);

        Assert.Equal([0, 0, 0, 20, 20, 20, 140, 140, 140, 160, 160, 160], resized.AsReadOnlySpan().ToArray());
    }

    [Fact]
    public void Wrong_shapes_and_sizes_are_refused_in_one_line()
    {
        Tensor<byte> good = new([2, 3, 3]);
        foreach (Action call in new Action[]
        {
            () => PillowResize.Bilinear(new Tensor<byte>([2, 3]), 2, 2),
            () => PillowResize.Bilinear(new Tensor<byte>([2, 3, 4]), 2, 2),
            () => PillowResize.Bilinear(new Tensor<byte>([0, 3, 3]), 2, 2),
            () => PillowResize.Bilinear(good, 0, 2),
            () => PillowResize.Bilinear(good, 2, -1),
        })
        {
            ArgumentException e = Assert.Throws<ArgumentException>(call);
            Assert.Contains("; expected ", e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', e.Message);
        }
    }

    // The textbook: for each output the normalised triangle over all inputs, pixel centres at half-integers.
    private static double[,] Tent(int inputs, int outputs)
    {
        double[,] weights = new double[outputs, inputs];
        if (inputs == outputs)
        {
            for (int i = 0; i < inputs; i++)
            {
                weights[i, i] = 1;
            }

            return weights;
        }

        double scale = (double)inputs / outputs;
        for (int output = 0; output < outputs; output++)
        {
            double sum = 0;
            for (int input = 0; input < inputs; input++)
            {
                double distance = Math.Abs(input + 0.5 - ((output + 0.5) * scale)) / Math.Max(scale, 1);
                weights[output, input] = Math.Max(0, 1 - distance);
                sum += weights[output, input];
            }

            for (int input = 0; input < inputs; input++)
            {
                weights[output, input] /= sum;
            }
        }

        return weights;
    }

    private static Tensor<byte> Mirrored(Tensor<byte> picture) =>
        Rearranged(picture, picture.Shape, (y, x) => (y, picture.Shape[1] - 1 - x));

    private static Tensor<byte> Flipped(Tensor<byte> picture) =>
        Rearranged(picture, picture.Shape, (y, x) => (picture.Shape[0] - 1 - y, x));

    private static Tensor<byte> Transposed(Tensor<byte> picture) =>
        Rearranged(picture, [picture.Shape[1], picture.Shape[0], 3], (y, x) => (x, y));

    private static Tensor<byte> Rearranged(Tensor<byte> picture, TensorShape shape, Func<int, int, (int Y, int X)> from)
    {
        Tensor<byte> result = new(shape);
        for (int y = 0; y < shape[0]; y++)
        {
            for (int x = 0; x < shape[1]; x++)
            {
                (int fromY, int fromX) = from(y, x);
                for (int channel = 0; channel < 3; channel++)
                {
                    result[y, x, channel] = picture[fromY, fromX, channel];
                }
            }
        }

        return result;
    }

    private sealed record Case(string Name, byte[]? Picture, int Height, int Width, byte[]? Resized, int ResizedHeight, int ResizedWidth, string? Sha256);
}
