namespace DeformDetr.Formats.Tests;

public class Crc32Tests
{
    [Fact]
    public void The_check_value_is_the_standards() => Assert.Equal(0xCBF43926, Of("123456789"u8.ToArray(), 9));

    // Long parts go by carry-less products, single bytes by tables: the definition, a bit at a time, stands beside both.
    [Fact]
    public void Every_length_and_every_cut_gives_the_checksum_of_the_definition()
    {
        byte[] bytes = new byte[700];
        new Random(4).NextBytes(bytes);
        for (int length = 0; length < bytes.Length; length++)
        {
            byte[] part = bytes[..length];
            uint expected = Definition(part);
            Assert.Equal(expected, Of(part, 1));
            Assert.Equal(expected, Of(part, 97));
            Assert.Equal(expected, Of(part, 700));
        }
    }

    private static uint Of(byte[] bytes, int step)
    {
        Crc32 checksum = new();
        foreach (byte[] part in bytes.Chunk(step))
        {
            checksum.Append(part);
        }

        return checksum.Value;
    }

    private static uint Definition(byte[] bytes)
    {
        uint state = uint.MaxValue;
        foreach (byte value in bytes)
        {
            state ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                state = (state >> 1) ^ ((state & 1) * 0xEDB88320);
            }
        }

        return ~state;
    }
}
