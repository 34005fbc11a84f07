using DeformDetr.Tensors;
using static DeformDetr.Formats.Tests.Jpeg.JpegBuilder;

namespace DeformDetr.Formats.Tests.Jpeg;

public sealed class JpegMalformedTests
{
    private static readonly byte[] Means = Table(0, 0);
    private static readonly byte[] Others = Table(0x10, 0);
    private static readonly byte[] Grey = Frame(0xC0, 8, 8);
    private static readonly byte[] Whole = Scan(0, 63, 0);

    // What stands between SOI and EOI, and what the refusal says.
    private static readonly Dictionary<string, (byte[] Segments, string Says)> Broken = new(StringComparer.Ordinal)
    {
        ["arithmetic"] = ([.. Steps, .. Frame(0xC9, 8, 8)], "SOF9: arithmetic coding; expected baseline"),
        ["arithmetic progressive"] = (Frame(0xCA, 8, 8), "SOF10: arithmetic coding; expected baseline"),
        ["lossless"] = (Frame(0xC3, 8, 8), "SOF3: lossless coding; expected baseline"),
        ["hierarchical"] = (Frame(0xC5, 8, 8), "SOF5: hierarchical coding; expected baseline"),
        ["hierarchical start"] = (Segment(0xDE, 8, 0, 8, 0, 8, 1, 1, 0x11, 0), "DHP: hierarchical coding; expected baseline"),
        ["12 bits"] = (Segment(0xC1, 12, 0, 8, 0, 8, 1, 1, 0x11, 0), "SOF1: 12-bit samples; expected 8 bits."),
        ["no height"] = (Frame(0xC0, 0, 8), "SOF0: no height (0, to be told later by DNL); expected it here."),
        ["no width"] = (Frame(0xC0, 8, 0), "SOF0: a picture of 0 x 8 pixels"),
        ["too large"] = (Frame(0xC0, 65_535, 65_535), "a picture of 65535 x 65535 pixels (width x height); expected at most 178956970 pixels."),
        ["larger than the file"] = (Frame(0xC0, 800, 800), "bytes to the end of the file; expected at least 2500 for 800 x 800 pixels in 10000 blocks."),
        ["two planes"] = (Segment(0xC0, 8, 0, 8, 0, 8, 2, 1, 0x11, 0, 2, 0x11, 0), "2 colour planes; expected 1 (grey), 3 (YCbCr or RGB) or 4"),
        ["no planes"] = (Segment(0xC0, 8, 0, 8, 0, 8, 0), "0 colour planes; expected 1 (grey), 3"),
        ["frame too short"] = (Segment(0xC0, 8, 0, 8, 0, 8), "SOF0: 5 bytes; expected 6 and 3 for each colour plane."),
        ["frame too long"] = (Segment(0xC0, 8, 0, 8, 0, 8, 1, 1, 0x11, 0, 0), "SOF0: 10 bytes; expected 6 and 3 for each colour plane (1 of them)."),
        ["sampling 0"] = (Segment(0xC0, 8, 0, 8, 0, 8, 1, 1, 0x01, 0), "sampling factors 0 x 1 of colour plane 1; expected 1 to 4."),
        ["sampling 5"] = (Segment(0xC0, 8, 0, 8, 0, 8, 1, 1, 0x15, 0), "sampling factors 1 x 5 of colour plane 1; expected 1 to 4."),
        ["sampling 3 to 2"] = (Segment(0xC0, 8, 0, 8, 0, 8, 3, 1, 0x31, 0, 2, 0x21, 0, 3, 0x11, 0), "sampling factors 2 x 1 beside 3 x 1; expected whole ratios."),
        ["plane with table 4"] = (Segment(0xC0, 8, 0, 8, 0, 8, 1, 1, 0x11, 4), "quantization table 4 for colour plane 1; expected 0 to 3."),
        ["planes of one name"] = (Segment(0xC0, 8, 0, 8, 0, 8, 3, 1, 0x11, 0, 2, 0x11, 0, 1, 0x11, 0), "two colour planes with the identifier 1"),
        ["two frames"] = ([.. Grey, .. Grey], "SOF0: a second frame; expected one."),
        ["no frame"] = (Steps, "EOI: no frame; expected one."),
        ["scan before frame"] = (Whole, "SOS: a scan before the frame; expected SOF before it."),
        ["scan of another plane"] = ([.. Steps, .. Grey, .. Means, .. Others, .. Segment(0xDA, 1, 2, 0, 0, 63, 0)], "SOS: colour plane 2; expected 1."),
        ["scan of no plane"] = ([.. Grey, .. Segment(0xDA, 0, 0, 63, 0)], "SOS: 4 bytes for 0 colour planes"),
        ["scan too short"] = ([.. Grey, .. Segment(0xDA)], "SOS: 0 bytes for 0 colour planes"),
        ["scan of five planes"] = ([.. Grey, .. Segment(0xDA, 5, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 0, 63, 0)], "SOS: 14 bytes for 5 colour planes"),
        ["scan with a plane twice"] =
            ([.. Steps, .. Grey, .. Means, .. Others, .. Segment(0xDA, 2, 1, 0, 1, 0, 0, 63, 0)], "SOS: colour plane 1 twice; expected different ones."),
        ["scan of half the coefficients"] = ([.. Steps, .. Grey, .. Means, .. Others, .. Scan(0, 31, 0)], "SOS: coefficients 0 to 31, bits 0 and 0, of 1 colour planes; expected 0 to 63"),
        ["MCU too large"] =
            ([.. Steps, .. Segment(0xC0, 8, 0, 8, 0, 8, 3, 1, 0x22, 0, 2, 0x22, 0, 3, 0x22, 0), .. Means, .. Others, .. Segment(0xDA, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0)],
             "SOS: 12 blocks in an MCU; expected at most 10."),
        ["no DC table"] = ([.. Steps, .. Grey, .. Others, .. Whole], "SOS: DC Huffman table 0; expected one that a DHT segment before it defines."),
        ["no AC table"] = ([.. Steps, .. Grey, .. Means, .. Whole], "SOS: AC Huffman table 0; expected one that a DHT segment before it defines."),
        ["AC table 9"] = ([.. Steps, .. Grey, .. Means, .. Segment(0xDA, 1, 1, 9, 0, 63, 0)], "SOS: AC Huffman table 9; expected one"),
        ["no steps"] = ([.. Grey, .. Means, .. Others, .. Whole], "SOS: quantization table 0; expected one that a DQT segment before it defines."),
        ["DC symbol 16"] = (Table(0, 16), "DHT: symbol 16 in DC table 0; expected sizes of 0 to 15 bits."),
        ["too many codes"] = (Segment(0xC4, [0, 3, .. new byte[15], 0, 1, 2]), "DHT: more codes in table 0 than their lengths leave room for"),
        ["codes without symbols"] = (Segment(0xC4, [0, 2, .. new byte[15], 0]), "DHT: table 0 of class 0 with 2 codes in 18 bytes"),
        ["table too short"] = (Segment(0xC4, 0, 1), "DHT: table 0 of class 0 with 1 codes in 2 bytes"),
        ["table of class 2"] = (Table(0x20, 0), "DHT: table 0 of class 2"),
        ["table 4"] = (Table(4, 0), "DHT: table 4 of class 0"),
        ["steps of 24 bits"] = (Segment(0xDB, [0x20, .. new byte[256]]), "DQT: table 0 of precision 2"),
        ["steps for table 5"] = (Segment(0xDB, [5, .. new byte[64]]), "DQT: table 5 of precision 0"),
        ["steps cut off"] = (Segment(0xDB, [0, .. new byte[63]]), "DQT: table 0 of precision 0 in 64 bytes"),
        ["a step of 0"] = (Segment(0xDB, [0, .. new byte[64]]), "DQT: a step of 0 in table 0; expected at least 1."),
        ["restart interval"] = (Segment(0xDD, 0), "DRI: 1 bytes; expected 2."),
        ["height behind"] = (Segment(0xDC, 0, 8), "DNL: a height behind the picture; expected it in the frame."),
        ["unknown segment"] = (Segment(0xF7, 0, 8), "marker 0xFFF7: a segment that is not known"),
        ["second start"] = (Start, "SOI: a segment that is not known"),
        ["segment of 1 byte"] = ([0xFF, 0xFE, 0, 1], "COM: a segment of 1 bytes; expected at least 2"),
        ["segment past the end"] = ([0xFF, 0xFE, 1, 0], "COM: a segment of 256 bytes, of which the file has 4; expected all of it."),
        ["segment without length"] = ([0xFF, 0xFE], "COM: a segment of 65497 bytes, of which the file has 2"),
        ["no scan"] = ([.. Steps, .. Grey], "EOI: colour plane 1 is in no scan; expected all 1 planes."),
        ["scan twice"] =
            ([.. Steps, .. Grey, .. Means, .. Others, .. Whole, 0, .. Whole, 0], "SOS: bits 0 and 0 of coefficients 0 to 63 of colour plane 1; expected each bit once"),
        ["no code"] = ([.. Steps, .. Grey, .. Means, .. Others, .. Whole, 0x80], "entropy-coded data: bits that are no Huffman code in MCU 0"),
        ["data end"] = ([.. Steps, .. Frame(0xC0, 8, 48), .. Means, .. Others, .. Whole, 0], "entropy-coded data: the end of the data inside MCU 4 of the scan from byte"),
        ["past the last coefficient"] =
            ([.. Steps, .. Grey, .. Means, .. Table(0x10, 0xF1), .. Whole, 0, 0, 0, 0], "entropy-coded data: coefficients past the last in MCU 0; expected at most 63."),
        ["strange symbol"] = ([.. Steps, .. Grey, .. Means, .. Table(0x10, 0x50), .. Whole, 0], "entropy-coded data: symbol 0x50 in MCU 0"),
        ["mean out of range"] =
            ([.. Steps, .. Frame(0xC0, 8, 24), .. Table(0, 15), .. Others, .. Whole, .. new byte[] { 0x7F, 0xFF, 0, 0x3F, 0xFF, 0, 0x9F, 0xFF, 0 }], "a mean of"),
        ["restart missing"] =
            ([.. Steps, .. Grey[..4], 8, 0, 8, 0, 16, 1, 1, 0x11, 0, .. Means, .. Others, .. Segment(0xDD, 0, 1), .. Whole, 0],
             "entropy-coded data: EOI before MCU 1; expected RST0."),
        ["restart out of order"] =
            ([.. Steps, .. Frame(0xC0, 8, 16), .. Means, .. Others, .. Segment(0xDD, 0, 1), .. Whole, 0, 0xFF, 0xD1, 0], "entropy-coded data: RST1 before MCU 1; expected RST0."),
        ["progressive, only means"] = ([.. Steps, .. Frame(0xC2, 8, 8), .. Means, .. Scan(0, 0, 0), 0], "EOI: scans with the last bits of colour plane 1 are missing"),
        ["progressive, last bit missing"] =
            ([.. Steps, .. Frame(0xC2, 8, 8), .. Means, .. Others, .. Scan(0, 0, 0), 0, .. Scan(1, 63, 1), 0], "EOI: scans with the last bits of colour plane 1 are missing"),
        ["progressive, bit skipped"] =
            ([.. Steps, .. Frame(0xC2, 8, 8), .. Means, .. Others, .. Scan(0, 0, 2), 0, .. Scan(0, 0, 0x10), 0], "SOS: bits 1 and 0 of coefficients 0 to 0 of colour plane 1; expected each bit once"),
        ["progressive, means with others"] = ([.. Steps, .. Frame(0xC2, 8, 8), .. Means, .. Others, .. Scan(0, 63, 0)], "SOS: coefficients 0 to 63, bits 0 and 0"),
        ["progressive, backwards"] = ([.. Steps, .. Frame(0xC2, 8, 8), .. Means, .. Others, .. Scan(5, 4, 0)], "SOS: coefficients 5 to 4"),
        ["progressive, coefficient 64"] = ([.. Steps, .. Frame(0xC2, 8, 8), .. Means, .. Others, .. Scan(5, 64, 0)], "SOS: coefficients 5 to 64"),
        ["progressive, bit 14"] = ([.. Steps, .. Frame(0xC2, 8, 8), .. Means, .. Others, .. Scan(0, 0, 14)], "SOS: coefficients 0 to 0, bits 0 and 14"),
        ["progressive, two bits at once"] = ([.. Steps, .. Frame(0xC2, 8, 8), .. Means, .. Others, .. Scan(0, 0, 0x31)], "SOS: coefficients 0 to 0, bits 3 and 1"),
        ["progressive, run past the end"] =
            ([.. Steps, .. Frame(0xC2, 8, 8), .. Means, .. Table(0x10, 0x10), .. Scan(0, 0, 0), 0, .. Scan(1, 63, 0), 0], "entropy-coded data: 1 blocks more than there are"),
        ["progressive, new coefficient of two bits"] =
            ([.. Steps, .. Frame(0xC2, 8, 8), .. Means, .. Others, .. Scan(0, 0, 0), 0, .. Scan(1, 63, 1), 0, .. Table(0x10, 2), .. Scan(1, 63, 0x10), 0],
             "entropy-coded data: a coefficient of 2 bits in MCU 0"),
    };

    public static TheoryData<string> Names => [.. Broken.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_broken_file_is_refused_with_its_place(string name)
    {
        (byte[] segments, string says) = Broken[name];
        InvalidDataException refusal = Assert.Throws<InvalidDataException>(() => JpegReaderTests.Read([.. Start, .. segments, .. End]));
        Assert.Matches("^bad\\.jpg: byte \\d+, ", refusal.Message);
        Assert.Contains(says, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal.Message);
    }

    [Theory]
    [InlineData("", "bad.jpg: is empty; expected a JPEG file.")]
    [InlineData("89504E470D0A1A0A", "bad.jpg: looks like a PNG file; expected a JPEG file.")]
    [InlineData("FFD8", "bad.jpg: starts with bytes FFD8; expected a JPEG file.")]
    [InlineData("FFD8FF", "bad.jpg: byte 3, end of the file: no EOI; expected one behind the picture.")]
    [InlineData("FFD8FFFE", "bad.jpg: byte 4, COM: the file ends before the segment's length; expected all segments up to EOI.")]
    public void What_is_no_JPEG_is_refused(string bytes, string line) =>
        Assert.Equal(line, Assert.Throws<InvalidDataException>(() => JpegReaderTests.Read(Convert.FromHexString(bytes))).Message);

    [Theory]
    [InlineData("420-restart")]
    [InlineData("420-progressive")]
    [InlineData("ycck-420")]
    public void A_file_that_ends_anywhere_before_its_end_is_refused(string name)
    {
        byte[] content = JpegFixtures.Content(name);
        for (int length = 0; length < content.Length; length++)
        {
            Assert.Throws<InvalidDataException>(() => JpegReaderTests.Read(content[..length]));
        }
    }

    [Fact]
    public void A_changed_file_ends_in_a_picture_or_in_one_refusal()
    {
        Random random = new(5);
        int refused = 0;
        int read = 0;
        foreach (string name in JpegFixtures.Names.Where((_, index) => index % 3 == 0))
        {
            byte[] content = JpegFixtures.Content(name);
            for (int round = 0; round < 60; round++)
            {
                byte[] changed = [.. content];
                for (int change = 0; change <= round % 3; change++)
                {
                    changed[random.Next(changed.Length)] = (byte)random.Next(256);
                }

                try
                {
                    Tensor<byte> picture = JpegReaderTests.Read(changed);
                    Assert.True(picture.Length > 0);
                    read++;
                }
                catch (InvalidDataException refusal)
                {
                    Assert.StartsWith("bad.jpg: ", refusal.Message, StringComparison.Ordinal);
                    refused++;
                }
            }
        }

        Assert.True(refused > 500 && read > 500, $"{refused} refused, {read} read");
    }
}
