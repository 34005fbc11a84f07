namespace DeformDetr.Fuzz;

/// <summary>A reader under attack: where its files come from, how it is called, and what must hold for what it reads.</summary>
internal abstract class Reader(string name, Scratch scratch)
{
    /// <summary>What the command line calls it.</summary>
    public string Name => name;

    /// <summary>Valid files.</summary>
    public IReadOnlyList<byte[]> Seeds { get; protected init; } = [];

    /// <summary>Damage beside what <see cref="ByteMutators"/> does.</summary>
    public IReadOnlyList<Mutator> Mutators { get; protected init; } = [];

    /// <summary>The stated limit: bytes that a reader may allocate for each byte of the file, all objects together, garbage included.</summary>
    public abstract int AllocationPerByte { get; }

    /// <summary>And for a file however small.</summary>
    public virtual int AllocationAtLeast => 256 << 10;

    /// <summary>The path that readers are given; messages begin with it.</summary>
    public string Path => scratch[FileName];

    /// <summary>What a refusal begins with, before the place in the file.</summary>
    public virtual string Blamed => $"{Path}:";

    /// <summary>Puts a file where the reader will find it. Not measured.</summary>
    public virtual void Place(byte[] content) => File.WriteAllBytes(Path, content);

    /// <summary>Reads the file with all that it holds. Measured.</summary>
    public abstract object Read();

    /// <summary>What is wrong with what was read, though the reader didn't mind; null for nothing.</summary>
    public abstract string? Wrong(object value, Mutant mutant);

    /// <summary>Must be called once the seeds are there: each seed is read, and becomes what guarded mutants are held against.</summary>
    public void Prepare()
    {
        foreach (byte[] seed in Seeds)
        {
            Place(seed);
            object value = Read();
            See(value);
            if (Wrong(value, new Mutant(seed, "seed", true)) is { } fault)
            {
                throw new InvalidOperationException($"{Name}: a seed is wrong: {fault}");
            }
        }
    }

    /// <summary>The file's name in its folder.</summary>
    protected abstract string FileName { get; }

    /// <summary>A folder in memory where the system has one.</summary>
    protected Scratch Scratch => scratch;

    /// <summary>Takes note of what a seed holds.</summary>
    protected virtual void See(object value)
    {
    }
}
