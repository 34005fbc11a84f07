using DeformDetr.Formats.Jpeg;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests.Jpeg;

public sealed class JpegReaderTests
{
    public static TheoryData<string> Names => [.. JpegFixtures.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_kind_of_file_decodes_to_the_pixels_of_Pillow(string name)
    {
        Tensor<byte> expected = JpegFixtures.Pixels(name);

        Tensor<byte> picture = Read(JpegFixtures.Content(name));

        Assert.Equal(expected.Shape, picture.Shape);
        Assert.Equal(expected.AsReadOnlySpan().ToArray(), picture.AsReadOnlySpan().ToArray());
    }

    [Fact]
    public void What_follows_the_end_of_the_picture_is_ignored()
    {
        byte[] content = JpegFixtures.Content("420");

        Assert.Equal(Read(content).AsReadOnlySpan().ToArray(), Read([.. content, .. content, 1, 2, 3]).AsReadOnlySpan().ToArray());
    }

    [Fact]
    public void Ten_thousand_pixels_each_way_are_read_in_four_bytes_a_pixel()
    {
        // One byte of codes is four blocks: a step of 0 from the block before, and no other coefficients.
        byte[] content = JpegBuilder.Flat(10_000, 10_000);
        Assert.True(content.Length < 400_000);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Tensor<byte> picture = Read(content);

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 402_000_000);
        Assert.Equal(10_000, picture.Shape[0]);
        Assert.Equal(-1, picture.AsReadOnlySpan().IndexOfAnyExcept((byte)128));
    }

    [Fact]
    public void A_small_file_that_announces_a_large_picture_is_refused_without_the_memory()
    {
        byte[] large = JpegBuilder.Flat(13_400, 13_400);
        byte[] cut = JpegBuilder.Flat(13_000, 13_000)[..1_000];

        long before = GC.GetAllocatedBytesForCurrentThread();
        InvalidDataException tooLarge = Assert.Throws<InvalidDataException>(() => Read(large));
        InvalidDataException tooShort = Assert.Throws<InvalidDataException>(() => Read(cut));

        Assert.Contains("expected at most 178956970 pixels", tooLarge.Message, StringComparison.Ordinal);
        Assert.Contains("expected at least 660", tooShort.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000);
    }

    [Fact]
    public void Many_scans_of_nothing_are_refused()
    {
        // 300 scans that each say in a few bytes that no block has anything new.
        InvalidDataException refusal = Assert.Throws<InvalidDataException>(() => Read(JpegBuilder.ManyScans(1024, 1600, 300)));


        Assert.Contains("expected at most 256", refusal.Message, StringComparison.Ordinal);
    }

    internal static Tensor<byte> Read(byte[] content) => JpegReader.Read(content, "bad.jpg");
}
