using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>The judgement of one case in one precision by one kind of kernels.</summary>
/// <param name="Case">The case's name.</param>
/// <param name="ElementType">Float32 or Float64.</param>
/// <param name="Kernels">Which bodies ran.</param>
/// <param name="Tensors">One verdict per expected tensor, in the order of computation; absent ones last.</param>
public sealed record CaseResult(string Case, ElementType ElementType, Kernels Kernels, IReadOnlyList<TensorVerdict> Tensors)
{
    /// <summary>Whether no tensor failed and at least one was judged.</summary>
    public bool Passed => Tensors.Any(tensor => tensor.Verdict is Verdict.Pass or Verdict.NoTruth) && !Tensors.Any(tensor => tensor.Failed);

    /// <summary>The first failing tensor in the order of computation, or null.</summary>
    public TensorVerdict? FirstFailure => Tensors.FirstOrDefault(tensor => tensor.Failed);

    /// <summary>The tensor that uses most of its allowance, or null where nothing was judged.</summary>
    public TensorVerdict? Worst =>
        Tensors
            .Where(tensor => tensor.Verdict is not (Verdict.NotComputed or Verdict.Absent))
            .MaxBy(tensor => double.IsNaN(tensor.Ratio) ? double.PositiveInfinity : tensor.Ratio);

    /// <summary>How many tensors of the case have no gradient computed for them yet.</summary>
    public int NotComputed => Tensors.Count(tensor => tensor.Verdict == Verdict.NotComputed);
}
