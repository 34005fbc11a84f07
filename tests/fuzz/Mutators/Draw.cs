namespace DeformDetr.Fuzz;

// Random numbers that are the same on every machine and version: splitmix64.
internal sealed class Draw(ulong seed)
{
    // A file's own numbers: whichever files are made before it doesn't matter.
    public Draw(string reader, ulong seed, long index)
        : this(seed ^ ((ulong)index * 0xD1342543DE82EF95))
    {
        foreach (char letter in reader)
        {
            _state = (_state ^ letter) * 0x100000001B3;
        }
    }

    private ulong _state = seed;

    public ulong Bits()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    // 0 to below.
    public int Below(int limit) => (int)(Bits() % (ulong)Math.Max(1, limit));

    public bool OneIn(int n) => Below(n) == 0;

    public T Of<T>(IReadOnlyList<T> choices) => choices[Below(choices.Count)];

    // Short more often than long.
    public int Length(int most) => Below(1 + Below(most));

    public byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        for (int index = 0; index < count; index++)
        {
            bytes[index] = (byte)Bits();
        }

        return bytes;
    }
}
