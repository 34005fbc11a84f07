using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>Runs golden cases and compares the bits of every tensor with a file.</summary>
public static class BitsVerifier
{
    /// <summary>
    /// Runs a case traced and, with Simd kernels and where there are layers to fuse, untraced. (Textbook bodies are the definition, one
    /// operator at a time, whoever listens; a second run of them would take long and say little.)
    /// </summary>
    /// <param name="file">The expected fingerprints.</param>
    /// <param name="golden">The case.</param>
    /// <param name="elementType">Float32 or Float64.</param>
    /// <param name="kernels">Which bodies run.</param>
    /// <param name="threads">How many threads the Simd bodies may use.</param>
    /// <exception cref="InvalidDataException">Bad input; file and tensor named.</exception>
    /// <exception cref="ArgumentException">Tensors whose shapes disagree with the configuration.</exception>
    public static BitsResult Verify(FingerprintFile file, GoldenCase golden, ElementType elementType, Kernels kernels, int threads)
    {
        if (!file.Contains(golden.Name))
        {
            return new BitsResult(golden.Name, elementType, kernels, [], "the case is not in the file of fingerprints");
        }

        IReadOnlyList<TensorFingerprint> expected = file.Of(golden.Name, elementType, kernels);
        List<TensorBits> tensors =
            [.. Compare(expected, CaseFingerprints.Run(golden, elementType, kernels, threads, traced: true), traced: true)];
        string? fault = file.InputsOf(golden.Name) == CaseFingerprints.InputsHash(golden)
            ? null
            : "the case has other inputs than the one that the fingerprints were taken of";
        if (kernels == Kernels.Simd && CaseFingerprints.HasLayers(golden))
        {
            int before = tensors.Count;
            tensors.AddRange(Compare(expected, CaseFingerprints.Run(golden, elementType, kernels, threads, traced: false), traced: false));
            fault ??= tensors.Count > before ? null : "the untraced run has no output";
        }

        return new BitsResult(golden.Name, elementType, kernels, tensors, fault);
    }

    /// <summary>Rows for cases that the file has and the folders don't: they never pass.</summary>
    /// <param name="file">The expected fingerprints.</param>
    /// <param name="cases">All cases that there are.</param>
    /// <param name="runs">The runs that are made of each case.</param>
    public static IReadOnlyList<BitsResult> Missing(
        FingerprintFile file, IEnumerable<GoldenCase> cases, IReadOnlyList<(ElementType ElementType, Kernels Kernels)> runs) =>
    [
        .. from name in file.Cases.Except(cases.Select(golden => golden.Name), StringComparer.Ordinal)
           from run in runs
           select new BitsResult(name, run.ElementType, run.Kernels, [], "the case is in the file of fingerprints, and its folder is gone"),
    ];

    /// <summary>
    /// Compares a run with expected fingerprints. A traced run has all of them; an untraced one has some of them, and at least one.
    /// </summary>
    /// <param name="expected">The fingerprints of the file.</param>
    /// <param name="actual">The fingerprints of the run.</param>
    /// <param name="traced">Whether every tensor of the run was listened to.</param>
    public static IEnumerable<TensorBits> Compare(
        IReadOnlyList<TensorFingerprint> expected, IReadOnlyList<TensorFingerprint> actual, bool traced)
    {
        Dictionary<string, string> known = expected.ToDictionary(tensor => tensor.Tensor, tensor => tensor.Hash, StringComparer.Ordinal);
        HashSet<string> seen = [.. actual.Select(tensor => tensor.Tensor)];
        bool IsLost(string name) => !seen.Contains(name) && (traced || CaseFingerprints.IsEnd(name));
        return actual
            .Select(tensor => new TensorBits(tensor.Tensor, traced, known.GetValueOrDefault(tensor.Tensor), tensor.Hash))
            .Concat(expected
                .Where(tensor => IsLost(tensor.Tensor))
                .Select(tensor => new TensorBits(tensor.Tensor, traced, tensor.Hash, null)));
    }
}
