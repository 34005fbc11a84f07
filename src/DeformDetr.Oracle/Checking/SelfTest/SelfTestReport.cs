namespace DeformDetr.Oracle;

/// <summary>What became of the faults that a self-test planted, and of the healthy dumps.</summary>
/// <param name="Planted">One entry per fault.</param>
/// <param name="Healthy">One entry per healthy dump.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record SelfTestReport(IReadOnlyList<PlantedFault> Planted, IReadOnlyList<HealthyDump> Healthy, double Seconds)
{
    /// <summary>Faults that the catalogue knows.</summary>
    public IReadOnlyList<PlantedFault> Known => [.. Planted.Where(fault => fault.Known)];

    /// <summary>Share of the catalogue's mistakes that were named, among those planted.</summary>
    public double NamedShare => Known.Count == 0 ? 0 : (double)Known.Count(fault => fault.Named) / Known.Count;

    /// <summary>Whether the checker may be trusted: everything caught and located, at least 95 % named, at least 50 healthy dumps and none of
    /// them refused.</summary>
    public bool Passed =>
        Known.Count > 0 && Planted.All(fault => fault.Caught && fault.Located) && NamedShare >= 0.95
        && Healthy.Count >= 50 && Healthy.All(dump => dump.Passed);
}

/// <summary>A fault that was planted in the reference's own dump, and what the check said.</summary>
/// <param name="Name">The mistake's name in the catalogue, or what was done.</param>
/// <param name="Model">Which model.</param>
/// <param name="Tensor">Where it was planted.</param>
/// <param name="Known">Whether the catalogue has it.</param>
/// <param name="Caught">Whether the dump was refused.</param>
/// <param name="Located">Whether the one tensor that it was planted in was named, and no other.</param>
/// <param name="Named">Whether the first finding is the mistake.</param>
/// <param name="Said">What was said instead; null where all is well.</param>
public sealed record PlantedFault(
    string Name, string Model, string Tensor, bool Known, bool Caught, bool Located, bool Named, string? Said);

/// <summary>A dump without a fault, and what the check said.</summary>
/// <param name="Name">Which model, in which order of operations.</param>
/// <param name="Passed">Whether nothing was refused.</param>
/// <param name="Largest">The largest injected error, in noise.</param>
/// <param name="Said">What was refused; null for nothing.</param>
public sealed record HealthyDump(string Name, bool Passed, double Largest, string? Said);
