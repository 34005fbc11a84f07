namespace DeformDetr.Fuzz;

// Which file comes at which place: the same for the same reader, seed and index, wherever it is made.
internal sealed class Plan(Reader reader, ulong seed)
{
    // A quarter of the files are seeds cut at every place, one after another, as long as there are places.
    private const int CutsEvery = 4;

    public Reader Reader => reader;

    private readonly long[] _cutsBefore = Sums(reader.Seeds);

    private readonly Mutator[] _mutators = [.. ByteMutators.All, .. reader.Mutators, .. reader.Mutators];

    public Mutant Make(long index)
    {
        Draw draw = new(reader.Name, seed, index);
        if (index % CutsEvery == 0 && index / CutsEvery < _cutsBefore[^1])
        {
            int which = Array.FindLastIndex(_cutsBefore, before => before <= index / CutsEvery);
            return new Mutant(reader.Seeds[which][..(int)(index / CutsEvery - _cutsBefore[which])], "cut-everywhere", true);
        }

        byte[] content = draw.Of(reader.Seeds);
        Mutator first = draw.Of(_mutators);
        content = first.Apply(draw, reader.Seeds, content);
        if (!draw.OneIn(6) || content.Length == 0)
        {
            return new Mutant(content, first.Name, first.KeepsChecksums);
        }

        // Structured damage needs a file that is whole; damage to bytes can come upon anything.
        Mutator second = draw.Of(ByteMutators.All);
        return new Mutant(second.Apply(draw, reader.Seeds, content), $"{first.Name}+{second.Name}", first.KeepsChecksums && second.KeepsChecksums);
    }

    private static long[] Sums(IReadOnlyList<byte[]> seeds)
    {
        List<long> sums = [0];
        foreach (byte[] seed in seeds)
        {
            sums.Add(sums[^1] + seed.Length);
        }

        return [.. sums];
    }
}
