namespace DeformDetr.Fuzz;

/// <summary>One way to damage a file.</summary>
/// <param name="Name">What reports call it.</param>
/// <param name="KeepsChecksums">
/// Whether the checksums in the file are left as they are, so that a format that has them must find the damage; false where the damage is
/// made to get past them.
/// </param>
/// <param name="Apply">The damaged file; the seed itself is never changed.</param>
internal sealed record Mutator(string Name, bool KeepsChecksums, Func<Draw, IReadOnlyList<byte[]>, byte[], byte[]> Apply);

/// <summary>A file that a reader is given.</summary>
/// <param name="Content">Its bytes.</param>
/// <param name="Class">The mutator.</param>
/// <param name="KeepsChecksums">See <see cref="Mutator"/>.</param>
internal sealed record Mutant(byte[] Content, string Class, bool KeepsChecksums);
