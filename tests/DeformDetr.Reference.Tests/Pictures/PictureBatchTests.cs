using System.Runtime.InteropServices;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Pictures;

public sealed class PictureBatchTests
{
    private static readonly Lazy<Dictionary<string, Case>> Cases =
        new(() => PictureFixtures.Read<Case>("batch.json").ToDictionary(c => c.Name, StringComparer.Ordinal));

    private static readonly PreprocessOptions Small = new(20, 33);

    public static TheoryData<string> Names => [.. Cases.Value.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_batch_has_the_bits_of_the_original(string name)
    {
        Case c = Cases.Value[name];
        Tensor<byte>[] decoded = [.. c.Shapes.Select((shape, b) => PictureFixtures.Recipe(shape[0], shape[1], (ulong)(100 + b)))];

        PictureBatch batch = PictureBatch.Prepare(decoded, new PreprocessOptions(c.Shortest, c.Longest));

        Assert.True(batch.SamplesTensor.Shape == TensorShape.Create(c.Padded), $"{batch.SamplesTensor.Shape}");
        Assert.True(batch.SamplesMask.Shape == [c.Padded[0], c.Padded[2], c.Padded[3]], $"{batch.SamplesMask.Shape}");
        Assert.Equal(c.TensorSha256, PictureFixtures.Sha256(MemoryMarshal.AsBytes(batch.SamplesTensor.AsReadOnlySpan())));
        Assert.Equal(c.MaskSha256, PictureFixtures.Sha256(MemoryMarshal.AsBytes(batch.SamplesMask.AsReadOnlySpan())));
        Assert.True(batch.TargetSizes.Shape == [c.Shapes.Length, 2]);
        Assert.Equal(c.Shapes.SelectMany(shape => shape).Select(side => (long)side), batch.TargetSizes.AsReadOnlySpan().ToArray());
    }

    [Fact]
    public void The_mask_is_true_exactly_where_no_picture_lies_and_the_tensor_is_zero_there()
    {
        // 30 x 44 becomes 20 x 29, and 44 x 30 becomes 29 x 20.
        PictureBatch batch = PictureBatch.Prepare([PictureFixtures.Noise(30, 44, 1), PictureFixtures.Noise(44, 30, 2)], Small);

        Assert.True(batch.SamplesTensor.Shape == [2, 3, 29, 29]);
        for (int b = 0; b < 2; b++)
        {
            for (int y = 0; y < 29; y++)
            {
                for (int x = 0; x < 29; x++)
                {
                    bool padding = b == 0 ? y >= 20 : x >= 20;
                    Assert.Equal(padding, batch.SamplesMask[b, y, x]);
                    for (int channel = 0; padding && channel < 3; channel++)
                    {
                        Assert.Equal(0, BitConverter.SingleToInt32Bits(batch.SamplesTensor[b, channel, y, x]));
                    }
                }
            }
        }
    }

    [Fact]
    public void A_picture_is_the_same_in_every_slot_and_company()
    {
        Tensor<byte> picture = PictureFixtures.Noise(25, 31, 3);
        Tensor<byte> other = PictureFixtures.Noise(40, 22, 4);

        PictureBatch alone = PictureBatch.Prepare([picture], Small);
        PictureBatch last = PictureBatch.Prepare([other, picture], Small);

        for (int channel = 0; channel < 3; channel++)
        {
            for (int y = 0; y < alone.SamplesTensor.Shape[2]; y++)
            {
                for (int x = 0; x < alone.SamplesTensor.Shape[3]; x++)
                {
                    Assert.Equal(alone.SamplesTensor[0, channel, y, x], last.SamplesTensor[1, channel, y, x]);
                }
            }
        }
    }

    [Fact]
    public void What_is_seen_are_the_pictures_as_decoded_and_as_resized_in_batch_order()
    {
        Tensor<byte>[] decoded = [PictureFixtures.Noise(30, 44, 1), PictureFixtures.Noise(20, 20, 2)];
        List<(string Name, Tensor Tensor)> seen = [];

        PictureBatch.Prepare(decoded, Small, (name, tensor) => seen.Add((name, tensor)));

        Assert.Equal(["images.0.decoded", "images.0.resized", "images.1.decoded", "images.1.resized"], seen.Select(s => s.Name));
        Assert.Same(decoded[0], seen[0].Tensor);
        Assert.True(seen[1].Tensor.Shape == [20, 29, 3]);
        Assert.Equal(PillowResize.Bilinear(decoded[0], 20, 29).AsReadOnlySpan().ToArray(), ((Tensor<byte>)seen[1].Tensor).AsReadOnlySpan().ToArray());
        Assert.NotSame(decoded[1], seen[3].Tensor);
    }

    [Fact]
    public void No_picture_a_wrong_shape_and_a_picture_too_narrow_are_refused_in_one_line()
    {
        foreach (Tensor<byte>[] decoded in new Tensor<byte>[][] { [], [new([4, 5])], [new([4, 5, 4])], [new([4, 5, 3]), new([1, 100, 3])], [new([0, 5, 3])] })
        {
            ArgumentException e = Assert.Throws<ArgumentException>(() => PictureBatch.Prepare(decoded, Small));
            Assert.Contains("; expected ", e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', e.Message);
        }
    }

    [Fact]
    public void Options_are_the_originals_by_default_and_at_least_one()
    {
        Assert.Equal((800, 1333), (new PreprocessOptions().Shortest, new PreprocessOptions().Longest));
        Assert.Equal(new PreprocessOptions(5, 9), new PreprocessOptions(5) with { Longest = 9 });
        Assert.Throws<ArgumentException>(() => new PreprocessOptions(0));
        Assert.Throws<ArgumentException>(() => new PreprocessOptions(Longest: -1));
        Assert.Throws<ArgumentException>(() => new PreprocessOptions() with { Shortest = 0 });
    }

    private sealed record Case(string Name, int[][] Shapes, int Shortest, int Longest, int[] Padded, string TensorSha256, string MaskSha256);
}
