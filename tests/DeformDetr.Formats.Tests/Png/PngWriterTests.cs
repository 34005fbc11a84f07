using DeformDetr.Formats.Png;
using DeformDetr.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeformDetr.Formats.Tests.Png;

public sealed class PngWriterTests
{
    [Fact]
    public void What_is_written_reads_back_the_same()
    {
        Gen<(int Height, int Width, int Kind, int Seed)> pictures =
            from height in Gen.Choose(1, 40)
            from width in Gen.Choose(1, 40)
            from kind in Gen.Choose(0, 3)
            from seed in Gen.Choose(0, int.MaxValue)
            select (height, width, kind, seed);
        Prop.ForAll(pictures.ToArbitrary(), p =>
        {
            Tensor<byte> picture = Picture(p.Height, p.Width, p.Kind, p.Seed);

            Tensor<byte> read = PngReaderTests.Read(PngWriter.Encode(picture));

            return read.Shape == picture.Shape && read.AsReadOnlySpan().SequenceEqual(picture.AsReadOnlySpan());
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));
    }

    [Fact]
    public void Smooth_pictures_are_stored_in_far_fewer_bytes_than_their_pixels()
    {
        Tensor<byte> picture = Picture(100, 100, kind: 1, seed: 5);

        Assert.InRange(PngWriter.Encode(picture).Length, 60, picture.Length / 20);
    }

    [Fact]
    public void A_file_has_the_three_chunks_that_a_picture_needs()
    {
        byte[] png = PngWriter.Encode(Picture(3, 2, kind: 0, seed: 1));

        Assert.Equal(PngBuilder.Signature, png[..8]);
        Assert.Equal(["IHDR", "IDAT", "IEND"], PngBuilder.ChunksOf(png).Select(chunk => System.Text.Encoding.ASCII.GetString(png, chunk.Offset + 4, 4)));
        Assert.Equal(PngBuilder.Header(width: 2, height: 3), png[8..33]);
    }

    [Fact]
    public void A_path_is_replaced_as_a_whole_and_no_temporary_file_stays()
    {
        string folder = Directory.CreateTempSubdirectory("png-writer-").FullName;
        try
        {
            string path = Path.Combine(folder, "a.png");
            File.WriteAllText(path, "something that was here before");
            Tensor<byte> picture = Picture(9, 8, kind: 0, seed: 2);

            PngWriter.Write(path, picture);

            Assert.Equal(picture.AsReadOnlySpan().ToArray(), PngReader.Read(path).AsReadOnlySpan().ToArray());
            Assert.Equal([path], Directory.GetFiles(folder));
            Assert.ThrowsAny<IOException>(() => PngWriter.Write(Path.Combine(folder, "missing", "a.png"), picture));
            Directory.CreateDirectory(Path.Combine(folder, "b.png"));
            Assert.ThrowsAny<Exception>(() => PngWriter.Write(Path.Combine(folder, "b.png"), picture));
            Assert.Equal([path], Directory.GetFiles(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Another_shape_is_refused()
    {
        foreach (TensorShape shape in new TensorShape[] { [3, 4], [3, 4, 1], [3, 4, 4], [1, 3, 4, 3], [0, 4, 3], [4, 0, 3] })
        {
            ArgumentException e = Assert.Throws<ArgumentException>(() => PngWriter.Encode(new Tensor<byte>(shape)));
            Assert.Contains("expected", e.Message, StringComparison.Ordinal);
        }
    }

    // Noise, a slope, few colours, or black and white.
    internal static Tensor<byte> Picture(int height, int width, int kind, int seed)
    {
        Random random = new(seed);
        Tensor<byte> picture = new([height, width, 3]);
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                for (int channel = 0; channel < 3; channel++)
                {
                    picture[y, x, channel] = kind switch
                    {
                        0 => (byte)random.Next(256),
                        1 => (byte)((2 * x) + (3 * y) + (50 * channel)),
                        2 => (byte)(40 * random.Next(3)),
                        _ => (byte)(255 * random.Next(2)),
                    };
                }
            }
        }

        return picture;
    }
}
