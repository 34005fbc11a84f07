using System.Text.Json;

namespace DeformDetr.Cli.Tests;

public sealed class VerifyCommandTests : IDisposable
{
    private readonly Workshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void A_case_folder_anywhere_passes_in_both_precisions()
    {
        CliRun run = CliRun.Of("verify", _shop.CopyOfCase("attn-points")).RequireDone();
        Assert.Equal(2, run.Lines.Count(line => line.StartsWith("pass     attn-points", StringComparison.Ordinal)));
        Assert.Equal("1 case, 2 runs: 2 passed, 0 failed; 14 tensors compared, 0 without truth, 0 not computed", run.Lines[^1]);
    }

    [Fact]
    public void A_row_stands_for_each_case_precision_and_kernels_in_order()
    {
        _shop.CopyOfCase("attn-points", "cases/a");
        _shop.CopyOfCase("core-outside", "cases/b");
        CliRun run = CliRun.Of("verify", _shop.At("cases"), "--kernels", "all", "--threads", "2").RequireDone();
        string[] rows = [.. run.Lines.Where(line => line.StartsWith("pass", StringComparison.Ordinal)).Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..4]))];
        Assert.Equal(
            [
                "attn-points float32 simd", "attn-points float32 textbook", "attn-points float64 simd", "attn-points float64 textbook",
                "core-outside float32 simd", "core-outside float32 textbook", "core-outside float64 simd", "core-outside float64 textbook",
            ],
            rows);
        Assert.StartsWith("2 cases, 8 runs: 8 passed, 0 failed; ", run.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void One_changed_value_fails_the_case_and_its_tensor_is_named_first()
    {
        string folder = _shop.CopyOfCase("attn-points");
        Workshop.Change<double>(Path.Combine(folder, "expected64.safetensors"), "attention_weights", tensor => tensor.AsSpan()[5] += 1e-3);
        CliRun run = CliRun.Of("verify", folder, "--dtype", "float64");
        Assert.Equal(1, run.Exit);
        Assert.Equal("", run.Error);
        Assert.Contains(run.Lines, line => line.StartsWith("FAIL     attn-points  float64  simd ", StringComparison.Ordinal) && line.EndsWith("  attention_weights", StringComparison.Ordinal));
        Assert.Contains(run.Lines, line => line.StartsWith("        first failing tensor: attention_weights error 1.00e-03, allowance ", StringComparison.Ordinal));
        Assert.Equal("1 case, 1 run: 0 passed, 1 failed; 7 tensors compared, 0 without truth, 0 not computed", run.Lines[^1]);
    }

    [Fact]
    public void Json_has_an_object_with_the_agreed_keys_per_tensor()
    {
        CliRun run = CliRun.Of("verify", Workshop.Golden("position-sine-padded"), "--json").RequireDone();
        using JsonDocument json = JsonDocument.Parse(run.Out);
        Assert.NotEmpty(json.RootElement.EnumerateArray());
        foreach (JsonElement row in json.RootElement.EnumerateArray())
        {
            string[] keys = [.. row.EnumerateObject().Select(entry => entry.Name).Where(key => key != "note")];
            Assert.Equal(["case", "dtype", "kernels", "tensor", "shape", "error", "allowance", "ratio", "counted", "padding_error", "verdict"], keys);
            Assert.Equal("pass", row.GetProperty("verdict").GetString());
        }

        Assert.Equal(["float32", "float64"], json.RootElement.EnumerateArray().Select(row => row.GetProperty("dtype").GetString()).Distinct());
    }

    [Fact]
    public void Json_says_fail_and_keeps_what_json_has_no_number_for_as_words()
    {
        string folder = _shop.CopyOfCase("attn-points");
        Workshop.Change<float>(Path.Combine(folder, "expected.safetensors"), "output", tensor => tensor.AsSpan()[0] = float.NaN);
        Workshop.Change<double>(Path.Combine(folder, "expected64.safetensors"), "output", tensor => tensor.AsSpan()[0] = double.NaN);
        CliRun run = CliRun.Of("verify", folder, "--dtype", "float64", "--json");
        Assert.Equal(1, run.Exit);
        using JsonDocument json = JsonDocument.Parse(run.Out);
        JsonElement row = json.RootElement.EnumerateArray().Single(entry => entry.GetProperty("tensor").GetString() == "output");
        Assert.Equal("fail", row.GetProperty("verdict").GetString());
        Assert.True(row.GetProperty("error").ValueKind is JsonValueKind.Number or JsonValueKind.String);
    }

    [Fact]
    public void A_case_with_a_broken_file_is_bad_input()
    {
        string folder = _shop.CopyOfCase("attn-points");
        string inputs = Path.Combine(folder, "inputs.safetensors");
        File.WriteAllBytes(inputs, File.ReadAllBytes(inputs)[..^8]);
        CliRun run = CliRun.Of("verify", folder, "--json");
        Assert.Equal(2, run.Exit);
        Assert.Equal("", run.Out);
        Assert.StartsWith($"deform-detr: {inputs}: tensor '", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public void Shapes_that_disagree_are_bad_input_that_names_the_case()
    {
        string folder = _shop.CopyOfCase("core-outside");
        string inputs = Path.Combine(folder, "inputs.safetensors");
        Workshop.Change<long>(inputs, "level_start_index", tensor => tensor.AsSpan()[^1] += 100);
        CliRun run = CliRun.Of("verify", folder);
        Assert.Equal(2, run.Exit);
        string error = run.Error.TrimEnd('\n');
        Assert.DoesNotContain('\n', error);
        Assert.StartsWith($"deform-detr: {Path.Combine(folder, "case.json")}: ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_cases_is_bad_input() =>
        CliRun.Of("verify", _shop.Folder).RequireBadInput($"{_shop.Folder}: holds no case.json; expected a golden case or a folder of them.");
}
