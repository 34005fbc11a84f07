using System.Text;
using DeformDetr.Formats.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests.Pictures;

public sealed class PpmReaderTests
{
    [Theory]
    [InlineData("P6 2 1 255\n", "010203040506", "010203040506")]
    [InlineData("P6\n# a comment\n2 # another\r1\t255 ", "010203040506FF", "010203040506")]
    [InlineData("P5\n2\n1\n255\n", "0AFF", "0A0A0AFFFFFF")]
    [InlineData("P6 1 1 4 ", "000204", "0080FF")]
    [InlineData("P6 1 1 7 ", "010308", "246DFF")]
    [InlineData("P6 1 1 65535 ", "0000800000FF", "008001")]
    [InlineData("P6 1 1 1000 ", "03E8000101F4", "FF0080")]
    public void Values_are_those_of_Pillow(string header, string pixels, string rgb) =>
        Assert.Equal(Convert.FromHexString(rgb), Read(header, pixels).AsReadOnlySpan().ToArray());

    [Fact]
    public void Rows_follow_each_other_from_the_top()
    {
        Tensor<byte> picture = Read("P5 2 3 255 ", "010203040506");

        Assert.Equal(new TensorShape[] { [3, 2, 3] }, new[] { picture.Shape });
        Assert.Equal(3, picture[1, 0, 2]);
    }

    [Theory]
    [InlineData("", "is empty; expected a binary PPM (P6) or PGM (P5) file.")]
    [InlineData("P3 1 1 255 ", "looks like a PBM, PGM or PPM file; expected a binary PPM (P6) or PGM (P5) file.")]
    [InlineData("P62 1 1 255 ", "starts with bytes 5036322031203120; expected a binary PPM (P6) or PGM (P5) file.")]
    [InlineData("P6 ", "byte 3: the end of the file in the width; expected at most 10 digits and white space.")]
    [InlineData("P6 1", "byte 4: the end of the file in the width; expected at most 10 digits and white space.")]
    [InlineData("P6 -1 1 255 ", "byte 3: byte 0x2D in the width; expected at most 10 digits and white space.")]
    [InlineData("P6 1 1#no\n255 ", "byte 6: byte 0x23 in the height; expected at most 10 digits and white space.")]
    [InlineData("P6 1 1 # no end", "byte 15: the end of the file in the largest value; expected at most 10 digits and white space.")]
    [InlineData("P6 12345678901 1 255 ", "byte 13: byte 0x31 in the width; expected at most 10 digits and white space.")]
    [InlineData("P6 0 1 255 ", "byte 11: a picture of 0 x 1 pixels (width x height); expected 1 to 178956970 pixels.")]
    [InlineData("P6 9999999999 9999999999 255 ", "byte 29: a picture of 9999999999 x 9999999999 pixels (width x height); expected 1 to 178956970 pixels.")]
    [InlineData("P6 1 1 0 ", "byte 9: a largest value of 0; expected 1 to 65535.")]
    [InlineData("P6 1 1 65536 ", "byte 13: a largest value of 65536; expected 1 to 65535.")]
    [InlineData("P5 1 1 256 ", "byte 11: grey pixels up to 256; expected at most 255 for grey (Pillow, the measure, has no RGB of them).")]
    [InlineData("P6 13000 13000 255 ", "byte 19: 0 bytes of pixels; expected 507000000 for 13000 x 13000 pixels (width x height).")]
    [InlineData("P6 1 1 256 aaaaa", "byte 11: 5 bytes of pixels; expected 6 for 1 x 1 pixels (width x height).")]
    public void What_is_broken_is_refused_with_its_place(string content, string says)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        InvalidDataException refusal = Assert.Throws<InvalidDataException>(() => Read(content, ""));
        Assert.Equal($"bad.ppm: {says}", refusal.Message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000);
    }

    private static Tensor<byte> Read(string header, string pixels) => PpmReader.Read([.. Encoding.ASCII.GetBytes(header), .. Convert.FromHexString(pixels)], "bad.ppm");
}
