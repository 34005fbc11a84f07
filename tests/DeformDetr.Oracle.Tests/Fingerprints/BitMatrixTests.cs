using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Fingerprints;

/// <summary>
/// The same bits everywhere: golden cases in child processes with the runtime's switches, each tensor beside golden/fingerprints.json.
/// A leg is called like the switch that makes it. Here those with wide vectors; the slow ones are a class of their own, so that both run
/// side by side.
/// </summary>
public sealed class BitMatrixTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bit-matrix-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(BitLeg.All, "as it is")]
    [InlineData(BitLeg.All, "DOTNET_EnableAVX512", "DOTNET_EnableAVX512=0")]
    [InlineData(BitLeg.Small, "DOTNET_TC_QuickJitForLoops", "DOTNET_TC_QuickJitForLoops=1", "DOTNET_TieredPGO=1")]
    public void Every_tensor_of_the_golden_cases_has_the_committed_bits(string set, string leg, params string[] switches) =>
        BitLegProcess.RequireSame(set, leg, switches);

    // The matrix has teeth: a sum whose order is the machine's, planted into the computation, is found at the tensor that it comes into.
    [Fact]
    public void A_reduction_in_the_order_of_the_machine_s_width_is_found()
    {
        if (Machine.VectorBits == 0)
        {
            return; // these tests themselves run without vectors: no leg has another width
        }

        string file = Path.Combine(_folder, "planted.json");
        GoldenCase golden = BitLeg.Cases(BitLeg.Planted).Single();
        FingerprintFile planted = new();
        planted.Add(
            golden.Name, CaseFingerprints.InputsHash(golden),
            [.. FingerprintFile.Runs.Select(run => PlantedRun(golden, run.ElementType, run.Kernels))]);
        planted.Save(file);

        (int exit, IReadOnlyList<string> lines) = BitLegProcess.Run(file, BitLeg.Planted, "as it is");
        Assert.True(exit == BitLeg.Same, string.Join('\n', lines));

        (exit, lines) = BitLegProcess.Run(file, BitLeg.Planted, "DOTNET_EnableHWIntrinsic", "DOTNET_EnableHWIntrinsic=0");
        Assert.True(exit == BitLeg.Differs, string.Join('\n', lines));
        foreach (string run in new[] { "float32 simd 1", "float32 simd 2", "float32 simd 7", "float32 textbook 1", "float64 simd 1", "float64 simd 2", "float64 simd 7", "float64 textbook 1" })
        {
            string words = $"{golden.Name} {run} threads";
            Assert.Contains(lines, line => line.StartsWith($"{words}: {PlantedRecorder.Place} differs, first of ", StringComparison.Ordinal));
            Assert.Contains(lines, line => line.StartsWith($"{words}, only outputs listened to: ", StringComparison.Ordinal) && line.Contains(" differs, first of ", StringComparison.Ordinal));
        }
    }

    private static IReadOnlyList<TensorFingerprint> PlantedRun(GoldenCase golden, ElementType type, Kernels kernels)
    {
        FingerprintRecorder inner = new(CaseFingerprints.Wanted(golden, traced: true));
        PlantedRecorder recorder = new(inner);
        Reference.ForwardPass pass = new(kernels, 1, recorder);
        if (type == ElementType.Float64)
        {
            new CaseRunner<double>(golden, pass, recorder).Run();
        }
        else
        {
            new CaseRunner<float>(golden, pass, recorder).Run();
        }

        return inner.Tensors;
    }
}
