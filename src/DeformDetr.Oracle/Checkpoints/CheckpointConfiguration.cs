using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Reference.Pictures;

namespace DeformDetr.Oracle;

/// <summary>A configuration that a checkpoint brings along.</summary>
/// <param name="Run">The configuration.</param>
/// <param name="Source">Where it comes from, in a few words.</param>
/// <param name="Notes">What else a user should know: arguments that nobody knows, sizes that are assumed.</param>
public sealed record CheckpointConfiguration(RunConfiguration Run, string Source, IReadOnlyList<string> Notes)
{
    /// <summary>The <see cref="Source"/> of a configuration that nobody wrote down.</summary>
    public const string FromShapes = "shapes";

    internal const string MetadataKey = "config";

    internal static CheckpointConfiguration? Of(Checkpoint checkpoint)
    {
        if (checkpoint.File is PyTorchFile { Arguments: { } arguments })
        {
            return OfArguments(checkpoint, arguments);
        }

        if (HuggingFaceConfig.Find(checkpoint) is { } path)
        {
            return HuggingFaceConfig.Read(path);
        }

        if (checkpoint.File.Metadata.TryGetValue(MetadataKey, out string? json))
        {
            JsonFile file = JsonFile.Parse(checkpoint.File.Path, json);
            return new CheckpointConfiguration(Plain(ConfigReader.Read(file, file.Root)), "metadata", []);
        }

        return checkpoint.Layout == CheckpointLayout.Original ? null : ShapesConfig.Read(checkpoint);
    }

    internal static RunConfiguration Plain(Reference.DeformableDetrConfig config) => new(config, new PreprocessOptions(), null);

    // The arguments of main.py. What a fork added is said and left out: the shapes of the weights will tell if it matters.
    private static CheckpointConfiguration OfArguments(Checkpoint checkpoint, string arguments)
    {
        JsonFile file = JsonFile.Parse(checkpoint.File.Path, arguments);
        (JsonElement known, IReadOnlyList<string> unknown) = ConfigReader.Split(file);
        List<string> notes = unknown.Count == 0 ? [] : [$"args has what main.py doesn't know, left out: {string.Join(", ", unknown)}"];
        Reference.DeformableDetrConfig config = ConfigReader.Read(file, known);

        // The number of classes is no argument of main.py: it follows from the data set, and many a training changes it in the code.
        if (!known.TryGetProperty("num_classes", out _) && ShapesConfig.Classes(checkpoint) is { } classes && classes != config.NumClasses)
        {
            notes.Add(FormattableString.Invariant(
                $"num_classes is {classes}, as the class heads have it, not {config.NumClasses}, as its data set would"));
            config = config with { NumClasses = classes };
        }

        return new CheckpointConfiguration(Plain(config), "args", notes);
    }
}
