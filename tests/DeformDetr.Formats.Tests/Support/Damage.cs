namespace DeformDetr.Formats.Tests;

internal static class Damage
{
    // Changes one byte at a time: to a random value, a near one, or one that means something in a header.
    public static void Mutate(byte[] content, int seed, int times, Func<byte[], bool> read)
    {
        Random random = new(seed);
        ReadOnlySpan<byte> telling = "\0\u00ff{}[]()\"',:-0189 \n"u8;
        int refused = 0;
        for (int time = 0; time < times; time++)
        {
            int position = random.Next(content.Length);
            byte original = content[position];
            content[position] = random.Next(3) switch
            {
                0 => (byte)random.Next(256),
                1 => (byte)(original ^ (1 << random.Next(8))),
                _ => telling[random.Next(telling.Length)],
            };
            if (!read(content))
            {
                refused++;
            }

            content[position] = original;
        }

        Assert.InRange(refused, times / 10, times);
    }
}
