using DeformDetr.Formats.Png;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests.Png;

public sealed class PngReaderTests
{
    public static TheoryData<string> Names => [.. PngFixtures.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_kind_of_file_decodes_to_the_bytes_of_Pillow(string name)
    {
        PngFixture fixture = PngFixtures.All[name];

        Tensor<byte> picture = Read(fixture.Png);

        Assert.Equal(new TensorShape[] { [fixture.Height, fixture.Width, 3] }, new[] { picture.Shape });
        Assert.Equal(fixture.Rgb, picture.AsReadOnlySpan().ToArray());
    }

    [Fact]
    public void A_stream_that_gives_one_byte_at_a_time_reads_the_same()
    {
        PngFixture fixture = PngFixtures.All["several IDATs"];

        Tensor<byte> picture = PngReader.Read(new SlowStream(fixture.Png), "slow");

        Assert.Equal(fixture.Rgb, picture.AsReadOnlySpan().ToArray());
    }

    [Fact]
    public void A_stream_is_left_behind_the_end_chunk_and_stays_open()
    {
        PngFixture fixture = PngFixtures.All["rgb, 8 bits"];
        using MemoryStream stream = new([.. fixture.Png, .. fixture.Png, 7]);

        PngReader.Read(stream, "twice");
        Tensor<byte> second = PngReader.Read(stream, "twice");

        Assert.Equal(fixture.Rgb, second.AsReadOnlySpan().ToArray());
        Assert.Equal(7, stream.ReadByte());
    }

    [Fact]
    public void A_path_reads_the_same_and_errors_name_it()
    {
        string path = Path.Combine(Path.GetTempPath(), $"png-reader-{Guid.NewGuid():N}.png");
        try
        {
            PngFixture fixture = PngFixtures.All["palette, 4 bits, interlaced"];
            File.WriteAllBytes(path, fixture.Png);
            Assert.Equal(fixture.Rgb, PngReader.Read(path).AsReadOnlySpan().ToArray());

            File.WriteAllBytes(path, fixture.Png[..40]);
            InvalidDataException e = Assert.Throws<InvalidDataException>(() => PngReader.Read(path));
            Assert.StartsWith(path + ": ", e.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }

        Assert.Throws<FileNotFoundException>(() => PngReader.Read(path));
    }

    [Fact]
    public void Image_data_that_inflate_to_more_than_the_picture_are_read_as_far_as_it_goes()
    {
        // As Pillow does. 100 MB of zeros behind the picture cost nothing.
        byte[] rows = new byte[100_000_000];
        PngBuilder.Rows.CopyTo(rows, 0);
        byte[] png = PngBuilder.File(PngBuilder.Header(), PngBuilder.Data(rows), PngBuilder.End);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Tensor<byte> picture = Read(png);

        Assert.Equal(PngBuilder.Pixels, picture.AsReadOnlySpan().ToArray());
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000);
    }

    [Fact]
    public void A_small_file_that_announces_a_large_picture_or_chunk_is_refused_without_the_memory()
    {
        byte[] picture = PngBuilder.File(PngBuilder.Header(13_000, 13_000), PngBuilder.Data(), PngBuilder.End);
        byte[] chunk = [.. PngBuilder.File(PngBuilder.Header()), 0x70, 0, 0, 0, .. "IDAT"u8, 1, 2, 3];

        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InvalidDataException>(() => Read(picture));
        Assert.Throws<InvalidDataException>(() => Read(chunk));

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000);
    }

    [Fact]
    public void A_checksum_of_zlib_that_is_missing_is_not_missed()
    {
        // As in Pillow. The chunk's CRC has vouched for the bytes.
        byte[] png = PngBuilder.File(PngBuilder.Header(), PngBuilder.Chunk("IDAT", PngBuilder.Deflate(PngBuilder.Rows)[..^4]), PngBuilder.End);

        Assert.Equal(PngBuilder.Pixels, Read(png).AsReadOnlySpan().ToArray());
    }

    [Fact]
    public void A_large_blank_picture_is_read()
    {
        // Near the best that deflate can do: the guard against small files that promise much must let it pass.
        byte[] rows = new byte[3_000 * ((3 * 2_000) + 1)];
        byte[] png = PngBuilder.File(PngBuilder.Header(2_000, 3_000), PngBuilder.Data(rows), PngBuilder.End);

        Tensor<byte> picture = Read(png);

        Assert.Equal(3_000, picture.Shape[0]);
        Assert.Equal(-1, picture.AsReadOnlySpan().IndexOfAnyExcept((byte)0));
    }

    internal static Tensor<byte> Read(byte[] png)
    {
        using MemoryStream stream = new(png);
        return PngReader.Read(stream, "bad.png");
    }

    private sealed class SlowStream(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;

        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, 1));

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, 1)]);
    }
}
