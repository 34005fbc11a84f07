using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests.Png;

public sealed class PngMutationTests
{
    private const int MutationsPerFile = 60;

    [Fact]
    public void A_file_with_one_changed_byte_is_refused_or_still_the_same_picture()
    {
        int refused = 0;
        int same = 0;
        foreach ((PngFixture fixture, byte[] png, _) in Mutations(seed: 1))
        {
            // A CRC finds every change of one byte; what passes was ancillary and behind the image data, or behind IEND.
            if (Read(png) is Tensor<byte> picture)
            {
                Assert.Equal(fixture.Rgb, picture.AsReadOnlySpan().ToArray());
                same++;
            }
            else
            {
                refused++;
            }
        }

        Assert.True(refused > 4000 && same > 0, $"{refused} refused, {same} read");
    }

    [Fact]
    public void A_file_with_one_changed_byte_and_right_CRCs_ends_in_a_picture_or_a_refusal()
    {
        int refused = 0;
        int read = 0;
        foreach ((_, byte[] png, _) in Mutations(seed: 2))
        {
            PngBuilder.RepairCrcs(png);
            _ = Read(png) is null ? refused++ : read++;
        }

        Assert.True(refused > 1000 && read > 100, $"{refused} refused, {read} read");
    }

    [Fact]
    public void Rows_with_one_changed_byte_end_in_a_picture_or_a_refusal()
    {
        // Past zlib: filter types, palette indices and passes.
        Random random = new(3);
        foreach ((byte depth, byte colour) in new (byte, byte)[] { (1, 0), (4, 0), (8, 2), (16, 2), (2, 3), (8, 3), (8, 4), (16, 6) })
        {
            for (int round = 0; round < 60; round++)
            {
                byte[] rows = new byte[600];
                random.NextBytes(rows);
                for (int at = 0; at < rows.Length; at++)
                {
                    rows[at] %= 6;
                }

                byte[] png = PngBuilder.File(
                    PngBuilder.Header((uint)random.Next(1, 9), (uint)random.Next(1, 9), depth, colour, interlace: round % 2),
                    PngBuilder.Chunk("PLTE", [1, 2, 3, 4, 5, 6]), PngBuilder.Data(rows), PngBuilder.End);
                _ = Read(png);
            }
        }
    }

    private static IEnumerable<(PngFixture Fixture, byte[] Png, int At)> Mutations(int seed)
    {
        Random random = new(seed);
        foreach (PngFixture fixture in PngFixtures.All.Values)
        {
            for (int mutation = 0; mutation < MutationsPerFile; mutation++)
            {
                byte[] png = [.. fixture.Png];
                int at = random.Next(png.Length);
                png[at] ^= mutation % 2 == 0 ? (byte)(1 << random.Next(8)) : (byte)random.Next(1, 256);
                yield return (fixture, png, at);
            }
        }
    }

    private static Tensor<byte>? Read(byte[] png)
    {
        try
        {
            return PngReaderTests.Read(png);
        }
        catch (InvalidDataException e)
        {
            Assert.StartsWith("bad.png: ", e.Message, StringComparison.Ordinal);
            return null;
        }
    }
}
