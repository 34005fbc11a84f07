using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Ports;

/// <summary>golden/ports: the original's own dumps agree with our runs, and each mutant differs where it says.</summary>
public class PortFilesTests
{
    private static readonly string Folder = Path.Combine(RepositoryFiles.Golden, "ports");
    private static readonly string[] OwnFiles = ["config.json", "inputs.safetensors", "port.safetensors", "port-float16.safetensors", "port-bfloat16.safetensors"];

    [Theory]
    [InlineData("r50")]
    [InlineData("r50-two-stage")]
    public void The_right_dump_is_our_trace_within_rounding_and_every_mutant_leaves_it_at_its_first_tensor(string folder)
    {
        using TensorFile port = TensorFile.Open(Path.Combine(Folder, folder, "port.safetensors"));
        DirectoryInfo temporary = Directory.CreateTempSubdirectory("port-files-");
        try
        {
            string path = Path.Combine(temporary.FullName, "trace.safetensors");
            Trace(folder, path);
            using TensorFile trace = TensorFile.Open(path);
            Assert.Equal(trace.Entries.Select(entry => entry.Name).Order(StringComparer.Ordinal), port.Entries.Select(entry => entry.Name).Order(StringComparer.Ordinal));
            foreach (TensorEntry entry in trace.Entries)
            {
                TensorVerdict verdict = Judge(entry.Name, trace.Read(entry.Name), port.Read(entry.Name), port);
                Assert.False(verdict.Failed, $"{folder}: {entry.Name}: error {verdict.Error:R}, allowance {verdict.Allowance:R} {verdict.Note}");
            }

            foreach (JsonElement mutant in Mutants().Where(mutant => Text(mutant, "base") == folder))
            {
                using TensorFile changed = TensorFile.Open(MutantPath(mutant));
                string first = trace.Entries.First(entry => changed.Contains(entry.Name)).Name;
                Assert.Equal(Text(mutant, "first_tensor"), first);
                Assert.True(Judge(first, trace.Read(first), changed.Read(first), port).Failed, $"{Text(mutant, "name")}: {first} passes");
            }
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_mutant_holds_the_tensors_that_differ_from_its_base_and_no_others()
    {
        foreach (JsonElement mutant in Mutants())
        {
            using TensorFile port = TensorFile.Open(Path.Combine(Folder, Text(mutant, "base")!, "port.safetensors"));
            using TensorFile changed = TensorFile.Open(MutantPath(mutant));
            foreach (TensorEntry entry in changed.Entries)
            {
                TensorEntry right = port.Entries.Single(other => other.Name == entry.Name);
                Assert.Equal((right.StoredType, right.Shape), (entry.StoredType, entry.Shape));
                Assert.NotEqual(FingerprintOf(port, entry.Name), FingerprintOf(changed, entry.Name));
            }
        }
    }

    [Theory]
    [InlineData("float16", StoredType.F16)]
    [InlineData("bfloat16", StoredType.BF16)]
    public void A_dump_in_half_precision_holds_what_the_right_one_holds_in_half_precision(string precision, StoredType half)
    {
        using TensorFile port = TensorFile.Open(Path.Combine(Folder, "r50", "port.safetensors"));
        using TensorFile halves = TensorFile.Open(Path.Combine(Folder, "r50", $"port-{precision}.safetensors"));
        Assert.Equal(
            port.Entries.Select(entry => (entry.Name, entry.Shape, entry.StoredType == StoredType.F32 ? half : entry.StoredType)),
            halves.Entries.Select(entry => (entry.Name, entry.Shape, entry.StoredType)));
    }

    [Fact]
    public void Every_file_is_a_right_dump_or_a_listed_mutant()
    {
        string[] listed = [.. Mutants().Select(MutantPath)];
        Assert.True(listed.Length >= 14 && listed.Distinct(StringComparer.Ordinal).Count() == listed.Length);
        Assert.Equal(
            listed.Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories)
                .Where(file => !OwnFiles.Contains(Path.GetFileName(file)) && Path.GetExtension(file) != ".py" && Path.GetDirectoryName(file) != Folder
                    && !file.Contains("__pycache__", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_dumps_take_at_most_twenty_five_megabytes() => Assert.InRange(
        Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length), 1, 25_000_000);

    private static void Trace(string folder, string path)
    {
        string config = Path.Combine(Folder, folder, "config.json");
        using JsonDocument facts = JsonDocument.Parse(File.ReadAllText(config));
        RunConfiguration configuration = RunConfiguration.Load(config);
        WeightSource weights = new(null, facts.RootElement.GetProperty("weights").GetProperty("seed").GetUInt64());
        TraceRun.Run(new TraceRequest(
            [Path.Combine(Folder, folder, "inputs.safetensors")], weights, configuration.Config, configuration.Preprocess, ElementType.Float32, Kernels.Simd, 1, [], path));
    }

    private static TensorVerdict Judge(string name, Tensor actual, Tensor expected, TensorFile port) =>
        PassRule.Judge(name, actual, expected, null, Padding(name, expected.Shape, port));

    // The elements that the contract doesn't count: what the sine encoding of padding reaches before attention's value is masked.
    private static Tensor<bool>? Padding(string name, TensorShape shape, TensorFile port)
    {
        bool encoding = name.StartsWith("pos.", StringComparison.Ordinal);
        bool tokens = name is "transformer.lvl_pos_embed_flatten" or "transformer.memory"
            || (name.StartsWith("transformer.encoder.layers.", StringComparison.Ordinal) && !name.EndsWith(".value", StringComparison.Ordinal));
        if (!encoding && !tokens)
        {
            return null;
        }

        ReadOnlySpan<bool> mask = port.Read<bool>(encoding ? $"masks.{name["pos.".Length..]}" : "transformer.mask_flatten").AsReadOnlySpan();
        Tensor<bool> padding = new(shape);
        Span<bool> elements = padding.AsSpan();
        int places = mask.Length / (int)shape[0];
        int channels = elements.Length / mask.Length;
        for (int i = 0; i < elements.Length; i++)
        {
            elements[i] = mask[encoding ? (i / (channels * places) * places) + (i % places) : i / channels];
        }

        return padding;
    }

    private static string FingerprintOf(TensorFile file, string name) => Convert.ToHexString(Fingerprint.OfTensor(name, file.Read(name)));

    private static List<JsonElement> Mutants()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "mutants.json")));
        return [.. document.RootElement.EnumerateArray().Select(mutant => mutant.Clone())];
    }

    private static string MutantPath(JsonElement mutant) => Path.Combine(Folder, Text(mutant, "base")!, $"{Text(mutant, "name")}.safetensors");

    private static string? Text(JsonElement mutant, string key) => mutant.GetProperty(key).GetString();
}
