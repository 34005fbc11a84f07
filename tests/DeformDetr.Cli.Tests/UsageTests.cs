namespace DeformDetr.Cli.Tests;

public sealed class UsageTests
{
    [Theory]
    [InlineData("", "no command; expected demo, detect, trace, verify, check, op, why, laws, inspect or convert ('deform-detr --help' explains them).")]
    [InlineData("train", "unrecognized command or argument 'train'; 'deform-detr --help' lists the commands.")]
    [InlineData("--verbose", "option '--verbose' is unknown; 'deform-detr --help' lists the commands.")]
    [InlineData("demo --verbose", "option '--verbose' is unknown; 'deform-detr demo --help' explains the command.")]
    [InlineData("verify --verbose", "option '--verbose' is unknown; 'deform-detr verify --help' explains the command.")]
    [InlineData("detect a.png --weights w.npz --dtype float32", "option '--dtype' is unknown; 'deform-detr detect --help' explains the command.")]
    [InlineData("detect a.png", "option '--weights' is required; 'deform-detr detect --help' explains the command.")]
    [InlineData("trace --input a.png --weights w.npz", "option '--out' is required; 'deform-detr trace --help' explains the command.")]
    [InlineData("demo --dtype float16", "--dtype holds 'float16'; expected float32 or float64.")]
    [InlineData("demo --dtype all", "--dtype holds 'all'; expected float32 or float64.")]
    [InlineData("demo --dtype Float32", "--dtype holds 'Float32'; expected float32 or float64.")]
    [InlineData("verify --dtype half", "--dtype holds 'half'; expected float32, float64 or all.")]
    [InlineData("demo --kernels fast", "--kernels holds 'fast'; expected simd or textbook.")]
    [InlineData("verify --kernels fast", "--kernels holds 'fast'; expected simd, textbook or all.")]
    [InlineData("demo --threads 0", "--threads holds '0'; expected a whole number of at least 1.")]
    [InlineData("demo --threads -1", "--threads holds '-1'; expected a whole number of at least 1.")]
    [InlineData("demo --threads two", "--threads holds 'two'; expected a whole number of at least 1.")]
    [InlineData("demo --threads 1 --threads 2", "option '--threads' expects a single argument but 2 were provided; 'deform-detr demo --help' explains the command.")]
    [InlineData("detect a.png --weights w.npz --threshold 1,5", "--threshold holds '1,5'; expected a number from 0 to 1.")]
    [InlineData("detect a.png --weights w.npz --threshold NaN", "--threshold holds 'NaN'; expected a number from 0 to 1.")]
    [InlineData("detect a.png --weights w.npz --batch 0", "--batch holds '0'; expected a whole number of at least 1.")]
    [InlineData("detect --weights w.npz", "detect: no picture; expected at least one PNG, JPEG or binary PPM file.")]
    [InlineData("trace --input --weights w.npz --out t.safetensors", "'--weights' stands where the option before it expected a value; 'deform-detr trace --help' explains the command.")]
    [InlineData("demo --out --json", "'--json' stands where the option before it expected a value; 'deform-detr demo --help' explains the command.")]
    [InlineData("demo --out", "required argument missing for option: '--out'; 'deform-detr demo --help' explains the command.")]
    [InlineData("detect a.png --weights w.npz --config c.json --variant r50", "--config and --variant are both given; expected one of them.")]
    [InlineData("detect a.png --weights w.npz --variant r18", "variant: 'r18' is unknown; expected r50, r50-refine, r50-two-stage, r50-single-scale, r50-single-scale-dc5.")]
    [InlineData("detect a.png --weights recipe:1", "--weights holds recipe:1 without the shapes that it should fill; expected --config or --variant too.")]
    [InlineData("trace --input a.png --weights recipe:1 --out t.safetensors", "--weights holds recipe:1 without the shapes that it should fill; expected --config or --variant too.")]
    [InlineData("detect a.png --weights recipe: --variant r50", "weights: 'recipe:' has no seed; expected recipe:SEED with a whole number from 0 to 2^64 - 1.")]
    [InlineData("detect a.png --weights recipe:-1 --variant r50", "weights: 'recipe:-1' has no seed; expected recipe:SEED with a whole number from 0 to 2^64 - 1.")]
    [InlineData("detect a.png --weights w.npz --config nowhere.json", "nowhere.json: no such file; expected a JSON file with config.")]
    [InlineData("detect a.png --weights w.npz --config nowhere/c.json", "nowhere/c.json: no such file; expected a JSON file with config.")]
    [InlineData("detect a.png --weights w.npz --config /", "/: is a folder; expected a JSON file with config.")]
    [InlineData("detect nowhere/a.png --weights recipe:1 --variant r50", "nowhere/a.png: no such file; expected a PNG, JPEG or binary PPM file.")]
    [InlineData("detect nowhere.png --weights recipe:1 --variant r50", "nowhere.png: no such file; expected a PNG, JPEG or binary PPM file.")]
    [InlineData("inspect", "required argument 'FILE' missing for command: 'inspect'; 'deform-detr inspect --help' explains the command.")]
    [InlineData("verify nowhere", "nowhere: no such folder; expected a golden case or a folder of them.")]
    [InlineData("demo --picture 5", "--picture holds 5; expected 1 to 4.")]
    public void Bad_usage_is_one_line_and_exit_status_2(string words, string line) => CliRun.Of(words.Split(' ', StringSplitOptions.RemoveEmptyEntries)).RequireBadInput(line);

    [Fact]
    public void An_empty_word_is_bad_usage()
    {
        CliRun.Of("inspect", "").RequireBadInput("FILE is empty; expected a value.");
        CliRun.Of("detect", "a.png", "--weights", "").RequireBadInput("--weights is empty; expected a value.");
    }

    [Fact]
    public void A_word_that_begins_with_at_is_no_response_file() => CliRun.Of("inspect", "@words.npz").RequireBadInput("@words.npz: no such file.");

    [Fact]
    public void After_two_dashes_a_word_is_a_file() => CliRun.Of("inspect", "--", "--x.npz").RequireBadInput("--x.npz: no such file.");

    [Fact]
    public void Control_characters_in_a_file_name_do_not_reach_the_terminal() => CliRun.Of("inspect", "a\u001b[31m\n.npz").RequireBadInput("a\\u001b[31m .npz: no such file.");
}
