using DeformDetr.Formats;
using DeformDetr.Formats.Png;
using DeformDetr.Tensors;

namespace DeformDetr.Cli.Tests;

/// <summary>A temporary folder with what a run needs, made small.</summary>
internal sealed class Workshop : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("deform-detr-cli-").FullName;

    public static string Repository { get; } = FindRepository();

    public static string Demo => Path.Combine(Repository, "golden", "demo");

    public static string Golden(string name) => Path.Combine(Repository, "golden", "cases", name);

    /// <summary>The shipped model as options.</summary>
    public static IReadOnlyList<string> DemoModel { get; } = ["--weights", Path.Combine(Demo, "weights.safetensors"), "--config", Path.Combine(Demo, "case.json")];

    /// <summary>The path of a shipped picture.</summary>
    public static string Shapes(int number) => Path.Combine(Demo, $"shapes-{number}.png");

    public string At(string name) => Path.Combine(Folder, name);

    /// <summary>A picture of one colour.</summary>
    public string Picture(string name, int height, int width)
    {
        Tensor<byte> rgb = new([height, width, 3]);
        rgb.AsSpan().Fill(90);
        PngWriter.Write(At(name), rgb);
        return At(name);
    }

    public string Text(string name, string content)
    {
        File.WriteAllText(At(name), content);
        return At(name);
    }

    /// <summary>A tiny model by recipe as options; keys given here win.</summary>
    public IReadOnlyList<string> TinyModel(string keys = "", int shortest = 64)
    {
        // The reader refuses a key that stands twice, so what is overridden is left out.
        string all = string.Join(", ", TinyKeys().Where(entry => !keys.Contains($"\"{entry.Name}\"", StringComparison.Ordinal)).Select(entry => entry.Text).Append(keys).Where(text => text.Length > 0));
        string path = Text("config.json", $$"""{"config": { {{all}} }, "preprocess": {"longest": 600, "shortest": {{shortest}} } }""");
        return ["--weights", "recipe:1", "--config", path];
    }

    /// <summary>The shipped model with its weights changed, as options.</summary>
    public IReadOnlyList<string> ChangedWeights(Func<string, Tensor, Tensor?> change)
    {
        using TensorFile file = TensorFile.Open(Path.Combine(Demo, "weights.safetensors"));
        SafetensorsWriter.Save(At("weights.safetensors"), file.Entries.Select(entry => (entry.Name, Tensor: change(entry.Name, file.Read(entry.Name)))).Where(entry => entry.Tensor is not null).Select(entry => (entry.Name, entry.Tensor!)));
        return ["--weights", At("weights.safetensors"), "--config", Path.Combine(Demo, "case.json")];
    }

    /// <summary>A copy of a golden case.</summary>
    public string CopyOfCase(string name, string? under = null)
    {
        string copy = At(under ?? name);
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(Golden(name)))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        return copy;
    }

    /// <summary>Changes one tensor of a file.</summary>
    public static void Change<T>(string path, string name, Action<Tensor<T>> change)
        where T : unmanaged
    {
        List<(string Name, Tensor Tensor)> tensors = [];
        using (TensorFile file = TensorFile.Open(path))
        {
            tensors.AddRange(file.Entries.Select(entry => (entry.Name, file.Read(entry.Name))));
        }

        change((Tensor<T>)tensors.Single(entry => entry.Name == name).Tensor);
        SafetensorsWriter.Save(path, tensors);
    }

    public IEnumerable<string> Files => Directory.GetFileSystemEntries(Folder, "*", new EnumerationOptions { AttributesToSkip = FileAttributes.None, RecurseSubdirectories = true })
        .Select(path => Path.GetRelativePath(Folder, path)).Order(StringComparer.Ordinal);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static IEnumerable<(string Name, string Text)> TinyKeys()
    {
        yield return ("backbone", """ "backbone": {"block": "basic", "width": 8, "layers": [1, 1, 1, 1]} """);
        yield return ("num_feature_levels", """ "num_feature_levels": 3 """);
        yield return ("hidden_dim", """ "hidden_dim": 32 """);
        yield return ("nheads", """ "nheads": 4 """);
        yield return ("enc_layers", """ "enc_layers": 1 """);
        yield return ("dec_layers", """ "dec_layers": 2 """);
        yield return ("dim_feedforward", """ "dim_feedforward": 32 """);
        yield return ("num_queries", """ "num_queries": 20 """);
        yield return ("num_classes", """ "num_classes": 6 """);
    }

    private static string FindRepository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "DeformDetr.Reference.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("tests: no folder above the test binaries holds DeformDetr.Reference.sln.");
    }
}
