using System.Text;

namespace DeformDetr.Oracle;

/// <summary>A check's report for a terminal.</summary>
public static class CheckText
{
    // Steps that lack a tensor are summed up like healthy ones from this many on.
    private const int ManyAbsent = 4;

    /// <summary>The last line: "compared 411 of 412, 1 absent".</summary>
    /// <param name="report">The report.</param>
    public static string Coverage(CheckReport report) => CheckWords.Coverage(report);

    /// <summary>The verdict in one line, without a full stop.</summary>
    /// <param name="report">The report.</param>
    public static string Verdict(CheckReport report) => CheckWords.Verdict(report);

    /// <summary>
    /// Writes a table of the steps (those that are right summed up by module), what is known of the first wrong ones, names and
    /// decisions, and as the last two lines the verdict and the coverage.
    /// </summary>
    /// <param name="report">The report.</param>
    /// <param name="writer">A terminal or a file. Gets line feeds only.</param>
    /// <param name="width">Sentences are broken to this many characters; names and numbers never are.</param>
    /// <param name="diagnoses">Of how many wrong steps all is said that is known.</param>
    public static void Write(CheckReport report, TextWriter writer, int width = 100, int diagnoses = 3)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 20);
        TextLines lines = new(writer, width);
        WriteTable(lines, report);
        int told = 0;
        foreach (TensorCheck tensor in report.WrongSteps.Take(diagnoses))
        {
            WriteStep(lines, tensor, told++ == 0 ? "first wrong step" : "wrong step");
        }

        if (CheckWords.Of(report, CheckStatus.Wrong) - told is > 0 and int more)
        {
            lines.Blank();
            lines.Prose("", $"{CheckNumbers.Count(more, "more wrong step", "more wrong steps")}: the page (--html) and the JSON have all.");
        }

        WriteDecisions(lines, report);
        WriteNames(lines, report);
        lines.Blank();
        lines.Line(CheckWords.Verdict(report));
        lines.Line(CheckWords.Coverage(report));
    }

    private static void WriteTable(TextLines lines, CheckReport report)
    {
        if (report.Tensors.Count == 0)
        {
            return;
        }

        lines.Line(Row("", "injected", "arrived", "growth", "in noise; at most 1.00 is right"));
        foreach (StepGroup group in StepGroup.Of(report.Tensors))
        {
            for (int index = 0; index < group.Steps.Count;)
            {
                CheckStatus status = group.Steps[index].Status;
                int end = index + 1;
                while (end < group.Steps.Count && group.Steps[end].Status == status)
                {
                    end++;
                }

                TensorCheck[] run = [.. group.Steps.Skip(index).Take(end - index)];
                if (status == CheckStatus.Right)
                {
                    lines.Line(Summary(group, run));
                }
                else if (status == CheckStatus.Absent && run.Length >= ManyAbsent)
                {
                    lines.Line(Row(Status(status), "", "", "", $"{Title(group)}: {CheckNumbers.Count(run.Length, "tensor", "tensors")}"));
                }
                else
                {
                    foreach (TensorCheck tensor in run)
                    {
                        WriteRow(lines, tensor);
                    }
                }

                index = end;
            }
        }
    }

    private static string Summary(StepGroup group, TensorCheck[] right)
    {
        string what = right.Length == 1
            ? SafeText.OneLine(right[0].Name)
            : $"{Title(group)}: {CheckNumbers.Count(right.Length)} tensors right";
        double padding = right.Max(tensor => tensor.Padding);
        return Row(
            Status(CheckStatus.Right), CheckNumbers.Noise(right.Max(tensor => tensor.Injected)),
            CheckNumbers.Noise(right.Max(tensor => tensor.Arrived)), "",
            padding <= 1 ? what : $"{what} (padding, which does not count: {CheckNumbers.Times(padding)})");
    }

    private static string Title(StepGroup group) => SafeText.OneLine(group.Title);

    private static void WriteRow(TextLines lines, TensorCheck tensor)
    {
        bool compared = tensor.Status is CheckStatus.Right or CheckStatus.Wrong;
        string name = SafeText.OneLine(tensor.Name);
        string also = tensor.PortName is { } other && other != tensor.Name ? $" (in the dump: {SafeText.OneLine(other)})" : "";
        string fault = tensor.Fault is null ? "" : $": {SafeText.OneLine(tensor.Fault)}";
        lines.Line(
            compared
                ? Row(
                    Status(tensor.Status), CheckNumbers.Noise(tensor.Injected), CheckNumbers.Noise(tensor.Arrived),
                    CheckNumbers.Growth(tensor.Growth), $"{name}{also}{fault}")
                : Row(Status(tensor.Status), "", "", "", $"{name}{also}{fault}"));
    }

    private static string Row(string status, string injected, string arrived, string growth, string rest) =>
        $"{status,-6} {injected,10} {arrived,10} {growth,10}  {rest}".TrimEnd();

    // Capitals, since a terminal may have no colours.
    private static string Status(CheckStatus status) =>
        status == CheckStatus.Right ? "ok" : CheckWords.Word(status).ToUpperInvariant();

    private static void WriteStep(TextLines lines, TensorCheck tensor, string heading)
    {
        lines.Blank();
        lines.Line($"{heading}: {SafeText.OneLine(tensor.Name)}");
        lines.Prose("  ", $"{SafeText.OneLine(tensor.Kind)}, {CheckWords.ShapeWithAxes(tensor)}");
        if (tensor.Spanned > 0)
        {
            lines.Prose(
                "  ", $"judged together with {CheckNumbers.Count(tensor.Spanned, "step", "steps")} before it that the dump leaves out");
        }

        lines.Prose("  ", $"injects {CheckNumbers.OfNoise(tensor.Injected)}; {CheckNumbers.Times(tensor.Arrived)} arrives");
        if (tensor.Worst is { } worst)
        {
            string place = string.Join(", ", CheckWords.Place(tensor, worst).Select(at => $"{SafeText.OneLine(at.Axis)} {at.Index}"));
            lines.Prose(
                "  ",
                $"worst element: {(place.Length == 0 ? "the only one" : place)}: port {CheckNumbers.Element(worst.Port)}, "
                + $"expected {CheckNumbers.Element(worst.Expected)}, noise {CheckNumbers.Element(worst.Noise)}");
        }

        foreach (string sentence in tensor.Anatomy?.Sentences ?? [])
        {
            lines.Prose("  ", $"where: {SafeText.OneLine(sentence)}");
        }

        IReadOnlyList<Finding> findings = tensor.Diagnosis?.Findings ?? [];
        if (findings.Count == 0)
        {
            lines.Prose("  ", CheckWords.NotExplained(tensor.Diagnosis));
        }

        foreach (Finding finding in findings)
        {
            WriteFinding(lines, finding);
        }

        if (findings is [{ After: > 1 }, ..] && tensor.Diagnosis is { Skipped: > 0 } cut)
        {
            lines.Prose("  ", $"{CheckWords.Tried(cut)}");
        }
    }

    private static void WriteFinding(TextLines lines, Finding finding)
    {
        string detail = finding.Detail is null ? "" : $" ({SafeText.OneLine(finding.Detail)})";
        lines.Prose("  ", $"mistake: {SafeText.OneLine(finding.Mistake)}{detail}");
        lines.Prose("    ", SafeText.OneLine(finding.Explanation));
        lines.Prose("    ", $"fix: {SafeText.OneLine(finding.Fix)}");
        lines.Prose("    ", $"it takes the error from {CheckNumbers.Times(finding.Before)} to {CheckNumbers.OfNoise(finding.After)}");
        if (finding.References.Count > 0)
        {
            lines.Prose("    ", $"see {SafeText.OneLine(string.Join(", ", finding.References))}");
        }
    }

    private static void WriteDecisions(TextLines lines, CheckReport report)
    {
        DecisionMargin[] close = [.. report.Decisions.Where(decision => !(decision.Margin >= 1) || decision.Undecided > 0)];
        if (close.Length == 0)
        {
            return;
        }

        lines.Blank();
        lines.Line("decisions that rounding can flip (distance in noise):");
        foreach (DecisionMargin decision in close)
        {
            lines.Line(
                $"  {CheckNumbers.Noise(decision.Margin),8}  {SafeText.OneLine(decision.Name)}: {SafeText.OneLine(decision.What)}, "
                + $"{CheckNumbers.Count(decision.Undecided)} of {CheckNumbers.Count(decision.Of)} undecided");
        }
    }

    private static void WriteNames(TextLines lines, CheckReport report)
    {
        if (report.Extra.Count > 0)
        {
            lines.Blank();
            lines.Line("tensors of the dump that the model does not have:");
            foreach (string name in report.Extra)
            {
                lines.Line($"  {SafeText.OneLine(name)}");
            }
        }

        if (report.Proposals.Count > 0)
        {
            lines.Blank();
            lines.Line("names that could belong together (put them into a --map file if they do):");
            foreach (NameProposal proposal in report.Proposals)
            {
                lines.Line(
                    $"  {SafeText.OneLine(proposal.PortName)} -> {SafeText.OneLine(proposal.Name)}: {SafeText.OneLine(proposal.Layout)}, "
                    + $"alike {CheckNumbers.Plain(proposal.Correlation)}");
            }
        }
    }

    private sealed class TextLines(TextWriter writer, int width)
    {
        private bool _any;

        public void Line(string line)
        {
            writer.Write(line);
            writer.Write('\n');
            _any = true;
        }

        // A blank line between parts, none at the top.
        public void Blank()
        {
            if (_any)
            {
                writer.Write('\n');
            }
        }

        public void Prose(string indent, string text)
        {
            StringBuilder line = new(indent);
            bool empty = true;
            foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (!empty && line.Length + 1 + word.Length > width)
                {
                    Line(line.ToString());
                    line.Clear().Append(indent).Append("  ");
                    empty = true;
                }

                line.Append(empty ? "" : " ").Append(word);
                empty = false;
            }

            Line(line.ToString());
        }
    }
}
