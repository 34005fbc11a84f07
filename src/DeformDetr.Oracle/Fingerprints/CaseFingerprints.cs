using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>Runs golden cases for the bits of their tensors.</summary>
public static class CaseFingerprints
{
    /// <summary>Runs a case.</summary>
    /// <param name="golden">The case.</param>
    /// <param name="elementType">Float32 or Float64: the precision of the run.</param>
    /// <param name="kernels">Which bodies run.</param>
    /// <param name="threads">How many threads the Simd bodies may use.</param>
    /// <param name="traced">Whether every tensor is listened to. Where not, only outputs are, and fused kernels may skip the rest.</param>
    /// <returns>One fingerprint per tensor, in the order of computation.</returns>
    /// <exception cref="InvalidDataException">Bad input; file and tensor named.</exception>
    /// <exception cref="ArgumentException">Tensors whose shapes disagree with the configuration.</exception>
    public static IReadOnlyList<TensorFingerprint> Run(
        GoldenCase golden, ElementType elementType, Kernels kernels, int threads, bool traced) =>
        elementType == ElementType.Float64
            ? Run<double>(golden, kernels, threads, traced)
            : Run<float>(golden, kernels, threads, traced);

    /// <summary>Whether a run that is not traced skips anything: only layers tap tensors on their way.</summary>
    /// <param name="golden">The case.</param>
    public static bool HasLayers(GoldenCase golden) => golden.Target is "ms_deform_attn" or "transformer" or "model";

    /// <summary>
    /// SHA-256, in hexadecimal, of all that a run of the case depends on: its description (white space apart), inputs, weights, pictures.
    /// </summary>
    /// <param name="golden">The case.</param>
    public static string InputsHash(GoldenCase golden)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(golden.File.Root)));
        foreach (string path in new[] { golden.InputsPath, golden.Weights?.Path }.OfType<string>().Concat(golden.PicturePaths))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"\0{Path.GetFileName(path)}\0{FileHash.Sha256(path)}"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static IReadOnlyList<TensorFingerprint> Run<T>(GoldenCase golden, Kernels kernels, int threads, bool traced)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        FingerprintRecorder recorder = new(Wanted(golden, traced));
        new CaseRunner<T>(golden, new ForwardPass(kernels, threads, recorder), recorder).Run();
        return recorder.Tensors;
    }

    internal static Func<string, bool> Wanted(GoldenCase golden, bool traced)
    {
        if (golden.Target == "pictures")
        {
            // What is expected says how far the pictures go: some are only decoded.
            using TensorFile expected = TensorFile.Open(golden.ExpectedPath);
            HashSet<string> names = [.. expected.Entries.Select(entry => entry.Name)];
            return names.Contains;
        }

        return traced || !HasLayers(golden) ? _ => true : IsEnd;
    }

    // What the whole of a target gives. The transformer's own is hs.*; heads may be absent there.
    internal static bool IsEnd(string name) =>
        name == "output"
        || Fingerprint.IsOutput(name)
        || name.StartsWith("hs.", StringComparison.Ordinal)
        || name.StartsWith("results.", StringComparison.Ordinal);
}
