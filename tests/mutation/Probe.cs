using System.Numerics;
using DeformDetr.Formats;
using DeformDetr.Laws;
using DeformDetr.Oracle;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Mutation;

// Runs in a process of its own, on assemblies of which one may have a fault. Prints a line for what notices it.
internal static class Probe
{
    // Cases of each law in a first round, in which all laws are tried, of laws that cost more fewer; the others only where the first round
    // noticed nothing.
    private const int First = 24;
    private const int Least = 4;

    // Every law, the goldens left out.
    public static int Laws()
    {
        int broken = 0;
        foreach (bool first in new[] { true, false })
        {
            foreach (Law law in OwnLaws.All.OrderBy(law => law.Cost))
            {
                int few = Math.Max(Least, First / law.Cost);
                for (int i = first ? 0 : few; i < (first ? few : OwnLaws.CasesOf(law)); i++)
                {
                    if (Breaks(law, law.Space.Draw(i)))
                    {
                        Console.WriteLine(law);
                        broken++;
                        break;
                    }
                }

                if (!first && broken > 0)
                {
                    break;
                }
            }

            if (broken > 0)
            {
                break;
            }
        }

        return broken > 0 ? 1 : 0;
    }

    // The golden cases in both precisions and with both kinds of kernels, traced and not; the laws left out. The cases of published sizes
    // come last, and with the fast kernels alone.
    public static int Goldens(string root)
    {
        (ElementType, Kernels)[] runs =
        [
            (ElementType.Float64, Kernels.Textbook), (ElementType.Float64, Kernels.Simd), (ElementType.Float32, Kernels.Textbook), (ElementType.Float32, Kernels.Simd),
        ];
        foreach (GoldenCase golden in GoldenCase.Find([Path.Combine(root, "golden", "cases")]).OrderBy(IsPublished))
        {
            foreach ((ElementType type, Kernels kernels) in runs.Where(run => run.Item2 == Kernels.Simd || !IsPublished(golden)))
            {
                string? fault = null;
                try
                {
                    CaseResult result = CaseVerifier.Verify(golden, type, kernels, 2);
                    fault = result.Passed ? null : result.FirstFailure?.Tensor ?? "no tensor";
                    if (fault is null && kernels == Kernels.Simd && CaseFingerprints.HasLayers(golden))
                    {
                        fault = type == ElementType.Float64 ? Untraced<double>(golden) : Untraced<float>(golden);
                    }
                }
                catch (Exception exception) when (exception is not OutOfMemoryException)
                {
                    fault = exception.GetType().Name;
                }

                if (fault is not null)
                {
                    Console.WriteLine($"{golden.Name}, {type} {kernels}: {fault}");
                    return 1;
                }
            }
        }

        return 0;
    }

    private static bool IsPublished(GoldenCase golden) => golden.Name.StartsWith("published", StringComparison.Ordinal);

    private static bool Breaks(Law law, LawCase drawn)
    {
        try
        {
            return OwnSubjects.Judge(law, drawn).Breach is not null;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return true;
        }
    }

    // A run in which only the end is listened to, so that kernels may be fused.
    private static string? Untraced<T>(GoldenCase golden)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Recorder recorder = new(CaseFingerprints.IsEnd);
        new CaseRunner<T>(golden, new ForwardPass(Kernels.Simd, 2, recorder), recorder).Run();
        using TensorFile expected = TensorFile.Open(golden.ExpectedPath);
        using TensorFile? expected64 = golden.Expected64Path is { } path ? TensorFile.Open(path) : null;
        foreach ((string name, Tensor tensor) in recorder.Tensors.Where(pair => expected.Contains(pair.Key)))
        {
            Tensor? truth = expected64 is not null && expected64.Contains(name) ? expected64.Read(name) : null;
            if (PassRule.Judge(name, tensor, expected.Read(name), truth).Failed)
            {
                return $"{name}, untraced";
            }
        }

        return null;
    }
}
