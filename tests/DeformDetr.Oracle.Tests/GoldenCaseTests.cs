using System.Collections.Concurrent;
using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests;

/// <summary>Every golden case of the repository, in both precisions: fast kernels on one and on two threads, textbook kernels side by side.</summary>
public class GoldenCaseTests
{
    public static TheoryData<string> Cases
    {
        get
        {
            TheoryData<string> data = [];
            foreach (GoldenCase golden in GoldenCase.Find([RepositoryFiles.Golden]))
            {
                data.Add(Path.GetRelativePath(RepositoryFiles.Golden, golden.Folder).Replace('\\', '/'));
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Simd_on_one_thread_passes(string folder) => RequirePassed(folder, Kernels.Simd, threads: 1);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Simd_on_two_threads_passes(string folder) => RequirePassed(folder, Kernels.Simd, threads: 2);

    [Fact]
    public void Textbook_passes_on_all_cases_side_by_side()
    {
        ConcurrentQueue<string> failures = [];
        List<(GoldenCase Case, ElementType Type)> runs =
        [
            .. from golden in GoldenCase.Find([RepositoryFiles.Golden])
               from type in new[] { ElementType.Float32, ElementType.Float64 }
               orderby golden.Name.StartsWith("published", StringComparison.Ordinal) descending
               select (golden, type),
        ];
        Parallel.ForEach(Partitioner.Create(runs, EnumerablePartitionerOptions.NoBuffering), run =>
        {
            CaseResult result = CaseVerifier.Verify(run.Case, run.Type, Kernels.Textbook, 1);
            if (!result.Passed)
            {
                failures.Enqueue(Describe(result));
            }
        });
        Assert.Empty(failures);
    }

    [Fact]
    public void There_are_cases_of_every_target() => Assert.Equal(
        ["encoder_output_proposals", "model", "ms_deform_attn", "ms_deform_attn_core", "operator", "pictures", "position_encoding", "post_process", "resize", "transformer"],
        GoldenCase.Find([RepositoryFiles.Golden]).Select(golden => golden.Target).Distinct().Order(StringComparer.Ordinal));

    // Whoever finds that a case doesn't fit together: its file is named.
    [Theory]
    [InlineData("resize-7x5-to-13x11", "\"height\": 13", "\"height\": 16777216", "config holds height 16777216, width 11; expected 1 to 16777216 pixels.")]
    [InlineData("position-sine-one-row", "\"hidden_dim\": 96", "\"hidden_dim\": 2147483647", "config.hidden_dim holds 2147483647; expected 1 to 8192.")]
    [InlineData("position-sine-one-row", "\"hidden_dim\": 96", "\"hidden_dim\": 17", "sine position encoding: channels holds 17; expected a multiple of 4.")]
    [InlineData("operator-linspace", "\"steps\": 13", "\"steps\": 2147483647", "config.steps holds 2147483647; expected a whole number from -65536 to 65536.")]
    [InlineData("operator-relu", "\"inputs.safetensors\"", "\"absent.safetensors\"", "inputs holds 'absent.safetensors', which is not there; expected the name of a file in the same folder.")]
    public void A_case_that_does_not_fit_together_is_refused_by_its_file(string name, string from, string to, string what)
    {
        using CaseCopy copy = new(name);
        copy.RewriteJson(text => text.Contains(from, StringComparison.Ordinal) ? text.Replace(from, to, StringComparison.Ordinal) : throw new InvalidOperationException(text));
        InvalidDataException exception = Assert.Throws<InvalidDataException>(() => copy.Verify());
        Assert.Equal($"{Path.Combine(copy.Folder, "case.json")}: {what}", exception.Message);
    }

    private static void RequirePassed(string folder, Kernels kernels, int threads)
    {
        GoldenCase golden = GoldenCase.Load(Path.Combine(RepositoryFiles.Golden, folder));
        foreach (ElementType type in new[] { ElementType.Float32, ElementType.Float64 })
        {
            CaseResult result = CaseVerifier.Verify(golden, type, kernels, threads);
            Assert.True(result.Passed, Describe(result));
        }
    }

    private static string Describe(CaseResult result)
    {
        TensorVerdict? first = result.FirstFailure;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{result.Case} {result.ElementType} {result.Kernels}: first failing tensor {first?.Tensor ?? "none was judged"}, error {first?.Error:G4}, allowance {first?.Allowance:G4} {first?.Word} {first?.Note}");
    }
}
