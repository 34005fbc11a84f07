using System.Numerics;
using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests;

/// <summary>golden/photographs: JPEG and PNG files, and what the original finds in each of them.</summary>
public class PhotographFilesTests
{
    private static readonly string Folder = Path.Combine(RepositoryFiles.Golden, "photographs");
    private static readonly string[] Pictures = [.. Directory.GetFiles(Folder, "0*").Order(StringComparer.Ordinal)];

    [Fact]
    public void Detections_are_those_of_the_original_in_both_precisions()
    {
        Judge<float>();
        Judge<double>();
    }

    [Fact]
    public void Every_file_is_a_picture_or_what_is_found_in_it()
    {
        string[] others = [.. Directory.GetFiles(Folder).Except(Pictures).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
        Assert.Equal(["expected.safetensors", "expected64.safetensors"], others);
        foreach (string file in others)
        {
            using TensorFile expected = TensorFile.Open(Path.Combine(Folder, file));
            Assert.Equal(3 * Pictures.Length, expected.Entries.Count);
        }
    }

    private static void Judge<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        GoldenCase demo = GoldenCase.Load(Path.Combine(RepositoryFiles.Golden, "demo"));
        RunConfiguration run = RunConfiguration.Load(Path.Combine(demo.Folder, "case.json"));
        ModelRun<T> model = new(demo.Weights!.Load<T>(run.Config));
        using TensorFile expected = TensorFile.Open(Path.Combine(Folder, "expected.safetensors"));
        using TensorFile expected64 = TensorFile.Open(Path.Combine(Folder, "expected64.safetensors"));
        for (int index = 0; index < Pictures.Length; index++)
        {
            Detections<T> found = model.Run(ModelInput.Load([Pictures[index]], run.Preprocess), Kernels.Simd, 2, null)![0];
            foreach ((string part, Tensor all) in new (string, Tensor)[] { ("scores", found.Scores), ("labels", found.Labels), ("boxes", found.Boxes) })
            {
                string name = $"results.{index}.{part}";
                Tensor wanted = expected.Read(name);
                TensorVerdict verdict = PassRule.Judge(name, First(all, wanted.Shape), wanted, expected64.Read(name));
                Assert.True(verdict.Verdict == Verdict.Pass, $"{Pictures[index]}: {name}: {verdict.Word}, {verdict.Error:R} of {verdict.Allowance:R} {verdict.Note}");
            }
        }
    }

    // The best detections, as many as are kept.
    private static Tensor First(Tensor all, TensorShape shape) => all switch
    {
        Tensor<float> tensor => Cut(tensor, shape),
        Tensor<double> tensor => Cut(tensor, shape),
        Tensor<long> tensor => Cut(tensor, shape),
        _ => throw new ArgumentException($"no detections are {all.ElementType}", nameof(all)),
    };

    private static Tensor<T> Cut<T>(Tensor<T> all, TensorShape shape)
        where T : unmanaged
    {
        Tensor<T> first = new(shape);
        all.AsReadOnlySpan()[..(int)first.Length].CopyTo(first.AsSpan());
        return first;
    }
}
