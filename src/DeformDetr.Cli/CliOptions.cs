using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using DeformDetr.Oracle;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Cli;

// Options that several commands have, and what their words mean.
internal static class CliOptions
{
    private const string All = "all";

    public static Option<string> DType(bool orAll = false) =>
        Word(
            "--dtype", "Precision of the run" + (orAll ? "; all is both" : ""), orAll ? All : "float32",
            orAll ? ["float32", "float64", All] : ["float32", "float64"]);

    public static Option<string> KernelBodies(bool orAll = false) =>
        Word(
            "--kernels",
            "Which bodies of the operators run: simd is fast, textbook the plain loops of the definition" + (orAll ? "; all is both" : ""),
            "simd", orAll ? ["simd", "textbook", All] : ["simd", "textbook"]);

    public static Option<int?> Threads(string description = "How many threads; the result has the same bits for any number") =>
        AtLeastOne("--threads", "N", $"{description} [default: all cores]", null);

    public static Option<string[]> Inputs() => NotEmpty(new Option<string[]>("--input")
    {
        Description =
            "Pictures (padded into one batch, in that order), or one .safetensors or .npz with samples.tensor and samples.mask",
        HelpName = "X",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    });

    public static Option<string> PortDType() => Word(
        "--port-dtype", "The precision that the port computes in, and is judged by", "float32", ["float32", "float16", "bfloat16"]);

    public static DumpDType DumpDTypeOf(string word) => word switch
    {
        "float16" => DumpDType.Float16,
        "bfloat16" => DumpDType.BFloat16,
        _ => DumpDType.Float32,
    };

    public static Option<string> Layout() => Word(
        "--layout", "Whose names the tensors get", CheckpointLayout.Original.Word, [.. CheckpointLayout.All.Select(layout => layout.Word)]);

    public static void WriteShape(Utf8JsonWriter json, TensorShape shape)
    {
        json.WriteStartArray("shape");
        foreach (int size in shape)
        {
            json.WriteNumberValue(size);
        }

        json.WriteEndArray();
    }

    public static Option<bool> Json() => new("--json") { Description = "Print the same facts as JSON, and nothing else" };

    public static Option<string> Weights() => NotEmpty(new Option<string>("--weights")
    {
        Description =
            "The checkpoint: .pth, .safetensors, .bin or .npz, or a Hugging Face folder; or recipe:SEED for weights made from a number",
        HelpName = "W",
        Required = true,
    });

    public static Option<string?> Config() => NotEmpty(new Option<string?>("--config")
    {
        Description = "A JSON file with config (the original's argument names), and optionally preprocess and classes; a case.json is one",
        HelpName = "C",
    });

    public static Option<string?> Variant() => NotEmpty(new Option<string?>("--variant")
    {
        Description =
            $"A published variant: {string.Join(", ", DeformableDetrConfig.Variants.Keys)} [default without --config: what the checkpoint says, else r50]",
        HelpName = "V",
    });

    public static Option<string?> Out(string help, string description) =>
        NotEmpty(new Option<string?>("--out") { Description = description, HelpName = help });

    public static Option<int?> AtLeastOne(string name, string help, string description, int? absent) => new(name)
    {
        Description = description,
        HelpName = help,
        DefaultValueFactory = absent is null ? null : _ => absent,
        CustomParser = result => Parsed(
            result, name, "a whole number of at least 1",
            (string text, out int value) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= 1),
    };

    public static Option<int> Seed() => new("--seed")
    {
        Description = "The first generated case; the others follow from it",
        HelpName = "S",
        DefaultValueFactory = _ => 0,
        CustomParser = result => Parsed(
            result, "--seed", "a whole number of at least 0",
            (string text, out int value) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value)),
    };

    public static Option<double> Seconds(string name, string description, double absent) => new(name)
    {
        Description = description,
        HelpName = "SECONDS",
        DefaultValueFactory = _ => absent,
        CustomParser = result => Parsed(
            result, name, "a number of seconds above 0, at most 86400",
            (string text, out double value) =>
                double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && value is > 0 and <= 86_400),
    };

    public static Option<double> Probability(string name, string help, string description, double absent) => new(name)
    {
        Description = description,
        HelpName = help,
        DefaultValueFactory = _ => absent,
        CustomParser = result => Parsed(
            result, name, "a number from 0 to 1",
            (string text, out double value) =>
                double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && value is >= 0 and <= 1),
    };

    public static TOption NotEmpty<TOption>(TOption option)
        where TOption : Option
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => token.Value.Length == 0))
            {
                result.AddError($"{option.Name} is empty; expected a value.");
            }
        });
        return option;
    }

    public static Argument<T> NotEmpty<T>(Argument<T> argument)
    {
        argument.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => token.Value.Length == 0))
            {
                result.AddError($"{argument.Name} is empty; expected a value.");
            }
        });
        return argument;
    }

    public static int Cores(int? threads) => threads ?? Environment.ProcessorCount;

    public static IReadOnlyList<ElementType> DTypes(string word) => word switch
    {
        "float32" => [ElementType.Float32],
        "float64" => [ElementType.Float64],
        _ => [ElementType.Float32, ElementType.Float64],
    };

    public static IReadOnlyList<Kernels> Bodies(string word) => word switch
    {
        "simd" => [Kernels.Simd],
        "textbook" => [Kernels.Textbook],
        _ => [Kernels.Simd, Kernels.Textbook],
    };

    public static string WordOf(Kernels kernels) => kernels == Kernels.Simd ? "simd" : "textbook";

    // The textbook bodies run on one thread.
    public static string Describe(Kernels kernels, int threads) =>
        kernels == Kernels.Simd ? $"simd kernels on {Numbers.Count(threads, "thread", "threads")}" : "textbook kernels on 1 thread";

    // A checkpoint file needs no configuration: it may bring one along, and is r50's otherwise. A recipe has no shapes of its own.
    public static (WeightSource Weights, RunConfiguration Run) Model(CliConsole console, string weights, string? config, string? variant)
    {
        if (config is not null && variant is not null)
        {
            throw new InvalidDataException("--config and --variant are both given; expected one of them.");
        }

        if (config is not null && !File.Exists(config))
        {
            throw new InvalidDataException(
                $"{config}: {(Directory.Exists(config) ? "is a folder" : "no such file")}; expected a JSON file with config.");
        }

        WeightSource source = WeightSource.Parse(weights);
        if (source.IsRecipe && config is null && variant is null)
        {
            throw new InvalidDataException(
                $"--weights holds {source.Text} without the shapes that it should fill; expected --config or --variant too.");
        }

        RunConfiguration? given = config is not null ? RunConfiguration.Load(config)
            : variant is not null ? RunConfiguration.Variant(variant)
            : null;
        CheckpointConfiguration? own = source.Path is null ? null : OwnConfiguration(source.Path, quiet: given is not null);
        if (given is null)
        {
            Note(console, source, own?.Notes ?? []);
            return (source, own?.Run ?? RunConfiguration.Variant("r50"));
        }

        if (own is not null && own.Source != CheckpointConfiguration.FromShapes)
        {
            string[] differences = [.. ConfigWriter.Differences(own.Run.Config, given.Config)];
            string option = config is null ? "--variant" : "--config";
            Note(console, source, differences.Length == 0 ? [] : [$"{option} overrides {own.Source}: {string.Join(", ", differences)}"]);
        }

        return (source, given);
    }

    // What went wrong with weights that nobody described: the most likely cause is worth a word.
    public static T OrGuessed<T>(WeightSource weights, string? config, string? variant, Func<T> load)
    {
        try
        {
            return load();
        }
        catch (InvalidDataException exception)
            when (config is null && variant is null && weights.Path is { } path
                && exception.Message.StartsWith($"{path}: ", StringComparison.Ordinal))
        {
            string taken = OwnConfiguration(path, quiet: true) is { } own
                ? $"taken as its {own.Source} say"
                : "taken for r50, since neither --config nor --variant is given";
            throw new InvalidDataException($"{path}: {taken}: {exception.Message[(path.Length + 2)..]}", exception);
        }
    }

    // Where a configuration is given, what the checkpoint says is only compared: a fault there is none of this run.
    private static CheckpointConfiguration? OwnConfiguration(string path, bool quiet)
    {
        try
        {
            using Checkpoint checkpoint = Checkpoint.Open(path);
            return checkpoint.Configuration();
        }
        catch (Exception exception) when (quiet && exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static void Note(CliConsole console, WeightSource source, IReadOnlyList<string> notes)
    {
        foreach (string note in notes)
        {
            console.Error.WriteLine(OneLine.Printable($"deform-detr: note: {source.Text}: {note}."));
        }
    }

    private delegate bool TryParse<T>(string text, out T value);

    private static T Parsed<T>(ArgumentResult result, string name, string expected, TryParse<T> parse)
        where T : struct
    {
        if (!parse(result.Tokens[0].Value, out T value))
        {
            result.AddError($"{name} holds '{result.Tokens[0].Value}'; expected {expected}.");
        }

        return value;
    }

    private static Option<string> Word(string name, string description, string absent, string[] words)
    {
        Option<string> option =
            new(name) { Description = description, HelpName = string.Join('|', words), DefaultValueFactory = _ => absent };
        option.Validators.Add(result =>
        {
            string given = result.Tokens.Count == 0 ? absent : result.Tokens[0].Value;
            if (!words.Contains(given, StringComparer.Ordinal))
            {
                result.AddError($"{name} holds '{given}'; expected {string.Join(", ", words[..^1])} or {words[^1]}.");
            }
        });
        return option;
    }
}
