using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace DeformDetr.Oracle;

// The page, part by part in the order in which it is read.
internal sealed class CheckPage(CheckReport report)
{
    // A port that is wrong nearly everywhere would make a page of many megabytes.
    private const int MostPictures = 24;

    private static readonly Lazy<string> Style = new(() => $"/*<![CDATA[*/\n{Resource("CheckPage.css")}\n/*]]>*/");
    private static readonly Lazy<string> Script = new(() => $"//<![CDATA[\n{Resource("CheckPage.js")}\n//]]>");

    private readonly IReadOnlyList<StepGroup> _groups = StepGroup.Of(report.Tensors);
    private readonly int[] _wrong =
        [.. Enumerable.Range(0, report.Tensors.Count).Where(index => report.Tensors[index].Status == CheckStatus.Wrong)];

    private string Mood => report.Passed ? "passed" : _wrong.Length > 0 ? "failed" : "unsettled";

    public void Write(TextWriter writer)
    {
        using HtmlWriter html = new(writer);
        using (html.Open("html", ("lang", "en")))
        {
            Head(html);
            html.Line();
            using (html.Open("body", ("class", Mood)))
            {
                Bar(html);
                using (html.Open("main", ("id", "top")))
                {
                    Verdict(html);
                    Growth(html);
                    FirstWrong(html);
                    Steps(html);
                    FurtherWrong(html);
                    Decisions(html);
                    Names(html);
                    Given(html);
                }

                html.Own("script", Script.Value);
            }
        }

        html.Line();
    }

    private static string Resource(string name)
    {
        using Stream stream = typeof(CheckPage).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The assembly lacks its resource {name}.");
        using StreamReader reader = new(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n").TrimEnd();
    }

    private void Head(HtmlWriter html)
    {
        // The page can load nothing and run nothing but its own script, whatever is in the names.
        string hash = Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Script.Value)));
        string policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
            + $"script-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'";
        using (html.Open("head"))
        {
            html.Element("meta", null, ("charset", "utf-8"));
            html.Element("meta", null, ("http-equiv", "Content-Security-Policy"), ("content", policy));
            html.Element("meta", null, ("name", "viewport"), ("content", "width=device-width, initial-scale=1"));
            html.Element("meta", null, ("name", "color-scheme"), ("content", "light dark"));
            html.Element("title", $"{Headline()} \u00B7 {CheckText.Coverage(report)} \u00B7 {report.Port}");
            html.Own("style", Style.Value);
        }
    }

    private void Bar(HtmlWriter html)
    {
        html.Element("a", "Skip to the steps", ("class", "skip"), ("href", "#steps"));
        using (html.Open("header", ("class", "top")))
        {
            using (html.Open("a", ("href", "#top"), ("class", "badge")))
            {
                html.Element("span", Icon(), ("aria-hidden", "true"));
                html.Text(Badge());
            }

            html.Element("span", CheckText.Coverage(report), ("class", "coverage"));
            using (html.Open("nav", ("aria-label", "Parts of this page")))
            {
                if (_wrong.Length > 0)
                {
                    html.Element("a", "First wrong step", ("href", "#first"));
                }

                html.Element("a", "Steps", ("href", "#steps"));
                if (report.Decisions.Count > 0)
                {
                    html.Element("a", "Decisions", ("href", "#decisions"));
                }

                if (report.Proposals.Count + report.Extra.Count > 0)
                {
                    html.Element("a", "Names", ("href", "#names"));
                }

                html.Element("a", "Given", ("href", "#given"));
            }
        }
    }

    private string Icon() => report.Passed ? "\u2713 " : _wrong.Length > 0 ? "\u25B2 " : "\u2715 ";

    private string Badge() => report.Passed ? "passed" : _wrong.Length > 0 ? $"{CheckNumbers.Count(_wrong.Length)} wrong" : "not passed";

    private string Headline() => (report.Passed, _wrong.Length) switch
    {
        (true, _) => "Passed: no step is wrong",
        (_, > 0) => $"{CheckWords.Steps(_wrong.Length)} an error",
        _ when report.Compared == 0 => "Nothing was compared",
        _ => "Not passed, although no step that was compared is wrong",
    };

    private void Verdict(HtmlWriter html)
    {
        using (html.Open("section", ("class", "verdict"), ("aria-labelledby", "verdict")))
        {
            using (html.Open("h1", ("id", "verdict")))
            {
                html.Element("span", Icon(), ("class", "icon"), ("aria-hidden", "true"));
                html.Text($"{Headline()}.");
            }

            using (html.Open("p", ("class", "lead")))
            {
                Lead(html);
            }

            using (html.Open("dl", ("class", "facts")))
            {
                Fact(html, "compared", $"{CheckNumbers.Count(report.Compared)} of {CheckNumbers.Count(report.Tensors.Count)}");
                foreach (CheckStatus status in Enum.GetValues<CheckStatus>())
                {
                    int count = CheckWords.Of(report, status);
                    Fact(html, CheckWords.Word(status), CheckNumbers.Count(count), count == 0 ? "none" : CheckWords.Word(status));
                }

                Fact(html, "extra", CheckNumbers.Count(report.Extra.Count), report.Extra.Count == 0 ? "none" : "extra");
                Fact(html, "judged as", report.PortDType);
            }

            Todo(html);
        }
    }

    private void Lead(HtmlWriter html)
    {
        if (_wrong.Length > 0)
        {
            TensorCheck first = report.Tensors[_wrong[0]];
            html.Text(_wrong.Length == 1 ? "It is " : "The first is ");
            using (html.Open("a", ("href", "#first")))
            {
                html.Name(first.Name);
            }

            html.Text(
                CheckWords.FirstFinding(report) is { } finding
                    ? $": {finding.Explanation}"
                    : $". {CheckWords.NotExplained(first.Diagnosis)}");
        }
        else if (report.Passed)
        {
            html.Text($"Every tensor is there, and no step adds more than rounding does; {CheckWords.Growth(report)}.");
        }
        else
        {
            html.Text(
                CheckWords.Missing(report) is { Length: > 0 } missing
                    ? $"Judging is incomplete: {missing}."
                    : "The report has no tensors.");
        }
    }

    private static void Fact(HtmlWriter html, string term, string value, string? mood = null)
    {
        using (html.Open("div", ("class", mood)))
        {
            html.Element("dt", term);
            html.Element("dd", value);
        }
    }

    private void Todo(HtmlWriter html)
    {
        List<string> todo = [];
        if (_wrong.Length > 0)
        {
            todo.Add(
                CheckWords.FirstFinding(report)?.Fix
                ?? "Compare the code of that step with the original's, where the error sits: the pictures below say where. "
                    + "Later steps were judged on your port's own inputs, so they stand on their own.");
        }

        if (CheckWords.Of(report, CheckStatus.Broken) > 0)
        {
            todo.Add("Repair the dump's broken tensors: the table of steps says what is wrong with each.");
        }

        if (CheckWords.Of(report, CheckStatus.Absent) > 0)
        {
            todo.Add(
                report.Proposals.Count > 0
                    ? "Dump what is absent, or map its name: the names below could belong together."
                    : "Dump what is absent: until then nobody knows whether those steps are right.");
        }

        if (report.Extra.Count > 0)
        {
            todo.Add("Leave out the extra tensors, or map their names.");
        }

        if (todo.Count == 0)
        {
            return;
        }

        using (html.Open("div", ("class", "todo")))
        {
            html.Element("h2", "What to do");
            if (todo.Count == 1)
            {
                html.Element("p", todo[0]);
                return;
            }

            using (html.Open("ol"))
            {
                foreach (string item in todo)
                {
                    html.Element("li", item);
                }
            }
        }
    }

    private void Growth(HtmlWriter html)
    {
        if (report.Compared == 0)
        {
            return;
        }

        using (html.Open("section", ("aria-labelledby", "growth")))
        {
            html.Element("h2", "Errors along the way", ("id", "growth"));
            html.Element(
                "p", "In the order of computation, in units of the noise that a correct implementation of this precision has.",
                ("class", "note"));
            GrowthChart.Write(
                html, report, _groups,
                index => report.Tensors[index].Status == CheckStatus.Wrong ? $"#{Anchor(index)}" : $"#row-{index}");
        }
    }

    private string Anchor(int index) => index == _wrong[0] ? "first" : $"step-{index}";

    private void FirstWrong(HtmlWriter html)
    {
        if (_wrong.Length == 0)
        {
            return;
        }

        using (html.Open("section", ("id", "first"), ("aria-labelledby", "first-heading")))
        {
            html.Element("h2", _wrong.Length == 1 ? "The wrong step" : "The first wrong step", ("id", "first-heading"));
            using (html.Open("article", ("class", "step")))
            {
                using (html.Open("h3"))
                {
                    html.Name(report.Tensors[_wrong[0]].Name);
                }

                StepView.Write(html, report.Tensors[_wrong[0]], pictures: true);
            }
        }
    }

    private void FurtherWrong(HtmlWriter html)
    {
        if (_wrong.Length < 2)
        {
            return;
        }

        using (html.Open("section", ("id", "further"), ("aria-labelledby", "further-heading")))
        {
            html.Element(
                "h2",
                _wrong.Length == 2 ? "The other wrong step" : $"The other {CheckNumbers.Count(_wrong.Length - 1)} wrong steps",
                ("id", "further-heading"));
            html.Element(
                "p",
                "Each was judged on your port's own inputs: these are errors of their own, not the first one's consequences.",
                ("class", "note"));
            for (int rank = 1; rank < _wrong.Length; rank++)
            {
                TensorCheck tensor = report.Tensors[_wrong[rank]];
                using (html.Open("details", ("class", "step"), ("id", Anchor(_wrong[rank]))))
                {
                    using (html.Open("summary"))
                    {
                        html.Name(tensor.Name);
                        html.Element("span", $" {CheckNumbers.Times(tensor.Injected)}", ("class", "number"));
                        if (tensor.Diagnosis?.Findings.FirstOrDefault() is { } finding)
                        {
                            html.Element("span", $" {finding.Mistake}", ("class", "mistake"));
                        }
                    }

                    StepView.Write(html, tensor, rank < MostPictures);
                }

                html.Line();
            }
        }
    }

    private void Steps(HtmlWriter html)
    {
        using (html.Open("section", ("id", "steps"), ("aria-labelledby", "steps-heading")))
        {
            html.Element("h2", "Steps", ("id", "steps-heading"));
            if (report.Tensors.Count == 0)
            {
                html.Element("p", "There are none.", ("class", "empty"));
                return;
            }

            html.Element(
                "p",
                "In the order of computation. Injected: what the step itself adds to the inputs that your port gave it; at most 1.00 is "
                + "right. Arrived: what the whole run up to there has gathered. Growth: their quotient.", ("class", "note"));
            using (html.Open("div", ("class", "tools scripted"), ("role", "search")))
            {
                html.Element("label", "Filter", ("for", "filter"));
                html.Element(
                    "input", null, ("id", "filter"), ("type", "search"), ("placeholder", "words of a name or kind"),
                    ("autocomplete", "off"), ("spellcheck", "false"));
                using (html.Open("label", ("class", "check")))
                {
                    html.Element("input", null, ("id", "only-wrong"), ("type", "checkbox"));
                    html.Text("Only what is not right");
                }

                html.Element("button", "Open all", ("type", "button"), ("id", "open-all"));
                html.Element("button", "Close all", ("type", "button"), ("id", "close-all"));
                html.Element("output", "", ("id", "shown"), ("aria-live", "polite"));
            }

            ErrorScale scale = ErrorScale.For(report.Tensors.Where(Compared).Select(tensor => tensor.Injected));
            using (html.Open("table", ("class", "steps")))
            {
                html.Element("caption", "Steps in the order of computation, with their errors in noise", ("class", "unseen"));
                using (html.Open("thead"))
                using (html.Open("tr"))
                {
                    html.Element("th", "Status", ("scope", "col"));
                    html.Element("th", "Name", ("scope", "col"));
                    html.Element("th", "Kind", ("scope", "col"), ("class", "wide"));
                    html.Element("th", "Shape", ("scope", "col"), ("class", "wide"));
                    html.Element("th", "Injected", ("scope", "col"), ("class", "number"), ("title", "in noise; at most 1.00 is right"));
                    html.Element("th", "Arrived", ("scope", "col"), ("class", "number middle"), ("title", "in noise"));
                    html.Element("th", "Growth", ("scope", "col"), ("class", "number wide"), ("title", "arrived divided by injected"));
                }

                for (int index = 0; index < _groups.Count; index++)
                {
                    Group(html, _groups[index], index, scale);
                }
            }

            html.Element("p", "No step fits the filter.", ("id", "none"), ("class", "empty"), ("hidden", "hidden"));
        }
    }

    private static bool Compared(TensorCheck tensor) => tensor.Status is CheckStatus.Right or CheckStatus.Wrong;

    private static double Most(IEnumerable<double> errors) => errors.Aggregate(0.0, Math.Max);

    private void Group(HtmlWriter html, StepGroup group, int number, ErrorScale scale)
    {
        bool right = group.Steps.All(tensor => tensor.Status == CheckStatus.Right);
        TensorCheck[] compared = [.. group.Steps.Where(Compared)];
        html.Line();
        using (html.Open("tbody", ("class", right ? "group right" : "group"), ("id", $"group-{number}")))
        {
            using (html.Open("tr", ("class", "group-row")))
            {
                using (html.Open("th", ("scope", "rowgroup"), ("colspan", "2")))
                {
                    using (html.Open("button", ("type", "button"), ("aria-expanded", "true"), ("aria-controls", $"group-{number}")))
                    {
                        html.Name(group.Title);
                    }

                    html.Element("span", GroupWords(group), ("class", "group-words"));
                }

                // Columns that a narrow window hides.
                html.Element("td", null, ("class", "wide"), ("colspan", "2"));
                html.Element(
                    "td", compared.Length == 0 ? "" : CheckNumbers.Noise(Most(compared.Select(tensor => tensor.Injected))),
                    ("class", "number"), ("title", "largest injected"));
                html.Element(
                    "td", compared.Length == 0 ? "" : CheckNumbers.Noise(Most(compared.Select(tensor => tensor.Arrived))),
                    ("class", "number middle"), ("title", "largest arrived"));
                html.Element("td", null, ("class", "wide"));
            }

            for (int index = 0; index < group.Steps.Count; index++)
            {
                html.Line();
                Row(html, group.Steps[index], group.First + index, scale);
            }
        }
    }

    private static string GroupWords(StepGroup group)
    {
        string[] parts =
        [
            .. new[] { CheckStatus.Wrong, CheckStatus.Broken, CheckStatus.Absent, CheckStatus.Right }
                .Select(status => (Word: CheckWords.Word(status), Count: group.Steps.Count(tensor => tensor.Status == status)))
                .Where(entry => entry.Count > 0).Select(entry => $"{CheckNumbers.Count(entry.Count)} {entry.Word}"),
        ];
        return string.Join(", ", parts);
    }

    private void Row(HtmlWriter html, TensorCheck tensor, int index, ErrorScale scale)
    {
        string word = CheckWords.Word(tensor.Status);
        string find = string.Join(' ', new[] { tensor.Name, tensor.PortName, tensor.Kind, word }.OfType<string>()).ToLowerInvariant();
        using (html.Open("tr", ("class", $"row {word}"), ("id", $"row-{index}"), ("data-find", find)))
        {
            using (html.Open("td", ("class", "status")))
            {
                html.Element("span", Icon(tensor.Status), ("aria-hidden", "true"), ("class", "icon"));
                html.Element("span", word, ("class", "word"));
            }

            using (html.Open("th", ("scope", "row")))
            {
                if (tensor.Status == CheckStatus.Wrong)
                {
                    using (html.Open("a", ("href", $"#{Anchor(index)}")))
                    {
                        html.Name(tensor.Name);
                    }
                }
                else
                {
                    html.Name(tensor.Name);
                }

                Notes(html, tensor);
            }

            html.Element("td", tensor.Kind, ("class", "wide kind"));
            html.Element("td", tensor.Shape.ToString(), ("class", "wide shape"), ("title", CheckWords.ShapeWithAxes(tensor)));
            if (!Compared(tensor))
            {
                html.Element("td", "\u2013", ("class", "number"));
                html.Element("td", "\u2013", ("class", "number middle"));
                html.Element("td", "\u2013", ("class", "number wide"));
                return;
            }

            using (html.Open("td", ("class", "number")))
            {
                html.Text(CheckNumbers.Noise(tensor.Injected));
                AnatomyView.Bar(html, tensor.Injected, scale);
            }

            html.Element("td", CheckNumbers.Noise(tensor.Arrived), ("class", "number middle"));
            html.Element("td", CheckNumbers.Growth(tensor.Growth), ("class", "number wide"));
        }
    }

    private static void Notes(HtmlWriter html, TensorCheck tensor)
    {
        html.Element("span", $"{tensor.Kind} \u00B7 {tensor.Shape}", ("class", "small narrow"), ("aria-hidden", "true"));
        if (tensor.PortName is { } other && other != tensor.Name)
        {
            html.Element("span", $"in the dump: {other}", ("class", "small"));
        }

        if (tensor.Fault is not null)
        {
            html.Element("span", tensor.Fault, ("class", "small fault"));
        }

        if (tensor.Spanned > 0)
        {
            html.Element(
                "span", $"judged together with {CheckNumbers.Count(tensor.Spanned, "step", "steps")} before it",
                ("class", "small"));
        }

        if (!(tensor.Padding <= 1))
        {
            html.Element("span", $"padding, which does not count: {CheckNumbers.Times(tensor.Padding)}", ("class", "small"));
        }
    }

    private static string Icon(CheckStatus status) => status switch
    {
        CheckStatus.Right => "\u2713",
        CheckStatus.Wrong => "\u25B2",
        CheckStatus.Broken => "\u2715",
        _ => "\u25CB",
    };

    private void Decisions(HtmlWriter html)
    {
        if (report.Decisions.Count == 0)
        {
            return;
        }

        using (html.Open("section", ("id", "decisions"), ("aria-labelledby", "decisions-heading")))
        {
            html.Element("h2", "Decisions", ("id", "decisions-heading"));
            html.Element(
                "p",
                "How far each discrete decision of the model is from the other outcome, in noise. Below 1 a correct implementation may "
                + "decide either way.",
                ("class", "note"));
            using (html.Open("table", ("class", "plain")))
            {
                Headings(html, ("Decision", null), ("Smallest distance", "number"), ("Undecided", "number"));
                using (html.Open("tbody"))
                {
                    foreach (DecisionMargin decision in report.Decisions)
                    {
                        bool close = !(decision.Margin >= 1) || decision.Undecided > 0;
                        using (html.Open("tr", ("class", close ? "close" : null)))
                        {
                            using (html.Open("th", ("scope", "row")))
                            {
                                html.Text(decision.What);
                                using (html.Open("span", ("class", "small")))
                                {
                                    html.Name(decision.Name);
                                }
                            }

                            html.Element(
                                "td", CheckNumbers.Times(decision.Margin) + (close ? " \u2013 either way" : ""),
                                ("class", "number"));
                            html.Element(
                                "td", $"{CheckNumbers.Count(decision.Undecided)} of {CheckNumbers.Count(decision.Of)}",
                                ("class", "number"));
                        }
                    }
                }
            }
        }
    }

    private static void Headings(HtmlWriter html, params ReadOnlySpan<(string Words, string? Class)> headings)
    {
        using (html.Open("thead"))
        using (html.Open("tr"))
        {
            foreach ((string words, string? style) in headings)
            {
                html.Element("th", words, ("scope", "col"), ("class", style));
            }
        }
    }

    private void Names(HtmlWriter html)
    {
        if (report.Proposals.Count + report.Extra.Count == 0)
        {
            return;
        }

        using (html.Open("section", ("id", "names"), ("aria-labelledby", "names-heading")))
        {
            html.Element("h2", "Names", ("id", "names-heading"));
            if (report.Proposals.Count > 0)
            {
                html.Element(
                    "p",
                    "Shape and content suggest that these belong together. None was used: put those that are true into a file for --map.",
                    ("class", "note"));
                using (html.Open("table", ("class", "plain")))
                {
                    Headings(html, ("In the dump", null), ("Could be", null), ("Read as", null), ("Alike", "number"));
                    using (html.Open("tbody"))
                    {
                        foreach (NameProposal proposal in report.Proposals)
                        {
                            using (html.Open("tr"))
                            {
                                using (html.Open("th", ("scope", "row")))
                                {
                                    html.Name(proposal.PortName);
                                }

                                using (html.Open("td"))
                                {
                                    html.Name(proposal.Name);
                                }

                                html.Element("td", proposal.Layout);
                                html.Element("td", CheckNumbers.Plain(proposal.Correlation), ("class", "number"));
                            }
                        }
                    }
                }
            }

            if (report.Extra.Count > 0)
            {
                html.Element(
                    "h3",
                    $"{CheckNumbers.Count(report.Extra.Count, "tensor", "tensors")} of the dump that the model does not have");
                using (html.Open("ul", ("class", "extra-names")))
                {
                    foreach (string name in report.Extra)
                    {
                        using (html.Open("li"))
                        {
                            html.Name(name);
                        }
                    }
                }
            }
        }
    }

    private void Given(HtmlWriter html)
    {
        using (html.Open("section", ("id", "given"), ("aria-labelledby", "given-heading")))
        {
            html.Element("h2", "What was given", ("id", "given-heading"));
            using (html.Open("dl", ("class", "given")))
            {
                Given(html, "port", report.Port);
                Given(html, "weights", report.Weights);
                foreach (string input in report.Inputs)
                {
                    Given(html, "input", input);
                }

                Given(html, "judged as", report.PortDType);
                Given(html, "time", CheckNumbers.Seconds(report.Seconds));
            }

            if (report.Config.Length > 0)
            {
                using (html.Open("details"))
                {
                    html.Element("summary", "Configuration");
                    using (html.Open("pre", ("tabindex", "0")))
                    {
                        html.Lines(Pretty(report.Config));
                    }
                }
            }
        }
    }

    private static void Given(HtmlWriter html, string term, string value)
    {
        using (html.Open("div"))
        {
            html.Element("dt", term);
            html.Element("dd", value);
        }
    }

    private static string Pretty(string json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return ReportJson.Text(document.RootElement.WriteTo);
        }
        catch (JsonException)
        {
            return json;
        }
    }
}
