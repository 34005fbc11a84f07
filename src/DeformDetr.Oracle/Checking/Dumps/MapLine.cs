namespace DeformDetr.Oracle;

/// <summary>One pair of names in a map.</summary>
/// <param name="Number">The line in its file, from 1.</param>
/// <param name="Port">The name in the dump.</param>
/// <param name="Contract">The name in the contract; null where the dump's tensor has no counterpart and is left out.</param>
/// <param name="Steps">What brings the port's tensor into the contract's layout, in that order.</param>
internal sealed record MapLine(int Number, NamePattern Port, NamePattern? Contract, IReadOnlyList<LayoutStep> Steps)
{
    /// <summary>Whether it takes a part of the port's tensor, so that other lines may take others.</summary>
    public bool IsPart => Steps.Any(step => step is SliceStep);

    /// <summary>As a map writes it.</summary>
    public string Text => $"{Port.Text} -> {Contract?.Text ?? "-"}{string.Concat(Steps.Select(step => $" [{step.Text}]"))}";
}
