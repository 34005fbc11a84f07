using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Fingerprints;

/// <summary>
/// One leg of the bit matrix, in a process of its own: asserts that the leg's switch took effect, runs the golden cases of a set in every
/// way that must not matter, and prints the first tensor of each run whose bits are not those of the file.
/// </summary>
internal static class BitLeg
{
    public const int Same = 0;
    public const int Differs = 1;
    public const int NoEffect = 3;

    /// <summary>
    /// The sets of cases: everything small; that and the demo, which is large enough for several threads; that and a published model, in
    /// more ways; one small model with a planted fault.
    /// </summary>
    public const string Small = "small";
    public const string SmallAndDemo = "small and demo";
    public const string All = "all";
    public const string Planted = "planted";

    /// <summary>The case of <see cref="Planted"/>.</summary>
    public const string PlantedCase = "model-basic";

    private const string Demo = "demo-shapes";
    private const string Published = "published-r50-two-stage";

    private static readonly string[] BatchedCases = ["model-basic", "model-two-stage"];

    public static int Run(string file, string set, string leg, TextWriter output)
    {
        output.WriteLine($"{leg}: {Machine.Description}");
        if (Ineffective(leg) is { } reason)
        {
            output.WriteLine($"the switch took no effect: {reason}");
            return NoEffect;
        }

        Comparison comparison = new(output);
        FingerprintFile fingerprints = FingerprintFile.Load(file);
        foreach (GoldenCase golden in Cases(set))
        {
            foreach ((ElementType type, Kernels kernels) in FingerprintFile.Runs)
            {
                IReadOnlyList<TensorFingerprint> expected = fingerprints.Of(golden.Name, type, kernels);
                if (type == ElementType.Float64)
                {
                    Run<double>(golden, kernels, set, expected, comparison);
                }
                else
                {
                    Run<float>(golden, kernels, set, expected, comparison);
                }
            }
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"compared {comparison.Compared}"));
        return comparison.Differs ? Differs : Same;
    }

    public static IEnumerable<GoldenCase> Cases(string set) =>
        from golden in GoldenCase.Find([RepositoryFiles.Golden])
        where set == Planted ? golden.Name == PlantedCase
            : golden.Name == Demo ? set is SmallAndDemo or All
            : golden.Name == Published ? set == All
            : !golden.Name.StartsWith("published-", StringComparison.Ordinal)
        select golden;

    private static void Run<T>(
        GoldenCase golden, Kernels kernels, string set, IReadOnlyList<TensorFingerprint> expected, Comparison comparison)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        string name = $"{golden.Name} {ElementTypes.Of<T>().Word()} {(kernels == Kernels.Simd ? "simd" : "textbook")}";
        bool isLarge = golden.Name is Demo or Published;
        foreach (Way way in Ways<T>(kernels, set, isLarge))
        {
            string words = $"{name} {way}";
            FingerprintRecorder first = Recorder(golden, way.Traced);
            SwitchingRecorder recorder = new(set == Planted ? new PlantedRecorder(first) : first);
            ForwardPass pass = new(kernels, way.Threads, recorder);
            new CaseRunner<T>(golden, pass, recorder).Run();
            comparison.Add(words, expected, first.Tensors, way.Traced);
            if (way.Again)
            {
                FingerprintRecorder second = Recorder(golden, way.Traced);
                recorder.Inner = second;
                new CaseRunner<T>(golden, pass, recorder).Run();
                comparison.Add($"{words}, again with the same pass", expected, second.Tensors, way.Traced);
            }
        }

        if (golden.Target == "model" && set != Planted && (set == All ? kernels == Kernels.Simd || !isLarge : kernels == Kernels.Simd && !isLarge))
        {
            comparison.Add($"{name}, nobody listens", expected, Unheard<T>(golden, kernels), traced: false, some: true);
            if (BatchedCases.Contains(golden.Name))
            {
                foreach (string difference in BatchSlots.Differences<T>(golden, kernels))
                {
                    comparison.Fail($"{name}, {difference}");
                }
            }
        }
    }

    // Where vectors are wide all; where they are narrow, which is slow, each number of threads and each way to listen.
    private static Way[] Ways<T>(Kernels kernels, string set, bool isLarge) => (kernels, set, isLarge) switch
    {
        (Kernels.Textbook, _, true) => [],
        (Kernels.Textbook, All or Planted, _) => [new(1, true), new(1, false)],
        (Kernels.Textbook, _, _) => [new(1, true)],
        (_, All, true) => [new(1, false), new(2, true), new(7, true), new(7, false)],
        (_, _, true) => typeof(T) == typeof(float) ? [new(7, true)] : [],
        (_, All, _) => [new(1, true), new(1, false), new(2, true, true), new(2, false, true), new(7, true), new(7, false)],
        (_, Planted, _) => [new(1, true), new(1, false), new(2, true), new(2, false), new(7, true), new(7, false)],
        _ => [new(1, true), new(2, false), new(7, true)],
    };

    private static FingerprintRecorder Recorder(GoldenCase golden, bool traced) => new(CaseFingerprints.Wanted(golden, traced));

    private static IReadOnlyList<TensorFingerprint> Unheard<T>(GoldenCase golden, Kernels kernels)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using TensorFile inputs = TensorFile.Open(golden.InputsPath!);
        DeformableDetr<T> model = golden.Weights!.Load<T>(ConfigReader.Read(golden.File, golden.Config));
        ForwardPass pass = new(kernels, 2);
        using BufferScope scope = pass.Scope();
        DetrOutputs<T> outputs = model.Forward(pass, Widening.To<T>(inputs.Read<float>("samples.tensor"))!, inputs.Read<bool>("samples.mask"));
        FingerprintRecorder recorder = new(_ => true);
        recorder.Add("pred_logits", outputs.Final.PredLogits);
        recorder.Add("pred_boxes", outputs.Final.PredBoxes);
        return recorder.Tensors;
    }

    // Why the leg's switch did nothing; null where it did. A machine may lack what is switched off: then it is off.
    private static string? Ineffective(string leg)
    {
        bool optimised = !Machine.IsDebug;
        return leg switch
        {
            "as it is" when Compilation.IsOptimised != optimised => "the code is not compiled as it was built",
            "DOTNET_EnableAVX512" when Avx512F.IsSupported || Vector512.IsHardwareAccelerated => "AVX-512 is there",
            "DOTNET_EnableAVX2" when Avx2.IsSupported || Fma.IsSupported || Vector256.IsHardwareAccelerated => "AVX2 or FMA is there",
            "DOTNET_EnableHWIntrinsic" when Sse41.IsSupported || Avx.IsSupported || Vector128.IsHardwareAccelerated =>
                "vectors of 128 bits are there",
            "DOTNET_JITMinOpts" when Compilation.IsOptimised || Compilation.IsOptimisedAtOnce => "code is optimised",
            "DOTNET_TC_QuickJitForLoops" when Compilation.IsOptimised => "loops are optimised at once",
            "as it is" or "DOTNET_EnableAVX512" or "DOTNET_EnableAVX2" or "DOTNET_EnableHWIntrinsic" or "DOTNET_JITMinOpts"
                or "DOTNET_TC_QuickJitForLoops" => null,
            _ => "nobody knows the switch",
        };
    }

    // Optimised code forgets an object after its last use; other code keeps it to the end of the method.
    private static class Compilation
    {
        public static bool IsOptimised { get; } = !Keeps(1);

        public static bool IsOptimisedAtOnce { get; } = !KeepsAtOnce();

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static bool Keeps(int rounds)
        {
            WeakReference weak = new(null);
            object kept = new();
            for (int round = 0; round < rounds; round++)
            {
                weak.Target = kept;
            }

            GC.Collect();
            return weak.IsAlive;
        }

        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        private static bool KeepsAtOnce()
        {
            object kept = new();
            WeakReference weak = new(kept);
            GC.Collect();
            return weak.IsAlive;
        }
    }

    private readonly record struct Way(int Threads, bool Traced, bool Again = false)
    {
        public override string ToString() =>
            string.Create(CultureInfo.InvariantCulture, $"{Threads} threads{(Traced ? "" : ", only outputs listened to")}");
    }

    private sealed class Comparison(TextWriter output)
    {
        public long Compared { get; private set; }

        public bool Differs { get; private set; }

        // some: not all outputs were asked for.
        public void Add(
            string run, IReadOnlyList<TensorFingerprint> expected, IReadOnlyList<TensorFingerprint> actual, bool traced, bool some = false)
        {
            TensorBits[] tensors = [.. BitsVerifier.Compare(expected, actual, traced).Where(tensor => !some || tensor.Actual is not null)];
            Compared += tensors.Length;
            TensorBits[] different = [.. tensors.Where(tensor => !tensor.Equal)];
            if (different.Length > 0 || tensors.Length == 0)
            {
                Fail(tensors.Length == 0
                    ? $"{run}: nothing was compared"
                    : string.Create(
                        CultureInfo.InvariantCulture,
                        $"{run}: {different[0].Tensor} {different[0].Word}, first of {different.Length} out of {tensors.Length}"));
            }
        }

        public void Fail(string line)
        {
            Differs = true;
            output.WriteLine(line);
        }
    }
}
