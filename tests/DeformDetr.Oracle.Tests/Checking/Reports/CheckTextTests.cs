using System.Text.RegularExpressions;

namespace DeformDetr.Oracle.Tests.Checking.Reports;

/// <summary>The terminal's form of a report.</summary>
public class CheckTextTests
{
    public static TheoryData<string> Samples => [.. SampleReports.All.Keys];

    [Theory]
    [MemberData(nameof(Samples))]
    public void The_last_two_lines_are_the_verdict_and_the_coverage(string sample)
    {
        CheckReport report = SampleReports.All[sample]();
        string[] lines = Lines(report);
        Assert.Equal(CheckText.Coverage(report), lines[^1]);
        Assert.Equal(CheckText.Verdict(report), lines[^2]);
        Assert.Matches(@"^compared \d+ of \d+(, \d+ absent)?(, \d+ broken)?(, \d+ extra)?$", lines[^1]);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void No_line_holds_a_control_character_or_ends_in_a_blank(string sample)
    {
        foreach (string line in Lines(SampleReports.All[sample]()))
        {
            Assert.DoesNotContain(line, char.IsControl);
            Assert.DoesNotContain('\u202e', line);
            Assert.Equal(line.TrimEnd(), line);
        }
    }

    [Fact]
    public void A_healthy_report_says_so_in_few_lines()
    {
        string[] lines = Lines(SampleReports.Healthy());
        Assert.InRange(lines.Length, 10, 50);
        Assert.StartsWith("no step is wrong; ", lines[^2], StringComparison.Ordinal);
        Assert.Matches(@"^compared (\d+) of \1$", lines[^1]);
        Assert.Contains(lines, line => Regex.IsMatch(line, @"^ok +0\.\d\d .* backbone: \d+ tensors right$"));
    }

    [Fact]
    public void A_wrong_step_is_told_with_its_worst_element_and_the_mistake()
    {
        string text = Text(SampleReports.OneWrong());
        Assert.Matches($@"(?m)^WRONG +41 234 +41 234 +1\.00× +{Regex.Escape(SampleReports.Sampling)}$", text);
        Assert.Contains($"first wrong step: {SampleReports.Sampling}\n", text, StringComparison.Ordinal);
        Assert.Contains("worst element: batch 0, query 242, head 2,", text, StringComparison.Ordinal);
        Assert.Contains("mistake: sampling_locations: offsets divided by (H, W)", text, StringComparison.Ordinal);
        Assert.Contains("it takes the error from 41 234× to 0.65× noise", text, StringComparison.Ordinal);
        Assert.Contains($"\n1 step injects an error; first: {SampleReports.Sampling}\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_absent_or_broken_is_told_and_does_not_pass()
    {
        string[] lines = Lines(SampleReports.Incomplete());
        Assert.Contains(lines, line => line.StartsWith("BROKEN", StringComparison.Ordinal) && line.EndsWith("transformer.memory: 3 of 46 528 elements are NaN; expected numbers", StringComparison.Ordinal));
        Assert.Contains(lines, line => Regex.IsMatch(line, @"^ABSENT +transformer\.decoder\.layers\.1: \d+ tensors$"));
        Assert.Contains(lines, line => Regex.IsMatch(line, @"^ABSENT +samples\.mask: the dump does not have it$"));
        Assert.StartsWith("no step that was compared is wrong, but ", lines[^2], StringComparison.Ordinal);
        Assert.EndsWith(" absent, 2 broken, 3 extra", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_compared_is_not_a_pass()
    {
        Assert.Equal(["nothing was compared", "compared 0 of 0"], Lines(SampleReports.Empty()));
        CheckReport absent = SampleReports.Empty() with { Tensors = [SampleReports.Incomplete().Tensors.First(tensor => tensor.Status == CheckStatus.Absent)] };
        Assert.Equal("nothing was compared", CheckText.Verdict(absent));
        Assert.Equal("compared 0 of 1, 1 absent", CheckText.Coverage(absent));
    }

    [Theory]
    [InlineData(40)]
    [InlineData(72)]
    [InlineData(200)]
    public void Sentences_keep_to_the_width(int width)
    {
        StringWriter writer = new();
        CheckText.Write(SampleReports.OneWrong(), writer, width);
        string[] prose = [.. writer.ToString().Split('\n').Where(line => line.StartsWith("  ", StringComparison.Ordinal))];
        Assert.NotEmpty(prose);
        Assert.All(prose, line => Assert.True(line.Length <= width || line.Trim().Split(' ').Length <= 2 || line.Contains("  ", StringComparison.Ordinal), line));
    }

    [Fact]
    public void Every_wrong_step_has_its_row_but_only_some_their_story()
    {
        CheckReport report = SampleReports.AllWrong();
        string[] lines = Lines(report);
        Assert.Equal(report.Tensors.Count, lines.Count(line => line.StartsWith("WRONG ", StringComparison.Ordinal)));
        Assert.Equal(3, lines.Count(line => Regex.IsMatch(line, "^(first )?wrong step: ")));
        Assert.Contains(lines, line => line.StartsWith($"{report.Tensors.Count - 3} more wrong steps", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(double.NaN, "NaN")]
    [InlineData(double.PositiveInfinity, "inf")]
    [InlineData(0, "0")]
    [InlineData(1e-9, "<0.001")]
    [InlineData(0.0421, "0.042")]
    [InlineData(0.42, "0.42")]
    [InlineData(1, "1.00")]
    [InlineData(1.0000001, ">1.00")]
    [InlineData(9.996, "10.0")]
    [InlineData(99.96, "100")]
    [InlineData(41_234, "41 234")]
    [InlineData(999_999.6, "1.0e6")]
    [InlineData(3.2e9, "3.2e9")]
    [InlineData(1e300, "1.0e300")]
    public void Errors_in_noise_are_short_and_never_hide_that_they_are_beyond(double error, string text) => Assert.Equal(text, CheckNumbers.Noise(error));

    [Theory]
    [InlineData("backbone.0.body.layer1.0.conv1", "backbone")]
    [InlineData("transformer.encoder.layers.3.self_attn.value", "transformer.encoder.layers.3")]
    [InlineData("transformer.encoder.layers.3", "transformer.encoder.layers.3")]
    [InlineData("transformer.src_flatten", "transformer")]
    [InlineData("pred_logits", "pred_logits")]
    [InlineData("hs.5", "hs")]
    [InlineData("0.1", "0")]
    [InlineData("", "")]
    [InlineData("..", ".")]
    public void The_module_of_a_name(string name, string module) => Assert.Equal(module, StepGroup.Module(name));

    [Theory]
    [MemberData(nameof(Samples))]
    public void Groups_hold_every_step_once_and_in_order(string sample)
    {
        CheckReport report = SampleReports.All[sample]();
        IReadOnlyList<StepGroup> groups = StepGroup.Of(report.Tensors);
        Assert.Equal(report.Tensors, groups.SelectMany(group => group.Steps));
        Assert.All(groups, group => Assert.Same(report.Tensors[group.First], group.Steps[0]));
    }

    private static string Text(CheckReport report)
    {
        StringWriter writer = new();
        CheckText.Write(report, writer);
        return writer.ToString();
    }

    private static string[] Lines(CheckReport report)
    {
        string text = Text(report);
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        return text[..^1].Split('\n');
    }
}
