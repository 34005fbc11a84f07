using System.Text.Json;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Ports;

/// <summary>The original's own dumps are right, and the original with one line changed is found out and told which line.</summary>
public class PortCheckTests
{
    private const int Named = 240;

    public static TheoryData<string, string, string, string?> Mutants
    {
        get
        {
            TheoryData<string, string, string, string?> all = [];
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(RepositoryFiles.Golden, "ports/mutants.json")));
            foreach (JsonElement mutant in document.RootElement.EnumerateArray())
            {
                all.Add(Text(mutant, "base")!, Text(mutant, "name")!, Text(mutant, "first_tensor")!, Text(mutant, "mistake"));
            }

            return all;
        }
    }

    [Theory]
    [InlineData("r50")]
    [InlineData("r50-two-stage")]
    public void The_originals_own_dump_passes(string name)
    {
        using ShippedPort port = new(name);
        CheckReport report = PortCheck.Run(port.Request(port.At("port.safetensors")));
        Assert.True(report.Passed, ShippedPort.Faults(report));
        Assert.Equal($"compared {Named} of {Named}", CheckText.Coverage(report));
        Assert.All(report.Tensors, tensor => Assert.InRange(tensor.Injected, 0, 1));
    }

    [Theory]
    [InlineData("float16", DumpDType.Float16)]
    [InlineData("bfloat16", DumpDType.BFloat16)]
    public void A_dump_in_half_precision_passes_as_such_and_not_as_float32(string word, DumpDType dtype)
    {
        using ShippedPort port = new("r50");
        string dump = port.At($"port-{word}.safetensors");
        CheckReport report = PortCheck.Run(port.Request(dump, dtype));
        Assert.True(report.Passed, ShippedPort.Faults(report));
        Assert.Equal($"compared {Named} of {Named}", CheckText.Coverage(report));

        // The same numbers, widened: float32's rounding explains none of them.
        using Formats.TensorFile file = Formats.TensorFile.Open(dump);
        foreach (Formats.TensorEntry entry in file.Entries)
        {
            port.Tensors[entry.Name] = file.Read(entry.Name);
        }

        CheckRequest request = port.Request("");
        CheckModel model = CheckModel.Load(request.Inputs, request.Weights, request.Config, request.Preprocess);
        CheckTools tools = CheckTools.Create(model.Graph, DumpDType.Float32, threads: 1, ensemble: false);

        // Nobody asks why two hundred steps are wrong.
        tools = tools with { Diagnoser = new Diagnoser(tools.Forced, [], model.Graph) { Total = 0, Least = 0 } };
        IReadOnlyList<TensorCheck> narrow = CheckRun.Run(model, new MemoryPort(port.Tensors), tools).Tensors;
        Assert.True(narrow.Count(tensor => tensor.Status == CheckStatus.Wrong) > Named / 2);
    }

    [Theory]
    [MemberData(nameof(Mutants))]
    public void A_mutant_is_caught_at_its_first_tensor_and_the_changed_line_is_named(string name, string mutant, string first, string? mistake)
    {
        using ShippedPort port = new(name);
        port.Mutate(mutant);
        CheckReport report = port.Check();
        Assert.False(report.Passed, $"{mutant} passes");
        TensorCheck caught = report.Tensors.First(tensor => tensor.Status != CheckStatus.Right);
        Assert.True(first == caught.Name && caught.Status is CheckStatus.Wrong or CheckStatus.Broken, ShippedPort.Faults(report));
        Finding? finding = caught.Diagnosis?.Findings.FirstOrDefault();
        Assert.True(finding?.After <= 1, $"nothing explains it:\n{ShippedPort.Faults(report)}");
        Assert.True(mistake is null || finding!.References.Contains(mistake), $"not {mistake}:\n{ShippedPort.Faults(report)}");
    }

    [Fact]
    public void A_decoder_with_its_queries_in_another_order_is_seen_as_such()
    {
        using ShippedPort port = new("r50");
        int[] order = [3, 7, 0, 9, 1, 4, 8, 2, 6, 5];
        string[] queries = [.. port.Tensors.Where(entry => entry.Value.Shape.Rank >= 3 && entry.Value.Shape[1] == order.Length).Select(entry => entry.Key)];
        Assert.True(queries.Length == 49 && queries.Contains("transformer.tgt") && !queries.Contains("transformer.memory"));
        foreach (string name in queries)
        {
            Permute(port.Real(name), order);
        }

        CheckReport report = port.Check();
        Assert.False(report.Passed);
        Assert.True(
            report.WrongSteps.Select(tensor => tensor.Name).SequenceEqual(["transformer.query_embed", "transformer.tgt"]), ShippedPort.Faults(report));
        Assert.All(report.WrongSteps, tensor =>
        {
            Finding finding = tensor.Diagnosis!.Findings[0];
            Assert.Equal("queries in another order", finding.Mistake);
            Assert.InRange(finding.After, 0, 1);
        });
    }

    private static void Permute(Tensor<float> tensor, int[] order)
    {
        float[] right = tensor.AsReadOnlySpan().ToArray();
        int width = tensor.Shape.LengthFrom(2);
        for (int row = 0; row < tensor.Shape[0] * order.Length; row++)
        {
            int from = (row / order.Length * order.Length) + order[row % order.Length];
            right.AsSpan(from * width, width).CopyTo(tensor.AsSpan().Slice(row * width, width));
        }
    }

    private static string? Text(JsonElement mutant, string key) => mutant.GetProperty(key).GetString();
}
