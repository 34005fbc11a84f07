using System.Text;
using DeformDetr.Oracle;

namespace DeformDetr.Fuzz;

// Texts that say how to run something.
internal abstract class TextReader(string name, Scratch scratch) : Reader(name, scratch)
{
    // A document of objects and texts.
    public override int AllocationPerByte => 64;

    protected static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}

internal sealed class ConfigFileReader : TextReader
{
    private const string Sizes =
        """{"config": {"backbone": {"block": "bottleneck", "width": 8, "layers": [1, 1, 1, 1]}, "hidden_dim": 32, "nheads": 4, "num_queries": 5, "lr": 0.1, "dilation": false}, "preprocess": {"shortest": 60, "longest": 100}, "classes": ["one", "zwei"]}""";

    public ConfigFileReader(Scratch scratch)
        : base("config", scratch)
    {
        Seeds = [Utf8(Sizes), Utf8("""{"config": {"backbone": "resnet50", "two_stage": true, "with_box_refine": true, "activation": "gelu", "dataset_file": "coco", "masks": false, "frozen_weights": null}}"""), File.ReadAllBytes(Repository.Golden("cases/model-basic/case.json"))];
        Mutators = TextMutators.All;
    }

    protected override string FileName => "config.json";

    public override object Read() => RunConfiguration.Load(Path);

    public override string? Wrong(object value, Mutant mutant) => WrongWhenWritten((RunConfiguration)value, Scratch);

    public static string? WrongWhenWritten(RunConfiguration run, Scratch scratch)
    {
        string path = scratch["again.json"];
        string text = ConfigWriter.ToJson(run.Config);
        File.WriteAllText(path, $"{{\"config\": {text}}}");
        return ConfigWriter.ToJson(RunConfiguration.Load(path).Config) != text ? "is another once written and read again"
            : run.Preprocess.Shortest < 1 || run.Preprocess.Longest < 1 ? $"pictures of {run.Preprocess}"
            : null;
    }
}

internal sealed class CaseFileReader : TextReader
{
    public CaseFileReader(Scratch scratch)
        : base("case", scratch)
    {
        Directory.CreateDirectory(Folder);
        foreach (string beside in new[] { "inputs", "expected", "expected64", "weights" })
        {
            File.WriteAllText(scratch[$"folder/{beside}.safetensors"], "");
        }

        Seeds = [.. new[] { "model-basic", "operator-gather", "attn-points" }.Select(name => File.ReadAllBytes(Repository.Golden($"cases/{name}/case.json")))];
        Mutators = TextMutators.All;
    }

    protected override string FileName => "folder/case.json";

    private string Folder => Scratch["folder"];

    public override object Read() => GoldenCase.Load(Folder);

    // A case never reaches outside its folder.
    public override string? Wrong(object value, Mutant mutant)
    {
        GoldenCase golden = (GoldenCase)value;
        string?[] paths = [golden.InputsPath, golden.ExpectedPath, golden.Expected64Path, golden.Weights?.Path, .. golden.PicturePaths];
        string? outside = Array.Find(paths, path => path is not null && System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)) != Folder);
        return outside is null ? null : $"reaches {outside}";
    }
}

internal sealed class MapFileReader : TextReader
{
    private const string Lines = """
        deform-detr-map/1
        # a comment
        model.layers.{i}.norm -> transformer.encoder.layers.{i}.norm1 [axes 0 2 1]
        model.qkv.weight -> a.q [slice 0 0:3] [shape 2,-1,3]
        model.qkv.weight -> a.k [slice 0 3:6] [shape expected]
        all.out -> heads.{h} [slice 1 {h}]
        left.out -> -

        """;

    public MapFileReader(Scratch scratch)
        : base("map", scratch)
    {
        Seeds = [Utf8(Lines), .. NameMap.Words.Select(word => Utf8(string.Concat(NameMap.Load(word).ToText().Split('\n').Take(30).Select(line => line + "\n"))))];
        Mutators = TextMutators.All;
    }

    protected override string FileName => "names.map";

    public override object Read() => NameMap.Load(Path);

    public override string? Wrong(object value, Mutant mutant)
    {
        string text = ((NameMap)value).ToText();
        return NameMap.Parse("again", text).ToText() == text ? null : "is another once written and read again";
    }
}

internal sealed class FingerprintsFileReader : TextReader
{
    public FingerprintsFileReader(Scratch scratch)
        : base("fingerprints", scratch)
    {
        string hash = new('a', 64);
        string hashes = string.Join(", ", Enumerable.Repeat($"\"{hash}\"", 4));
        string runs = string.Join(", ", new[] { "float32", "float64" }.SelectMany(type => new[] { $"\"{type} simd\"", $"\"{type} textbook\"" }));
        Seeds =
        [
            Utf8(
                $$"""
                {
                "format": "fingerprints/1", "runs": [{{runs}}], "cases": {
                "one": {"inputs": "{{hash}}", "tensors": {"a": [{{hashes}}], "b": [{{hashes}}] } },
                "two": {"inputs": "{{hash}}", "tensors": {"c": [{{hashes}}] } }
                } }
                """),
        ];
        Mutators = TextMutators.All;
    }

    protected override string FileName => "fingerprints.json";

    public override object Read() => FingerprintFile.Load(Path);

    public override string? Wrong(object value, Mutant mutant)
    {
        FingerprintFile read = (FingerprintFile)value;
        read.Save(Scratch["again.json"]);
        return read.Changed(FingerprintFile.Load(Scratch["again.json"])).Any() ? "is another once written and read again" : null;
    }
}

internal sealed class TruthFileReader : TextReader
{
    public TruthFileReader(Scratch scratch)
        : base("truth", scratch)
    {
        Seeds =
        [
            Utf8("""{"pictures": [{"file": "a.png", "objects": [{"label": "star", "box": [0, 1.5, 20, 3e1]}, {"label": "ring", "box": [1, 2, 3, 4]}]}, {"file": "b.png", "objects": []}]}"""),
        ];
        Mutators = TextMutators.All;
    }

    protected override string FileName => "truth.json";

    public override object Read() => GroundTruth.Load(Path);

    public override string? Wrong(object value, Mutant mutant)
    {
        TrueObject? odd = new[] { "a.png", "b.png" }.SelectMany(((GroundTruth)value).Of)
            .FirstOrDefault(one => !new[] { one.Box.X0, one.Box.Y0, one.Box.X1, one.Box.Y1 }.All(double.IsFinite));
        return odd is null ? null : $"a box of {odd.Box}";
    }
}
