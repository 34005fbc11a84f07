using System.CommandLine;
using DeformDetr.Oracle;
using DeformDetr.Reference;

namespace DeformDetr.Bench;

// Options that several commands have.
internal static class BenchOptions
{
    public static Option<bool> Json() => new("--json") { Description = "Print JSON, not Markdown" };

    public static Option<int> Rounds(int absent) => Number("--rounds", "How often everything is measured, in turns", absent);

    public static Option<string> DType() => Word("--dtype", "Precision", "float32", "float64");

    public static Option<int> Number(string name, string description, int absent) =>
        new(name) { Description = description, DefaultValueFactory = _ => absent };

    public static Option<string> Word(string name, string description, params string[] words)
    {
        Option<string> option = new(name) { Description = description, DefaultValueFactory = _ => words[0] };
        option.AcceptOnlyFromAmong(words);
        return option;
    }

    public static Option<string> Variant() =>
        Word("--variant", "A published variant", [.. DeformableDetrConfig.Variants.Keys.OrderBy(name => name.Length)]);

    public static Option<string?> Config() => new("--config") { Description = "A JSON file with config, instead of --variant" };

    public static Option<string> Weights() => new("--weights")
    {
        Description = "A checkpoint, or recipe:SEED",
        DefaultValueFactory = _ => "recipe:7",
    };

    public static DeformableDetrConfig Configuration(string? config, string variant) =>
        (config is null ? RunConfiguration.Variant(variant) : RunConfiguration.Load(config)).Config;

    // One, and as many as the machine has.
    public static int[] Threads => Environment.ProcessorCount == 1 ? [1] : [1, Environment.ProcessorCount];
}
