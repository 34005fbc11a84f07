using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>What became of the bits of one tensor.</summary>
/// <param name="Tensor">Its name.</param>
/// <param name="Traced">Whether every tensor of the run was listened to, or only outputs.</param>
/// <param name="Expected">The hash in the file; null where it has no such tensor.</param>
/// <param name="Actual">The hash of the run; null where it computed no such tensor.</param>
public sealed record TensorBits(string Tensor, bool Traced, string? Expected, string? Actual)
{
    /// <summary>Whether both have the tensor with the same hash.</summary>
    public bool Equal => Expected is not null && Expected == Actual;

    /// <summary>equal, differs, absent (from the run) or extra (not in the file).</summary>
    public string Word => Equal ? "equal" : Actual is null ? "absent" : Expected is null ? "extra" : "differs";
}

/// <summary>The bits of one case in one precision by one kind of kernels, beside those of a file.</summary>
/// <param name="Case">The case's name.</param>
/// <param name="ElementType">Float32 or Float64.</param>
/// <param name="Kernels">Which bodies ran.</param>
/// <param name="Tensors">
/// Tensors of the traced run in the order of computation, then the outputs of the untraced run where it skips anything.
/// </param>
/// <param name="Fault">What makes the whole comparison void; null for nothing.</param>
public sealed record BitsResult(
    string Case, ElementType ElementType, Kernels Kernels, IReadOnlyList<TensorBits> Tensors, string? Fault = null)
{
    /// <summary>Whether every tensor has the same bits, and there is at least one.</summary>
    public bool Passed => Fault is null && Tensors.Count > 0 && Tensors.All(tensor => tensor.Equal);

    /// <summary>The first tensor that is not the same, in the order of computation; null for none.</summary>
    public TensorBits? FirstDifference => Tensors.FirstOrDefault(tensor => !tensor.Equal);
}
