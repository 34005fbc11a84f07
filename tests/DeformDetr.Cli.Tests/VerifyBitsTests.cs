using System.Text.Json;
using System.Text.RegularExpressions;

namespace DeformDetr.Cli.Tests;

/// <summary>verify --bits on the repository's file, and on a small repository of its own whose file a test may spoil.</summary>
public sealed partial class VerifyBitsTests : IDisposable
{
    private const string Tensor = "sampling_offsets";
    private readonly Workshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void A_case_of_the_repository_has_the_committed_bits_in_both_precisions_and_with_both_kernels()
    {
        CliRun run = CliRun.Of("verify", "--bits", Workshop.Golden("attn-points"), "--threads", "3").RequireDone();
        Assert.Matches(@"^(x64|arm64), (no vectors|\d+-bit vectors), (Release|Debug) build(, DOTNET_\w+=\S+)*, 3 threads$", run.Lines[0]);
        string[] rows = [.. run.Lines.Skip(2).Take(4).Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))];
        Assert.Equal(
            [
                "same attn-points float32 simd 7 7 1 1", "same attn-points float32 textbook 7 7 0 0",
                "same attn-points float64 simd 7 7 1 1", "same attn-points float64 textbook 7 7 0 0",
            ],
            rows);
        Assert.Equal("1 case, 4 runs: 4 the same, 0 differ; 30 tensors compared, 0 differ", run.Lines[^1]);
    }

    [Fact]
    public void Precision_and_kernels_can_be_chosen()
    {
        CliRun run = CliRun.Of("verify", "--bits", Workshop.Golden("attn-points"), "--kernels", "simd", "--dtype", "float64").RequireDone();
        Assert.Equal("1 case, 1 run: 1 the same, 0 differ; 8 tensors compared, 0 differ", run.Lines[^1]);
    }

    [Fact]
    public void What_is_written_is_the_same_each_time_and_verifies()
    {
        string file = Repository();
        string first = File.ReadAllText(file);
        CliRun again = Here("--write").RequireDone();
        Assert.Equal(first, File.ReadAllText(file));
        Assert.StartsWith("wrote 2 cases, 11 tensors in 4 runs each, ", again.Lines[0], StringComparison.Ordinal);
        Assert.Equal("0 cases differ from the file before", again.Lines[1]);
        Assert.Equal("2 cases, 8 runs: 8 the same, 0 differ; 46 tensors compared, 0 differ", Here().RequireDone().Lines[^1]);
        Assert.Equal(["cases", "fingerprints.json"], Directory.GetFileSystemEntries(_shop.At("golden")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Writing_says_which_cases_differ_from_the_file_before()
    {
        string file = Repository();
        Workshop.Change<float>(_shop.At("golden/cases/core/inputs.safetensors"), "value", tensor => tensor.AsSpan()[0] += 1);
        Assert.Equal("1 case differs from the file before: core-outside", Here("--write").RequireDone().Lines[1]);
        Assert.Contains("\"core-outside\"", File.ReadAllText(file), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_hash_is_named_with_its_tensor()
    {
        Spoil(text => Line().Replace(text, match => match.Value.Replace(match.Groups["first"].Value, new string('0', 64), StringComparison.Ordinal)));
        CliRun run = RequireFailed(Here());
        Assert.Contains(run.Lines, line => line.StartsWith("DIFFERS  attn-points", StringComparison.Ordinal));
        Assert.Contains(run.Lines, line => line.StartsWith($"         first difference: {Tensor} has the hash ", StringComparison.Ordinal) && line.EndsWith("; expected 0000000000000000…", StringComparison.Ordinal));
        Assert.Equal("2 cases, 8 runs: 7 the same, 1 differ; 46 tensors compared, 1 differ", run.Lines[^1]);
    }

    [Fact]
    public void A_tensor_that_the_file_lacks_is_extra()
    {
        Spoil(text => Line().Replace(text, ""));
        CliRun run = RequireFailed(Here());
        Assert.Equal(4, run.Lines.Count(line => line == $"         first difference: {Tensor} is computed, and not in the file"));
        Assert.Equal("2 cases, 8 runs: 4 the same, 4 differ; 46 tensors compared, 4 differ", run.Lines[^1]);
    }

    [Fact]
    public void A_tensor_that_the_run_lacks_is_absent()
    {
        Spoil(text => Line().Replace(text, match => match.Value + match.Value.Replace(Tensor, "nobody_computes_this", StringComparison.Ordinal)));
        CliRun run = RequireFailed(Here());
        Assert.Equal(4, run.Lines.Count(line => line == "         first difference: nobody_computes_this is in the file, and the run did not compute it"));
    }

    [Fact]
    public void A_case_that_the_file_lacks_does_not_pass()
    {
        Repository();
        _shop.CopyOfCase("core-borders", "golden/cases/more");
        CliRun run = RequireFailed(Here());
        Assert.Equal(4, run.Lines.Count(line => line == "         the case is not in the file of fingerprints"));
        Assert.Equal("3 cases, 12 runs: 8 the same, 4 differ; 46 tensors compared, 0 differ", run.Lines[^1]);
    }

    [Fact]
    public void A_case_that_is_gone_does_not_pass_unless_others_are_chosen()
    {
        Repository();
        Directory.Delete(_shop.At("golden/cases/core"), recursive: true);
        CliRun run = RequireFailed(Here("--dtype", "float32"));
        Assert.Equal(2, run.Lines.Count(line => line.StartsWith("DIFFERS  core-outside", StringComparison.Ordinal)));
        Assert.Equal(2, run.Lines.Count(line => line == "         the case is in the file of fingerprints, and its folder is gone"));
        Here("golden/cases/attn").RequireDone();
    }

    [Fact]
    public void Other_inputs_do_not_pass_even_where_the_bits_are_the_same()
    {
        Repository();
        string description = _shop.At("golden/cases/attn/case.json");
        File.WriteAllText(description, File.ReadAllText(description).ReplaceLineEndings("\r\n"));
        Here().RequireDone();
        File.WriteAllText(description, File.ReadAllText(description).Replace("11169a6", "11169a7", StringComparison.Ordinal));
        CliRun run = RequireFailed(Here());
        Assert.Equal(4, run.Lines.Count(line => line == "         the case has other inputs than the one that the fingerprints were taken of"));
        Assert.EndsWith("46 tensors compared, 0 differ", run.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_broken_file_is_bad_input_in_one_line()
    {
        Spoil(text => Line().Replace(text, match => match.Value.Replace(match.Groups["first"].Value, "cafe", StringComparison.Ordinal)));
        string file = Path.Combine("golden", "fingerprints.json");
        Here().RequireBadInput($"{file}: cases.attn-points.tensors.{Tensor} holds 'cafe'; expected 64 hexadecimal digits in lower case.");
        File.Delete(_shop.At(file));
        Here("--json").RequireBadInput($"{file}: no such file; expected the fingerprints of the golden cases.");
    }

    [Fact]
    public void Json_has_an_object_per_tensor_and_nothing_else_is_printed()
    {
        Spoil(text => Line().Replace(text, match => match.Value.Replace(match.Groups["first"].Value, new string('0', 64), StringComparison.Ordinal)));
        _shop.CopyOfCase("core-borders", "golden/cases/more");
        CliRun run = Here("--json", "--kernels", "simd", "--dtype", "float32");
        Assert.Equal((1, ""), (run.Exit, run.Error));
        using JsonDocument json = JsonDocument.Parse(run.Out);
        foreach (JsonElement row in json.RootElement.EnumerateArray())
        {
            Assert.Equal(["case", "dtype", "kernels", "traced", "tensor", "expected", "actual", "verdict"], row.EnumerateObject().Select(entry => entry.Name).Where(key => key != "note"));
        }

        Assert.Equal(
            [$"attn-points {Tensor} differs", "core-borders  void"],
            from row in json.RootElement.EnumerateArray()
            where row.GetProperty("verdict").GetString() != "equal"
            select $"{row.GetProperty("case")} {row.GetProperty("tensor")} {row.GetProperty("verdict")}");
    }

    [Theory]
    [InlineData("without --bits", "verify", "--write")]
    [InlineData("with a choice of runs", "verify", "--bits", "--write", "--dtype", "float32")]
    [InlineData("with a choice of runs", "verify", "--bits", "--write", "--kernels", "simd")]
    [InlineData("with a choice of runs", "verify", "--bits", "--write", "golden")]
    [InlineData("with --json", "verify", "--bits", "--write", "--json")]
    public void The_file_is_written_whole_or_not_at_all(string how, params string[] args) => CliRun.Of(args).RequireBadInput(
        $"--write stands {how}; expected 'verify --bits --write', which runs all cases in both precisions with both kernels.");

    // A repository with two cases, attn-points and core-outside, and their fingerprints.
    private string Repository()
    {
        _shop.Text("DeformDetr.Reference.sln", "");
        Directory.CreateDirectory(_shop.At("golden/cases"));
        _shop.CopyOfCase("attn-points", "golden/cases/attn");
        _shop.CopyOfCase("core-outside", "golden/cases/core");
        Here("--write").RequireDone();
        return _shop.At("golden/fingerprints.json");
    }

    private void Spoil(Func<string, string> change)
    {
        string file = Repository();
        string text = File.ReadAllText(file);
        Assert.Single(Line().Matches(text));
        File.WriteAllText(file, change(text));
    }

    private CliRun Here(params string[] more) => CliRun.OfProcess(_shop.Folder, ["verify", "--bits", .. more]);

    private static CliRun RequireFailed(CliRun run)
    {
        Assert.Equal("", run.Error);
        Assert.Equal(1, run.Exit);
        return run;
    }

    [GeneratedRegex($"""^   "{Tensor}": \["(?<first>[0-9a-f]+)".*\n""", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Line();
}
