using DeformDetr.Tensors;
using static DeformDetr.Formats.Tests.Png.PngBuilder;

namespace DeformDetr.Formats.Tests.Png;

public sealed class PngMalformedTests
{
    private static readonly byte[] Grey = Header(colour: 0);
    private static readonly byte[] Indexed = Header(width: 9, colour: 3);
    private static readonly byte[] Palette = Chunk("PLTE", [1, 2, 3]);

    private static readonly Dictionary<string, (byte[] File, string Says)> Cases = new(StringComparer.Ordinal)
    {
        ["signature damaged by a text transfer"] = ([.. Signature[..4], 0x0A, .. Signature[6..], .. Header()], "damaged"),
        ["signature cut off"] = (Signature[..5], "ends inside the PNG signature"),
        ["nothing"] = ([], "is empty"),
        ["JPEG"] = ([0xFF, 0xD8, 0xFF, 0xE0, 0, 16, .. "JFIF\0"u8, 1, 1, 0, 0, 1, 0, 1], "a JPEG file"),
        ["GIF"] = ([.. "GIF89a"u8, 1, 0, 1, 0, 0, 0, 0], "a GIF file"),
        ["BMP"] = ([.. "BM"u8, 1, 2, 3, 4, 0, 0, 0, 0], "a BMP file"),
        ["WebP"] = ([.. "RIFF"u8, 1, 2, 3, 4, .. "WEBPVP8 "u8], "a WebP file"),
        ["TIFF"] = ([.. "II*\0"u8, 8, 0, 0, 0], "a TIFF file"),
        ["PPM"] = ([.. "P6\n3 2\n255\n"u8], "a PBM, PGM or PPM file"),
        ["AVIF"] = ([0, 0, 0, 32, .. "ftypavif"u8, 0, 0, 0, 0], "brand avif"),
        ["unknown bytes"] = ([.. "hello world, this is text"u8], "68656C6C6F20776F"),
        ["only a signature"] = (Signature, "ends before a chunk's length and type"),
        ["IHDR not first"] = (File(Palette, Header(), Data(), End), "first chunk is PLTE"),
        ["second IHDR"] = (File(Header(), Header(), Data(), End), "a second chunk IHDR"),
        ["short IHDR"] = (File(Chunk("IHDR", [0, 0, 0, 1, 0, 0, 0, 1, 8, 2]), Data(), End), "IHDR holds 10 bytes"),
        ["zero width"] = (File(Header(width: 0), Data(), End), "0 x 2 pixels"),
        ["zero height"] = (File(Header(height: 0), Data(), End), "3 x 0 pixels"),
        ["one pixel too many"] = (File(Header(178_956_971, 1), Data(), End), "178956971 x 1 pixels"),
        ["four billion columns and rows"] = (File(Header(uint.MaxValue, uint.MaxValue), Data(), End), "4294967295 x 4294967295 pixels"),
        ["more pixels than the data can hold"] = (File(Header(178_956_970, 1), Data(), End), "bytes of image data"),
        ["bit depth 3"] = (File(Header(depth: 3), Data(), End), "colour type 2 with bit depth 3"),
        ["RGB with 4 bits"] = (File(Header(depth: 4), Data(), End), "colour type 2 with bit depth 4"),
        ["palette with 16 bits"] = (File(Header(depth: 16, colour: 3), Palette, Data(), End), "colour type 3 with bit depth 16"),
        ["colour type 5"] = (File(Header(colour: 5), Data(), End), "colour type 5 with bit depth 8"),
        ["16-bit grey"] = (File(Header(depth: 16, colour: 0), Data(), End), "16-bit grey"),
        ["compression method"] = (File(Header(compression: 1), Data(), End), "compression method 1"),
        ["filter method"] = (File(Header(filter: 64), Data(), End), "filter method 64"),
        ["interlace method"] = (File(Header(interlace: 2), Data(), End), "interlace method 2"),
        ["CRC of IHDR"] = (File(WithWrongCrc(Header()), Data(), End), "chunk IHDR has CRC"),
        ["CRC of PLTE"] = (File(Indexed, WithWrongCrc(Palette), Data(), End), "chunk PLTE has CRC"),
        ["CRC of IDAT"] = (File(Header(), WithWrongCrc(Data()), End), "chunk IDAT has CRC"),
        ["CRC of IEND"] = (File(Header(), Data(), WithWrongCrc(End)), "chunk IEND has CRC"),
        ["CRC of an ancillary chunk before the data"] = (File(Header(), WithWrongCrc(Chunk("tEXt", [65, 0, 66])), Data(), End), "chunk tEXt has CRC"),
        ["chunk type of digits"] = (File(Header(), Chunk("ab12", []), Data(), End), "61623132"),
        ["unknown critical chunk"] = (File(Header(), Chunk("ABCD", [1]), Data(), End), "critical chunk ABCD"),
        ["chunk of four billion bytes"] = ([.. File(Header()), 255, 255, 255, 255, .. "IDAT"u8], "chunk IDAT announces 4294967295 bytes"),
        ["chunk longer than the file"] = ([.. File(Header()), 0, 0, 1, 0, .. "IDAT"u8, 1, 2, 3], "ends 3 bytes into chunk IDAT; expected 256 bytes"),
        ["no palette"] = (File(Indexed, Data(), End), "without a chunk PLTE"),
        ["palette after the data"] = (File(Indexed, Data(), Palette, End), "PLTE after IDAT"),
        ["two palettes"] = (File(Indexed, Palette, Palette, Data(), End), "a second chunk PLTE"),
        ["palette of 4 bytes"] = (File(Indexed, Chunk("PLTE", [1, 2, 3, 4]), Data(), End), "PLTE holds 4 bytes"),
        ["palette of 257 colours"] = (File(Indexed, Chunk("PLTE", new byte[771]), Data(), End), "PLTE holds 771 bytes"),
        ["empty palette"] = (File(Indexed, Chunk("PLTE", []), Data(), End), "PLTE holds 0 bytes"),
        ["no image data"] = (File(Header(), End), "no chunk IDAT"),
        ["empty image data"] = (File(Header(), Chunk("IDAT", []), End), "0 bytes of image data"),
        ["image data torn apart"] = (File(Header(), Data(), Chunk("tEXt", [65, 0, 66]), Data(), End), "chunk tEXt between chunks IDAT"),
        ["no end"] = (File(Header(), Data()), "expected chunks up to IEND"),
        ["filter type 5"] = (File(Header(), Data([.. Rows[..10], 5, .. Rows[11..]]), End), "row 1 has filter type 5"),
        ["filter type 255"] = (File(Header(), Data([255, .. Rows[1..]]), End), "row 0 has filter type 255"),
        ["zlib garbage"] = (File(Header(), Chunk("IDAT", [.. "these are no zlib data"u8]), End), "broken in or after row 0"),
        ["zlib with a preset dictionary"] = (File(Header(), Chunk("IDAT", [0x78, 0xBB, .. Deflate(Rows)[2..]]), End), "broken in or after row 0"),
        ["zlib stream cut off"] = (File(Header(), Chunk("IDAT", Deflate(Rows)[..^6]), End), "image data end in row 1"),
        ["zlib checksum"] = (File(Header(), Chunk("IDAT", WithWrongCrc(Deflate(Rows))), End), "checksum"),
        ["last row missing"] = (File(Header(), Data(Rows[..10]), End), "image data end in row 1"),
        ["half of the last row missing"] = (File(Header(), Data(Rows[..15]), End), "image data end in row 1"),
        ["rows for grey only"] = (File(Header(), Data([0, 1, 2, 3, 0, 1, 2, 3]), End), "image data end in row 0"),
    };

    public static TheoryData<string> Names => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_malformed_file_is_refused_with_one_line_that_says_what_is_wrong(string name)
    {
        (byte[] file, string says) = Cases[name];

        InvalidDataException e = Assert.Throws<InvalidDataException>(() => PngReaderTests.Read(file));

        Assert.StartsWith("bad.png: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
        Assert.Contains("; expected ", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void The_parts_that_the_malformed_files_are_made_of_make_good_ones()
    {
        Assert.Equal(Pixels, PngReaderTests.Read(File(Header(), Data(), End)).AsReadOnlySpan().ToArray());
        Assert.Equal(Pixels, PngReaderTests.Read(File(Header(), Palette, Data(), End)).AsReadOnlySpan().ToArray());
        Tensor<byte> grey = PngReaderTests.Read(File(Grey, Data([0, 1, 2, 3, 0, 4, 5, 6]), End));
        Assert.Equal([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6], grey.AsReadOnlySpan().ToArray());
        Tensor<byte> indexed = PngReaderTests.Read(File(Indexed, Palette, Data(), End));
        Assert.Equal([1, 1, 1, 2, 2, 2], indexed.AsReadOnlySpan()[..6].ToArray());
    }

    [Theory]
    [InlineData("rgb, 8 bits")]
    [InlineData("palette, 4 bits, interlaced")]
    [InlineData("grey-alpha, 16 bits, interlaced")]
    [InlineData("several IDATs")]
    [InlineData("ancillary chunks, a gamma and a rotation among them")]
    [InlineData("animation with a picture of its own")]
    public void A_file_cut_off_at_any_byte_is_refused(string name)
    {
        byte[] png = PngFixtures.All[name].Png;
        for (int length = 0; length < png.Length; length++)
        {
            byte[] cut = png[..length];
            InvalidDataException e = Assert.Throws<InvalidDataException>(() => PngReaderTests.Read(cut));
            Assert.StartsWith("bad.png: ", e.Message, StringComparison.Ordinal);
        }
    }
}
