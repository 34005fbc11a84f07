using System.Text.Json;
using DeformDetr.Formats;

namespace DeformDetr.Mutation;

// What noticed each fault, by the fault's text: it outlives a changed order of the list.
internal sealed class Results
{
    private static readonly JsonSerializerOptions Written = new() { WriteIndented = true, NewLine = "\n", Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly string _path;
    private readonly SortedDictionary<string, Noticed> _all;

    private Results(string path, SortedDictionary<string, Noticed> all)
    {
        _path = path;
        _all = all;
    }

    public sealed record Noticed(IReadOnlyList<string> Laws, IReadOnlyList<string> Goldens);

    public static Results Read(string path) => new(
        path, File.Exists(path)
            ? new(JsonSerializer.Deserialize<Dictionary<string, Noticed>>(File.ReadAllText(path))!, StringComparer.Ordinal)
            : new(StringComparer.Ordinal));

    public bool Has(Mutant mutant) => _all.ContainsKey(Key(mutant));

    public Noticed? Of(Mutant mutant) => _all.GetValueOrDefault(Key(mutant));

    public void Set(Mutant mutant, IReadOnlyList<string> laws, IReadOnlyList<string> goldens) => _all[Key(mutant)] = new Noticed(laws, goldens);

    public void Save() => AtomicFile.WriteAllText(_path, JsonSerializer.Serialize(_all, Written) + "\n");

    private static string Key(Mutant mutant) => $"{mutant.File} {mutant.Occurrence}: {mutant.Old} -> {mutant.New}";
}
