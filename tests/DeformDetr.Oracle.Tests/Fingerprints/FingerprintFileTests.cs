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

    [Theory]
    [InlineData("", "the file is not JSON (")]
    [InlineData("[]", "the file holds no object; expected a JSON object.")]
    [InlineData("{}", "the file has no format; expected format, runs, cases.")]
    [InlineData("""{"format": "fingerprints/2", "runs": [], "cases": {}}""", "format holds 'fingerprints/2'; expected fingerprints/1.")]
    [InlineData("""{"format": "fingerprints/1", "runs": ["float32 simd"], "cases": {}}""", "runs holds float32 simd; expected float32 simd, float32 textbook, float64 simd, float64 textbook.")]
    [InlineData("""RUNS {}}""", "cases is empty; expected at least one case.")]
    [InlineData("""RUNS [] }""", "cases holds []; expected an object.")]
    [InlineData("""RUNS {}, "more": 1}""", "the file holds format, runs, cases, more; expected format, runs, cases.")]
    [InlineData("""RUNS {"a": {"inputs": "HASH"}}}""", "cases.a has no tensors; expected inputs, tensors.")]
    [InlineData("""RUNS {"a": {"inputs": "beef", "tensors": {}}}}""", "cases.a.inputs holds 'beef'; expected 64 hexadecimal digits in lower case.")]
    [InlineData("""RUNS {"a": {"inputs": "HASH", "tensors": {}}}}""", "cases.a.tensors is empty; expected at least one tensor.")]
    [InlineData("""RUNS {"a": {"inputs": "HASH", "tensors": {"t": ["HASH", "HASH"]}}}}""", "cases.a.tensors.t holds 2 hashes; expected one hash for each of the runs.")]
    [InlineData("""RUNS {"a": {"inputs": "HASH", "tensors": {"t": ["HASH", 7]}}}}""", "cases.a.tensors.t holds 7; expected a string.")]
    [InlineData("""RUNS {"a": {"inputs": "HASH", "tensors": {"t": []}, "tensors": {}}}}""", "the file is not JSON (")]
    public void A_file_that_is_not_as_it_should_be_is_refused_with_its_place(string content, string complaint)
    {
        string path = Path.Combine(_folder, "spoilt.json");
        File.WriteAllText(
            path,
            content
                .Replace("RUNS", """{"format": "fingerprints/1", "runs": ["float32 simd", "float32 textbook", "float64 simd", "float64 textbook"], "cases":""", StringComparison.Ordinal)
                .Replace("HASH", new string('a', 64), StringComparison.Ordinal));
        InvalidDataException refused = Assert.Throws<InvalidDataException>(() => FingerprintFile.Load(path));
        Assert.StartsWith($"{path}: {complaint}", refused.Message, StringComparison.Ordinal);
        Assert.EndsWith(complaint.EndsWith('(') ? "; expected a JSON object." : complaint, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_of_a_case_must_have_the_same_tensors_and_a_name_stands_once()
    {
        string hash = new('a', 64);
        IReadOnlyList<TensorFingerprint> one = [new("t", hash)];
        FingerprintFile file = new();
        Assert.StartsWith(
            "fingerprints: a float64 simd differs from float32 simd in u; ",
            Assert.Throws<InvalidDataException>(() => file.Add("a", hash, [one, one, [.. one, new("u", hash)], one])).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => file.Add("a", hash, [[], [], [], []]));
        file.Add("a", hash, [one, one, one, one]);
        Assert.Throws<InvalidDataException>(() => file.Add("a", hash, [one, one, one, one]));
    }

    [Fact]
    public void A_traced_run_must_have_every_tensor_and_an_untraced_one_every_output()
    {
        string hash = new('a', 64);
        IReadOnlyList<TensorFingerprint> expected = [new("inner", hash), new("hs.0", hash), new("pred_boxes", hash)];
        Assert.Equal(["inner absent", "hs.0 absent", "pred_boxes absent"], Words(BitsVerifier.Compare(expected, [], traced: true)));
        Assert.Equal(["hs.0 absent", "pred_boxes absent"], Words(BitsVerifier.Compare(expected, [], traced: false)));
        Assert.Equal(
            ["hs.0 differs", "other extra", "pred_boxes absent"],
            Words(BitsVerifier.Compare(expected, [new("hs.0", new('b', 64)), new("other", hash)], traced: false)));
        Assert.Equal(["hs.0 equal", "pred_boxes equal"], Words(BitsVerifier.Compare(expected, [.. expected.Skip(1)], traced: false)));
    }

    private static IEnumerable<string> Words(IEnumerable<TensorBits> tensors) => tensors.Select(tensor => $"{tensor.Tensor} {tensor.Word}");
}
