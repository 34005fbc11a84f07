using System.Text.Json;
using DeformDetr.Reference.Pictures;

namespace DeformDetr.Oracle;

/// <summary>A folder of golden tensors: what was run, on what, and what the original computed (golden-contract.md, section 2).</summary>
public sealed class GoldenCase
{
    private const string Format = "golden-case/1";

    private GoldenCase(JsonFile file, string name, string target, JsonElement config, WeightSource? weights)
    {
        File = file;
        Name = name;
        Target = target;
        Config = config;
        Weights = weights;
    }

    /// <summary>The case's name.</summary>
    public string Name { get; }

    /// <summary>What is run: ms_deform_attn_core, ms_deform_attn, transformer, model, or a target of this project's own.</summary>
    public string Target { get; }

    /// <summary>The folder.</summary>
    public string Folder => Path.GetDirectoryName(File.Path) ?? "";

    /// <summary>File of the inputs; null where there are none.</summary>
    public string? InputsPath { get; private init; }

    /// <summary>File of what the original computed in float32.</summary>
    public required string ExpectedPath { get; init; }

    /// <summary>File of what the original computed in float64; null where nothing did.</summary>
    public string? Expected64Path { get; private init; }

    /// <summary>Where the weights come from; null where the target has none.</summary>
    public WeightSource? Weights { get; }

    /// <summary>Picture files in batch order; empty where the case starts from a prepared batch.</summary>
    public IReadOnlyList<string> PicturePaths { get; private init; } = [];

    /// <summary>How pictures are resized.</summary>
    public PreprocessOptions Preprocess { get; private init; } = new();

    /// <summary>Names in label order, or null.</summary>
    public IReadOnlyList<string>? Classes { get; private init; }

    internal JsonFile File { get; }

    internal JsonElement Config { get; }

    /// <summary>Reads a case's description; tensors are read when it is run.</summary>
    /// <param name="folder">The folder with case.json, or the path of case.json itself.</param>
    /// <exception cref="InvalidDataException">Not a case; the message names file and key.</exception>
    public static GoldenCase Load(string folder)
    {
        string path = Path.GetFileName(folder) == "case.json" ? folder : Path.Combine(folder, "case.json");
        JsonFile file = JsonFile.Open(path);
        foreach (JsonProperty entry in file.Root.EnumerateObject())
        {
            if (!RunConfiguration.CaseKeys.Contains(entry.Name) && entry.Name is not ("config" or "preprocess" or "classes"))
            {
                throw file.Error(entry.Name, "is unknown", "the keys of a golden case");
            }
        }

        string format = Text(file, "format");
        if (format != Format)
        {
            throw file.Error("format", $"holds '{format}'", Format);
        }

        JsonElement config = file.Root.TryGetProperty("config", out JsonElement given)
            ? file.Object(given, "config")
            : throw file.Error("config", "is absent", "an object");
        return new GoldenCase(file, Text(file, "name"), Text(file, "target"), config, ReadWeights(file))
        {
            InputsPath = Beside(file, "inputs"),
            ExpectedPath = Beside(file, "expected") ?? throw file.Error("expected", "is absent", "the file of what the original computed"),
            Expected64Path = Beside(file, "expected64"),
            PicturePaths = file.Root.TryGetProperty("pictures", out JsonElement pictures)
                ? [.. file.Strings(pictures, "pictures").Select(name => file.Sibling(name, "pictures"))]
                : [],
            Preprocess = RunConfiguration.ReadPreprocess(file),
            Classes = RunConfiguration.ReadClasses(file),
        };
    }

    /// <summary>All cases at or below some folders, ordered by path.</summary>
    /// <param name="paths">Folders that hold a case.json or are searched for them.</param>
    /// <exception cref="InvalidDataException">No case at all below one of the folders.</exception>
    public static IReadOnlyList<GoldenCase> Find(IEnumerable<string> paths)
    {
        List<GoldenCase> cases = [];
        foreach (string path in paths)
        {
            if (System.IO.File.Exists(path))
            {
                cases.Add(
                    Path.GetFileName(path) == "case.json"
                        ? Load(path)
                        : throw new InvalidDataException($"{path}: not a golden case; expected a folder or a case.json."));
                continue;
            }

            if (!Directory.Exists(path))
            {
                throw new InvalidDataException($"{path}: no such folder; expected a golden case or a folder of them.");
            }

            string[] found = Directory.GetFiles(path, "case.json", SearchOption.AllDirectories);
            if (found.Length == 0)
            {
                throw new InvalidDataException($"{path}: holds no case.json; expected a golden case or a folder of them.");
            }

            Array.Sort(found, StringComparer.Ordinal);
            cases.AddRange(found.Select(Load));
        }

        return cases;
    }

    private static string Text(JsonFile file, string key) =>
        file.Root.TryGetProperty(key, out JsonElement value) ? file.String(value, key) : throw file.Error(key, "is absent", "a string");

    private static string? Beside(JsonFile file, string key) =>
        file.Root.TryGetProperty(key, out JsonElement value) ? file.Sibling(file.String(value, key), key) : null;

    private static WeightSource? ReadWeights(JsonFile file)
    {
        if (!file.Root.TryGetProperty("weights", out JsonElement weights))
        {
            return null;
        }

        if (weights.ValueKind == JsonValueKind.String)
        {
            return new WeightSource(file.Sibling(weights.GetString()!, "weights"), 0);
        }

        ulong? seed = null;
        string? recipe = null;
        foreach (JsonProperty entry in file.Object(weights, "weights").EnumerateObject())
        {
            switch (entry.Name)
            {
                case "recipe": recipe = file.String(entry.Value, "weights.recipe"); break;
                case "seed": seed = file.Unsigned(entry.Value, "weights.seed"); break;
                default: throw file.Error($"weights.{entry.Name}", "is unknown", "recipe and seed");
            }
        }

        return recipe == "splitmix64/1" && seed is not null
            ? new WeightSource(null, seed.Value)
            : throw file.Error("weights", "names no known recipe and seed", "a file name or {\"recipe\": \"splitmix64/1\", \"seed\": …}");
    }
}
