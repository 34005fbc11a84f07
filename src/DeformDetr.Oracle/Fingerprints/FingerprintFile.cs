using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>The fingerprints of golden cases in a file: case, run (precision and kernels), tensor → hash.</summary>
public sealed class FingerprintFile
{
    private const string Format = "fingerprints/1";
    private const int HashLength = 64;

    private readonly SortedDictionary<string, CaseEntry> _cases = new(StringComparer.Ordinal);

    /// <summary>The runs that a file has of each case, in its order.</summary>
    public static IReadOnlyList<(ElementType ElementType, Kernels Kernels)> Runs { get; } =
    [
        (ElementType.Float32, Kernels.Simd), (ElementType.Float32, Kernels.Textbook),
        (ElementType.Float64, Kernels.Simd), (ElementType.Float64, Kernels.Textbook),
    ];

    /// <summary>Names of the cases, in ordinal order.</summary>
    public IReadOnlyCollection<string> Cases => _cases.Keys;

    /// <summary>How many tensors the file knows, each counted once for its four runs.</summary>
    public int TensorCount => _cases.Values.Sum(entry => entry.Tensors.Count);

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">No file, or another content; the message names file and key.</exception>
    public static FingerprintFile Load(string path)
    {
        if (!File.Exists(path))
        {
            throw new InvalidDataException(
                $"{path}: {(Directory.Exists(path) ? "is a folder" : "no such file")}; expected the fingerprints of the golden cases.");
        }

        JsonFile file = JsonFile.Open(path);
        Keys(file, file.Root, "the file", "format", "runs", "cases");
        string format = file.String(file.Root.GetProperty("format"), "format");
        if (format != Format)
        {
            throw file.Error("format", $"holds '{format}'", Format);
        }

        IReadOnlyList<string> runs = file.Strings(file.Root.GetProperty("runs"), "runs");
        if (!runs.SequenceEqual(Runs.Select(WordsOf)))
        {
            throw file.Error("runs", $"holds {string.Join(", ", runs)}", string.Join(", ", Runs.Select(WordsOf)));
        }

        FingerprintFile fingerprints = new();
        foreach (JsonProperty entry in file.Object(file.Root.GetProperty("cases"), "cases").EnumerateObject())
        {
            fingerprints._cases.Add(entry.Name, ReadCase(file, entry.Value, $"cases.{entry.Name}"));
        }

        return fingerprints._cases.Count > 0 ? fingerprints : throw file.Error("cases", "is empty", "at least one case");
    }

    /// <summary>Adds a case.</summary>
    /// <param name="name">The case's name.</param>
    /// <param name="inputs"><see cref="CaseFingerprints.InputsHash"/> of the case.</param>
    /// <param name="runs">What each of <see cref="Runs"/> computed, in that order.</param>
    /// <exception cref="InvalidDataException">The name stands already, or the runs have other tensors.</exception>
    public void Add(string name, string inputs, IReadOnlyList<IReadOnlyList<TensorFingerprint>> runs)
    {
        string[] names = [.. runs[0].Select(tensor => tensor.Tensor)];
        for (int run = 0; run < Runs.Count; run++)
        {
            string[] others = [.. runs[run].Select(tensor => tensor.Tensor)];
            if (names.Length == 0 || !names.SequenceEqual(others))
            {
                string odd = others.Except(names).Concat(names.Except(others)).FirstOrDefault("their order");
                throw new InvalidDataException(
                    $"fingerprints: {name} {WordsOf(Runs[run])} differs from {WordsOf(Runs[0])} in {odd}; "
                    + "expected the same tensors in the same order from every run, and at least one.");
            }
        }

        CaseEntry entry = new(inputs, [.. names.Select((tensor, index) => (tensor, runs.Select(run => run[index].Hash).ToArray()))]);
        if (!_cases.TryAdd(name, entry))
        {
            throw new InvalidDataException($"fingerprints: two cases have the name {name}; expected every case to have its own.");
        }
    }

    /// <summary>Whether the file has a case.</summary>
    /// <param name="name">The case's name.</param>
    public bool Contains(string name) => _cases.ContainsKey(name);

    /// <summary><see cref="CaseFingerprints.InputsHash"/> when the file was made.</summary>
    /// <param name="name">The case's name.</param>
    public string InputsOf(string name) => _cases[name].Inputs;

    /// <summary>The fingerprints of one run, in the order of computation.</summary>
    /// <param name="name">The case's name.</param>
    /// <param name="elementType">Float32 or Float64.</param>
    /// <param name="kernels">Which bodies ran.</param>
    public IReadOnlyList<TensorFingerprint> Of(string name, ElementType elementType, Kernels kernels)
    {
        int run = Runs.ToList().IndexOf((elementType, kernels));
        return [.. _cases[name].Tensors.Select(tensor => new TensorFingerprint(tensor.Name, tensor.Hashes[run]))];
    }

    /// <summary>Cases that differ from those of another file, or stand in one of both only; in ordinal order.</summary>
    /// <param name="other">The other file.</param>
    public IEnumerable<string> Changed(FingerprintFile other) =>
        Cases.Union(other.Cases, StringComparer.Ordinal)
            .Where(name => !(_cases.TryGetValue(name, out CaseEntry? mine) && other._cases.TryGetValue(name, out CaseEntry? theirs)
                && Text(name, mine) == Text(name, theirs)))
            .Order(StringComparer.Ordinal);

    /// <summary>Writes the file: a line per tensor, cases in ordinal order. It appears whole or not at all.</summary>
    /// <param name="path">The file; replaced if it exists.</param>
    /// <exception cref="IOException">It can't be written.</exception>
    public void Save(string path) => AtomicFile.WriteAllText(path, ToJson());

    private string ToJson()
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"{{\n\"format\": {Quote(Format)},\n");
        text.Append(CultureInfo.InvariantCulture, $"\"runs\": {Line(Runs.Select(WordsOf))},\n\"cases\": {{\n");
        text.AppendJoin(",\n", _cases.Select(entry => Text(entry.Key, entry.Value)));
        return text.Append("\n}\n}\n").ToString();
    }

    private static string Text(string name, CaseEntry entry) =>
        $" {Quote(name)}: {{\n  \"inputs\": {Quote(entry.Inputs)},\n  \"tensors\": {{\n"
        + string.Join(",\n", entry.Tensors.Select(tensor => $"   {Quote(tensor.Name)}: {Line(tensor.Hashes)}"))
        + "\n  }\n }";

    private static CaseEntry ReadCase(JsonFile file, JsonElement element, string key)
    {
        Keys(file, element, key, "inputs", "tensors");
        string inputs = Hash(file, file.String(element.GetProperty("inputs"), $"{key}.inputs"), $"{key}.inputs");
        List<(string Name, string[] Hashes)> tensors = [];
        foreach (JsonProperty tensor in file.Object(element.GetProperty("tensors"), $"{key}.tensors").EnumerateObject())
        {
            string place = $"{key}.tensors.{tensor.Name}";
            string[] hashes = [.. file.Strings(tensor.Value, place).Select(hash => Hash(file, hash, place))];
            if (hashes.Length != Runs.Count)
            {
                throw file.Error(
                    place, string.Create(CultureInfo.InvariantCulture, $"holds {hashes.Length} hashes"), "one hash for each of the runs");
            }

            tensors.Add((tensor.Name, hashes));
        }

        return tensors.Count > 0 ? new CaseEntry(inputs, tensors) : throw file.Error($"{key}.tensors", "is empty", "at least one tensor");
    }

    private static void Keys(JsonFile file, JsonElement element, string key, params ReadOnlySpan<string> expected)
    {
        string keys = string.Join(", ", expected);
        string[] found = [.. file.Object(element, key).EnumerateObject().Select(entry => entry.Name)];
        foreach (string name in expected)
        {
            if (!found.Contains(name))
            {
                throw file.Error(key, $"has no {name}", keys);
            }
        }

        if (found.Length != expected.Length)
        {
            throw file.Error(key, $"holds {string.Join(", ", found)}", keys);
        }
    }

    private static string Hash(JsonFile file, string text, string key) =>
        text.Length == HashLength && text.All(char.IsAsciiHexDigitLower)
            ? text
            : throw file.Error(key, $"holds '{text}'", "64 hexadecimal digits in lower case");

    private static string WordsOf((ElementType ElementType, Kernels Kernels) run) =>
        $"{run.ElementType.Word()} {(run.Kernels == Kernels.Simd ? "simd" : "textbook")}";

    private static string Line(IEnumerable<string> words) => $"[{string.Join(", ", words.Select(Quote))}]";

    private static string Quote(string text) => $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"";

    private sealed record CaseEntry(string Inputs, IReadOnlyList<(string Name, string[] Hashes)> Tensors);
}
