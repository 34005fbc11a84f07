namespace DeformDetr.Oracle;

// All that is known of one wrong step.
internal static class StepView
{
    public static void Write(HtmlWriter html, TensorCheck tensor, bool pictures)
    {
        Facts(html, tensor);
        Diagnosis(html, tensor.Diagnosis);
        if (tensor.Anatomy is { Sentences.Count: > 0 } told)
        {
            html.Element("h4", "Where the error sits");
            using (html.Open("ul", ("class", "sentences")))
            {
                foreach (string sentence in told.Sentences)
                {
                    html.Element("li", sentence);
                }
            }
        }

        if (tensor.Worst is { } worst)
        {
            Worst(html, tensor, worst);
        }

        if (tensor.Anatomy is { } anatomy)
        {
            if (pictures)
            {
                AnatomyView.Write(html, tensor, anatomy);
            }
            else
            {
                html.Element(
                    "p",
                    "Many steps are wrong: pictures are shown of the first ones only. The JSON report has the numbers of all.",
                    ("class", "note"));
            }
        }
    }

    private static void Facts(HtmlWriter html, TensorCheck tensor)
    {
        using (html.Open("p", ("class", "what")))
        {
            html.Text($"{tensor.Kind}, {CheckWords.ShapeWithAxes(tensor)}. Injects ");
            html.Element("strong", $"{CheckNumbers.OfNoise(tensor.Injected)}");
            html.Text($"; {CheckNumbers.Times(tensor.Arrived)} arrives");
            html.Text(double.IsFinite(tensor.Growth) ? $", a growth of {CheckNumbers.Times(tensor.Growth)}." : ".");
            if (tensor.PortName is { } other && other != tensor.Name)
            {
                html.Text(" In the dump it is ");
                html.Name(other);
                html.Text(".");
            }

            if (tensor.Spanned > 0)
            {
                string steps = CheckNumbers.Count(tensor.Spanned, "step", "steps");
                html.Text($" It was judged together with {steps} before it that the dump leaves out.");
            }

            if (!(tensor.Padding <= 1))
            {
                html.Text($" Under the mask, where it does not count, the error is {CheckNumbers.Times(tensor.Padding)}.");
            }
        }
    }

    private static void Diagnosis(HtmlWriter html, Diagnosis? diagnosis)
    {
        IReadOnlyList<Finding> findings = diagnosis?.Findings ?? [];
        if (findings.Count == 0)
        {
            using (html.Open("div", ("class", "finding none")))
            {
                html.Element("h4", "No diagnosis");
                html.Element("p", CheckWords.NotExplained(diagnosis));
            }

            return;
        }

        for (int rank = 0; rank < findings.Count; rank++)
        {
            Finding finding = findings[rank];
            using (html.Open("div", ("class", rank == 0 ? "finding" : "finding lesser")))
            {
                using (html.Open("h4"))
                {
                    html.Text(rank == 0 ? "Diagnosis: " : "Or: ");
                    html.Element("code", finding.Mistake);
                    if (finding.Detail is not null)
                    {
                        html.Element("span", $" {finding.Detail}", ("class", "detail"));
                    }
                }

                html.Element("p", finding.Explanation);
                using (html.Open("p", ("class", "fix")))
                {
                    html.Element("strong", "Fix: ");
                    html.Text(finding.Fix);
                }

                BeforeAfter(html, finding);
                References(html, finding.References);
            }
        }

        if (diagnosis!.Tried > 1)
        {
            html.Element(
                "p",
                $"{CheckNumbers.Count(findings.Count)} of {CheckNumbers.Count(diagnosis.Tried)} known mistakes that were run on your "
                + $"port's inputs {(findings.Count == 1 ? "reproduces" : "reproduce")} its tensor"
                + (diagnosis.Skipped > 0 ? $"; {CheckWords.Tried(diagnosis)}." : "."),
                ("class", "note"));
        }
    }

    private static void BeforeAfter(HtmlWriter html, Finding finding)
    {
        ErrorScale scale = ErrorScale.For([finding.Before, finding.After]);
        using (html.Open("dl", ("class", "before-after")))
        {
            foreach ((string term, double error) in new[] { ("error now", finding.Before), ("left once this is explained", finding.After) })
            {
                using (html.Open("div"))
                {
                    html.Element("dt", term);
                    using (html.Open("dd"))
                    {
                        html.Element("span", CheckNumbers.Times(error), ("class", "number"));
                        AnatomyView.Bar(html, error, scale);
                    }
                }
            }
        }
    }

    private static void References(HtmlWriter html, IReadOnlyList<string> references)
    {
        if (references.Count == 0)
        {
            return;
        }

        using (html.Open("p", ("class", "references")))
        {
            html.Text("See ");
            for (int index = 0; index < references.Count; index++)
            {
                html.Text(index == 0 ? "" : ", ");
                if (references[index].StartsWith("https://", StringComparison.Ordinal))
                {
                    html.Element("a", references[index]["https://".Length..], ("href", references[index]), ("rel", "noreferrer"));
                }
                else
                {
                    html.Text(references[index]);
                }
            }
        }
    }

    private static void Worst(HtmlWriter html, TensorCheck tensor, WorstElement worst)
    {
        html.Element("h4", "The worst element");
        using (html.Open("table", ("class", "worst")))
        {
            html.Element("caption", "The worst element", ("class", "unseen"));
            using (html.Open("tbody"))
            {
                foreach ((string axis, int index) in CheckWords.Place(tensor, worst))
                {
                    Pair(html, axis, $"{index}", "at");
                }

                Pair(html, "port", CheckNumbers.Element(worst.Port), null);
                Pair(html, "expected", CheckNumbers.Element(worst.Expected), null);
                Pair(html, "difference", CheckNumbers.Element(worst.Port - worst.Expected), null);
                Pair(html, "noise", CheckNumbers.Element(worst.Noise), null);
                Pair(html, "error", CheckNumbers.Times(CheckWords.Error(worst)), "error");
            }
        }

        using (html.Open("p", ("class", "note")))
        {
            html.Text("The terms that make it: deform-detr why, with the same weights and input, for ");
            html.Element("code", CheckWords.Address(tensor, worst));
        }
    }

    private static void Pair(HtmlWriter html, string term, string value, string? style)
    {
        using (html.Open("tr", ("class", style)))
        {
            html.Element("th", term, ("scope", "row"));
            html.Element("td", value);
        }
    }
}
