using System.Text.Json;
using DeformDetr.Reference;
using DeformDetr.Reference.Pictures;

namespace DeformDetr.Oracle;

/// <summary>
/// What a run needs to know beside weights and input: the model's sizes, how pictures are prepared, and what the labels are called.
/// </summary>
/// <param name="Config">Sizes and variant.</param>
/// <param name="Preprocess">How pictures are resized.</param>
/// <param name="Classes">Names in label order; null where nobody named them.</param>
public sealed record RunConfiguration(DeformableDetrConfig Config, PreprocessOptions Preprocess, IReadOnlyList<string>? Classes)
{
    internal static readonly HashSet<string> CaseKeys = new(StringComparer.Ordinal)
    {
        "format", "name", "target", "weights", "inputs", "expected", "expected64", "source", "pictures",
    };

    /// <summary>A published variant.</summary>
    /// <param name="name">r50, r50-refine, r50-two-stage, r50-single-scale or r50-single-scale-dc5.</param>
    /// <exception cref="InvalidDataException">No such variant.</exception>
    public static RunConfiguration Variant(string name) =>
        DeformableDetrConfig.Variants.TryGetValue(name, out DeformableDetrConfig? config)
            ? new RunConfiguration(config, new PreprocessOptions(), null)
            : throw new InvalidDataException(
                $"variant: '{name}' is unknown; expected {string.Join(", ", DeformableDetrConfig.Variants.Keys)}.");

    /// <summary>A configuration file: a JSON object with config and optionally preprocess and classes. A case.json is one.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">Not such a file; the message names file and key.</exception>
    public static RunConfiguration Load(string path)
    {
        JsonFile file = JsonFile.Open(path);
        foreach (JsonProperty entry in file.Root.EnumerateObject())
        {
            if (entry.Name is not ("config" or "preprocess" or "classes") && !CaseKeys.Contains(entry.Name))
            {
                throw file.Error(entry.Name, "is unknown", "config, preprocess, classes or the keys of a golden case");
            }
        }

        if (!file.Root.TryGetProperty("config", out JsonElement config))
        {
            throw file.Error("config", "is absent", "an object of the original's argument names");
        }

        return new RunConfiguration(ConfigReader.Read(file, config), ReadPreprocess(file), ReadClasses(file));
    }

    internal static PreprocessOptions ReadPreprocess(JsonFile file)
    {
        int shortest = 800;
        int longest = 1333;
        if (file.Root.TryGetProperty("preprocess", out JsonElement preprocess))
        {
            foreach (JsonProperty entry in file.Object(preprocess, "preprocess").EnumerateObject())
            {
                switch (entry.Name)
                {
                    case "shortest": shortest = file.Integer(entry.Value, "preprocess.shortest"); break;
                    case "longest": longest = file.Integer(entry.Value, "preprocess.longest"); break;
                    default: throw file.Error($"preprocess.{entry.Name}", "is unknown", "shortest and longest");
                }
            }
        }

        return shortest > 0 && longest > 0
            ? new PreprocessOptions(shortest, longest)
            : throw file.Error("preprocess", $"holds {shortest} and {longest}", "sides of at least 1");
    }

    internal static IReadOnlyList<string>? ReadClasses(JsonFile file) =>
        file.Root.TryGetProperty("classes", out JsonElement classes) ? file.Strings(classes, "classes") : null;
}
