using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Fingerprints;

/// <summary>golden/fingerprints.json as it is committed, and files that are not as they should be.</summary>
public sealed class FingerprintFileTests : IDisposable
{
    private static readonly string Committed = Path.Combine(RepositoryFiles.Golden, "fingerprints.json");
    private readonly string _folder = Directory.CreateTempSubdirectory("fingerprints-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_committed_file_has_every_case_with_its_inputs_and_no_other()
    {
        FingerprintFile file = FingerprintFile.Load(Committed);
        IReadOnlyList<GoldenCase> cases = GoldenCase.Find([RepositoryFiles.Golden]);
        Assert.Equal(cases.Select(golden => golden.Name).Order(StringComparer.Ordinal), file.Cases);
        Assert.All(cases, golden => Assert.Equal(CaseFingerprints.InputsHash(golden), file.InputsOf(golden.Name)));
    }

    [Fact]
    public void The_committed_file_names_every_expected_tensor_that_is_computed()
    {
        FingerprintFile file = FingerprintFile.Load(Committed);
        foreach (GoldenCase golden in GoldenCase.Find([RepositoryFiles.Golden]))
        {
            using Formats.TensorFile expected = Formats.TensorFile.Open(golden.ExpectedPath);
            HashSet<string> names = [.. file.Of(golden.Name, ElementType.Float32, Kernels.Simd).Select(tensor => tensor.Tensor)];
            Assert.Equal([], expected.Entries.Select(entry => entry.Name).Where(name => !names.Contains(name)));
        }
    }

    [Fact]
    public void What_is_saved_is_read_back_and_written_the_same()
    {
        string copy = Path.Combine(_folder, "copy.json");
        FingerprintFile file = FingerprintFile.Load(Committed);
        file.Save(copy);
        Assert.Equal(File.ReadAllText(Committed), File.ReadAllText(copy));
        Assert.Equal([], file.Changed(FingerprintFile.Load(copy)));
        Assert.Equal(["copy.json"], Directory.GetFiles(_folder).Select(Path.GetFileName));
    }
}
