namespace DeformDetr.Oracle;

/// <summary>What came of one law.</summary>
/// <param name="Law">The law.</param>
/// <param name="Cases">How many generated cases it was tried on.</param>
/// <param name="Missing">Why it was tried on none; null where it was tried.</param>
/// <param name="Failing">The first generated case that breaks it; null where none does.</param>
/// <param name="Breach">What that case showed.</param>
public sealed record LawOutcome(Law Law, int Cases, string? Missing, LawCase? Failing, string? Breach);

/// <summary>A broken law on the smallest case that was found to break it.</summary>
/// <param name="Law">The law.</param>
/// <param name="Case">The smallest case.</param>
/// <param name="Generated">The case as it was generated: the same seed makes it again.</param>
/// <param name="Breach">What breaks it.</param>
/// <param name="Folder">The golden case that was written; null where none was.</param>
public sealed record LawFailure(Law Law, LawCase Case, LawCase Generated, string Breach, string? Folder)
{
    /// <summary>In one sentence, which law is broken and by what.</summary>
    public string Sentence => $"breaks '{Law.Name}' ({Law.Words.TrimEnd('.')}): {Breach}, at {Case}.";
}

/// <summary>What came of trying a target's laws.</summary>
/// <param name="Target">The target.</param>
/// <param name="Seed">Cases were generated from this seed on.</param>
/// <param name="Outcomes">Every law.</param>
/// <param name="Failure">The first broken law, shrunk; null where all hold.</param>
/// <param name="Classes">How many cases belonged to each class where bugs live.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record LawReport(
    string Target, int Seed, IReadOnlyList<LawOutcome> Outcomes, LawFailure? Failure, IReadOnlyDictionary<string, int> Classes, double Seconds)
{
    /// <summary>Whether no law is broken and at least one was tried.</summary>
    public bool Passed => Failure is null && Outcomes.Any(outcome => outcome.Cases > 0);

    /// <summary>How many cases were tried in all.</summary>
    public int Cases => Outcomes.Sum(outcome => outcome.Cases);
}

/// <summary>How laws are tried.</summary>
public sealed record LawOptions
{
    /// <summary>Cases of each law; laws of whole models are tried on fewer.</summary>
    public int Cases { get; init; } = 40;

    /// <summary>The first case's seed; the others follow.</summary>
    public int Seed { get; init; }

    /// <summary>Only the law of this name; null for all.</summary>
    public string? Only { get; init; }

    /// <summary>Where the smallest failing input is written as a golden case; null for nowhere.</summary>
    public string? ExportCase { get; init; }

    /// <summary>Told of what is going on; null for nobody.</summary>
    public Action<string>? Progress { get; init; }
}
