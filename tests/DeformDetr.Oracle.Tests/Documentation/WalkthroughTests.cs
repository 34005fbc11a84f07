using System.Globalization;
using System.Text.RegularExpressions;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Documentation;

/// <summary>docs/walkthrough.md: every stop is a place in the code, and every line of the debugger is what the run gives.</summary>
public class WalkthroughTests
{
    private const string Name = "docs/walkthrough.md";

    [Fact]
    public void Every_stop_is_a_file_and_a_member_of_it()
    {
        string[] stops = [.. Texts.Lines(Name).Where(line => line.StartsWith("Stop:", StringComparison.Ordinal))];
        Assert.True(stops.Length > 30);
        Texts.RequireNone(stops.Select(stop => Regex.Match(stop, "^Stop: `([^`]+)` · `([^`]+)`$") is { Success: true } match
            ? SourceMembers.Fault(match.Groups[1].Value, match.Groups[2].Value)
            : $"'{stop}' is not: Stop: `file` · `Type.Member`").OfType<string>());
    }

    [Fact]
    public void Stops_stand_under_consecutive_numbers()
    {
        int[] numbers = [.. Texts.Lines(Name).Select(line => Regex.Match(line, @"^## (\d+)\. ")).Where(match => match.Success).Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))];
        Assert.Equal(Enumerable.Range(1, numbers.Length), numbers);
    }

    [Fact]
    public void The_debugger_s_lines_for_the_demo_s_first_picture_are_those_of_the_run() =>
        Check("text", Runs.Demo(Kernels.Textbook, 1));

    [Fact]
    public void The_debugger_s_lines_for_two_stages_are_those_of_the_golden_case() =>
        Check("text model-two-stage", Runs.Case("model-two-stage", Kernels.Textbook));

    private static void Check(string fence, Runs.Result run)
    {
        string[] lines = [.. Texts.Blocks(Name).Where(entry => entry.Fence == fence).Select(entry => entry.Line)];
        Assert.True(lines.Length > 5);
        Texts.RequireNone(lines.Where(line => Shown(run, line) != line).Select(line => $"the text says  {line}\n the run gives {Shown(run, line)}"));
    }

    // What the debugger shows for the tensor, or the row of it, that a line is about.
    private static string Shown(Runs.Result run, string line)
    {
        string name = line.Split(' ')[0];
        if (!run.Tensors.TryGetValue(name, out Tensor? tensor))
        {
            return $"{name}: no such tensor";
        }

        Match row = Regex.Match(line, @"^\S+ (\[(?:\d+, )*:\])  ");
        return row.Success ? $"{name} {row.Groups[1].Value}  {Row(tensor, row.Groups[1].Value)}" : tensor.ToString()!;
    }

    private static string Row(Tensor tensor, string title)
    {
        int[] indices = [.. title.Trim('[', ']').Split(", ")[..^1].Select(word => int.Parse(word, CultureInfo.InvariantCulture))];
        int width = tensor.Shape[^1];
        int start = 0;
        for (int axis = 0; axis < indices.Length; axis++)
        {
            start = (start * tensor.Shape[axis]) + indices[axis];
        }

        return tensor switch
        {
            Tensor<float> t => Join(t.AsReadOnlySpan().Slice(start * width, width)),
            Tensor<long> t => Join(t.AsReadOnlySpan().Slice(start * width, width)),
            _ => throw new NotSupportedException(tensor.ElementType.Word()),
        };
    }

    private static string Join<T>(ReadOnlySpan<T> values) =>
        string.Join("  ", values[..Math.Min(16, values.Length)].ToArray().Select(value => string.Format(CultureInfo.InvariantCulture, "{0:G6}", value))) + (values.Length > 16 ? "  …" : "");
}
