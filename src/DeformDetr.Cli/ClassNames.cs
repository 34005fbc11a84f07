using DeformDetr.Oracle;

namespace DeformDetr.Cli;

// What --classes means.
internal static class ClassNames
{
    // Names in label order; null for numbers. Without a word: those of the configuration, else COCO's where the labels are as many.
    public static IReadOnlyList<string>? Of(string? word, RunConfiguration run) => word switch
    {
        null => run.Classes ?? (run.Config.NumClasses == CocoClasses.Names.Count ? CocoClasses.Names : null),
        "none" => null,
        "coco" => Fitting("--classes coco", CocoClasses.Names, run.Config.NumClasses),
        _ => Fitting(word, Read(word), run.Config.NumClasses),
    };

    private static IReadOnlyList<string> Read(string path) =>
        File.Exists(path)
            ? [.. File.ReadLines(path).Select(line => line.Trim())]
            : throw new InvalidDataException(
                $"--classes holds '{path}', {(Directory.Exists(path) ? "a folder" : "which is no file")}; "
                + "expected coco, none, or a text file with a name in each line, in label order.");

    private static IReadOnlyList<string> Fitting(string what, IReadOnlyList<string> names, int labels) =>
        names.Count == labels
            ? names
            : throw new InvalidDataException(
                $"{what}: {Numbers.Count(names.Count, "name", "names")}; "
                + $"expected {Numbers.Count(labels)}, one for each label of the model.");
}
