using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Ports;

/// <summary>A folder of golden/ports: the original's own dump, to be checked as it is or with something changed.</summary>
internal sealed class ShippedPort : IDisposable
{
    private readonly string _folder;
    private readonly DirectoryInfo _temporary = Directory.CreateTempSubdirectory("port-check-");

    public ShippedPort(string name)
    {
        _folder = Path.Combine(RepositoryFiles.Golden, "ports", name);
        using TensorFile file = TensorFile.Open(At("port.safetensors"));
        foreach (TensorEntry entry in file.Entries)
        {
            Tensors.Add(entry.Name, file.Read(entry.Name));
        }
    }

    // What the dump holds; tests change it.
    public Dictionary<string, Tensor> Tensors { get; } = new(StringComparer.Ordinal);

    public Tensor<float> Real(string name) => (Tensor<float>)Tensors[name];

    public string At(string file) => Path.Combine(_folder, file);

    // Puts the tensors of a mutant in their places.
    public void Mutate(string mutant)
    {
        using TensorFile changed = TensorFile.Open(At($"{mutant}.safetensors"));
        foreach (TensorEntry entry in changed.Entries)
        {
            Assert.True(Tensors.ContainsKey(entry.Name), entry.Name);
            Tensors[entry.Name] = changed.Read(entry.Name);
        }
    }

    // A file with the tensors as they are now.
    public string Save()
    {
        string path = Path.Combine(_temporary.FullName, "port.safetensors");
        SafetensorsWriter.Save(path, Tensors.Select(entry => (entry.Key, entry.Value)));
        return path;
    }

    public CheckRequest Request(string dump, DumpDType dtype = DumpDType.Float32)
    {
        using JsonDocument facts = JsonDocument.Parse(File.ReadAllText(At("config.json")));
        RunConfiguration configuration = RunConfiguration.Load(At("config.json"));
        WeightSource weights = new(null, facts.RootElement.GetProperty("weights").GetProperty("seed").GetUInt64());
        return new CheckRequest([At("inputs.safetensors")], weights, configuration.Config, configuration.Preprocess, dump, null, dtype, 1);
    }

    // The check of the tensors as they are now, through a file.
    public CheckReport Check() => PortCheck.Run(Request(Save()));

    public void Dispose() => _temporary.Delete(recursive: true);

    // What isn't right, one a line: what a failed assertion shows.
    public static string Faults(CheckReport report) => string.Join(
        '\n',
        report.Tensors.Where(tensor => tensor.Status != CheckStatus.Right).Select(tensor => FormattableString.Invariant(
            $"{tensor.Name}: {tensor.Status}, {tensor.Injected:g4} noise, {tensor.Fault}; {Findings(tensor)}"))
            .Concat(report.Extra.Select(name => $"{name}: extra")));

    private static string Findings(TensorCheck tensor) => string.Join(
        ", ",
        tensor.Diagnosis?.Findings.Select(finding => FormattableString.Invariant(
            $"{finding.Mistake} [{string.Join(' ', finding.References)}] leaves {finding.After:g3}")) ?? []);
}
