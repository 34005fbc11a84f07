using System.Text;

namespace DeformDetr.Oracle;

// The errors of all steps in the order of computation, as SVG: what arrives, what is injected, and the steps that aren't right.
internal static class GrowthChart
{
    private const double Width = 1080;
    private const double Height = 250;
    private const double Left = 44;
    private const double Right = 12;
    private const double Top = 26;
    private const double Bottom = 222;

    public static void Write(HtmlWriter html, CheckReport report, IReadOnlyList<StepGroup> groups, Func<int, string?> link)
    {
        IReadOnlyList<TensorCheck> tensors = report.Tensors;
        ErrorScale scale = ErrorScale.For(tensors.Where(Compared).SelectMany(tensor => new[] { tensor.Arrived, tensor.Injected }));
        double X(double index) => Left + ((index + 0.5) / tensors.Count * (Width - Left - Right));
        double Y(double error) => Bottom - (scale.Share(error) * (Bottom - Top));
        using (html.Open("div", ("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", "Chart of errors by step")))
        using (html.Open(
            "svg", ("viewBox", $"0 0 {Width} {Height}"), ("class", "growth"), ("role", "img"), ("aria-label", Summary(report))))
        {
            Areas(html, groups, index => X(index - 0.5));
            foreach (double tick in scale.Ticks(5))
            {
                string y = HtmlWriter.Number(Y(tick));
                html.Element(
                    "path", null, ("d", $"M{Left} {y}H{Width - Right}"), ("class", tick == 1 ? "noise-line" : "grid-line"));
                html.Element("text", ErrorScale.Label(tick), ("x", $"{Left - 6}"), ("y", y), ("dy", "0.35em"), ("text-anchor", "end"));
            }

            html.Element("path", null, ("d", Line(tensors, tensor => tensor.Injected, X, Y)), ("class", "line injected"));
            html.Element("path", null, ("d", Line(tensors, tensor => tensor.Arrived, X, Y)), ("class", "line arrived"));
            for (int index = 0; index < tensors.Count; index++)
            {
                if (tensors[index].Status != CheckStatus.Right)
                {
                    double y = tensors[index].Status == CheckStatus.Wrong ? Y(tensors[index].Injected) : Bottom;
                    Mark(html, tensors[index], X(index), y, link(index));
                }
            }
        }

        Legend(html, report);
    }

    private static bool Compared(TensorCheck tensor) => tensor.Status is CheckStatus.Right or CheckStatus.Wrong;

    private static string Summary(CheckReport report)
    {
        int wrong = CheckWords.Of(report, CheckStatus.Wrong);
        TensorCheck? most = report.Tensors.Where(Compared)
            .MaxBy(tensor => double.IsNaN(tensor.Arrived) ? double.PositiveInfinity : tensor.Arrived);
        return $"Errors of {report.Tensors.Count} steps in the order of computation, on a logarithmic scale in noise. "
            + (most is null ? "" : $"At most {CheckNumbers.Times(most.Arrived)} arrives, at {most.Name}. ")
            + (wrong == 0 ? "No step is wrong." : $"{CheckWords.Steps(wrong)} an error.");
    }

    // Parts of the model that are wide enough get a name.
    private static void Areas(HtmlWriter html, IReadOnlyList<StepGroup> groups, Func<double, double> edge)
    {
        bool shaded = false;
        for (int index = 0; index < groups.Count;)
        {
            string part = Part(groups[index].Title);
            int end = index + 1;
            while (end < groups.Count && (Part(groups[end].Title) == part || groups[end].Steps.Count < 3))
            {
                end++;
            }

            double from = edge(groups[index].First);
            double to = edge(groups[end - 1].First + groups[end - 1].Steps.Count);
            if (shaded)
            {
                html.Element(
                    "rect", null, ("x", HtmlWriter.Number(from)), ("y", $"{Top - 20}"), ("width", HtmlWriter.Number(to - from)),
                    ("height", $"{Bottom - Top + 20}"), ("class", "area"));
            }

            if (to - from > (part.Length * 6.6) + 8)
            {
                html.Element("text", part, ("x", HtmlWriter.Number(from + 5)), ("y", $"{Top - 8}"), ("class", "area-name"));
            }

            shaded = !shaded;
            index = end;
        }
    }

    private static string Part(string title)
    {
        string[] parts = title.Split(", ")[0].Split('.');
        return parts.Length > 1 && parts[0] == "transformer" ? parts[1] : parts[0];
    }

    // Broken where nothing was compared.
    private static string Line(
        IReadOnlyList<TensorCheck> tensors, Func<TensorCheck, double> error, Func<double, double> x, Func<double, double> y)
    {
        StringBuilder path = new();
        bool on = false;
        for (int index = 0; index < tensors.Count; index++)
        {
            bool compared = Compared(tensors[index]);
            if (compared)
            {
                string place = $"{HtmlWriter.Number(x(index))} {HtmlWriter.Number(y(error(tensors[index])))}";
                path.Append(on ? "L" : "M").Append(place);

                // A lone point is a dash of no length, which round ends make visible.
                bool alone = !on && (index + 1 == tensors.Count || !Compared(tensors[index + 1]));
                path.Append(alone ? "h0" : "");
            }

            on = compared;
        }

        return path.Length == 0 ? "M0 0" : path.ToString();
    }

    private static void Mark(HtmlWriter html, TensorCheck tensor, double x, double y, string? link)
    {
        string title = tensor.Status == CheckStatus.Wrong
            ? $"{tensor.Name}: injects {CheckNumbers.Times(tensor.Injected)}, {CheckNumbers.Times(tensor.Arrived)} arrives"
            : $"{tensor.Name}: {CheckWords.Word(tensor.Status)}";
        using (html.Open(
            "a", ("href", link), ("class", $"mark {CheckWords.Word(tensor.Status)}"), ("tabindex", "-1"),
            ("transform", $"translate({HtmlWriter.Number(x)} {HtmlWriter.Number(y)})")))
        {
            html.Element("title", title);
            html.Element("path", null, ("d", Shape(tensor.Status)));
        }
    }

    private static string Shape(CheckStatus status) => status switch
    {
        CheckStatus.Wrong => "M0-7L6.5 5H-6.5z",
        CheckStatus.Broken => "M-4.5-4.5L4.5 4.5M4.5-4.5L-4.5 4.5",
        _ => "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
    };

    private static void Legend(HtmlWriter html, CheckReport report)
    {
        using (html.Open("ul", ("class", "legend")))
        {
            Entry(html, "line arrived", "M0 7H26", "arrived: error in the free run");
            Entry(html, "line injected", "M0 7H26", "injected: error that the step itself adds");
            Entry(html, "noise-line", "M0 7H26", "what rounding explains");
            if (report.Tensors.Any(tensor => Compared(tensor) && !(double.IsFinite(tensor.Arrived) && double.IsFinite(tensor.Injected))))
            {
                html.Element("li", "at the top edge: NaN or infinite");
            }

            foreach (CheckStatus status in new[] { CheckStatus.Wrong, CheckStatus.Broken, CheckStatus.Absent })
            {
                if (CheckWords.Of(report, status) > 0)
                {
                    Entry(html, null, Shape(status), CheckWords.Word(status), $"mark {CheckWords.Word(status)}");
                }
            }
        }
    }

    private static void Entry(HtmlWriter html, string? line, string path, string words, string? mark = null)
    {
        using (html.Open("li"))
        {
            using (html.Open(
                "svg", ("viewBox", mark is null ? "0 0 26 14" : "-8 -8 16 16"), ("width", mark is null ? "26" : "16"),
                ("height", mark is null ? "14" : "16"), ("aria-hidden", "true"), ("class", "growth-key")))
            using (html.Open("g", ("class", mark)))
            {
                html.Element("path", null, ("d", path), ("class", line));
            }

            html.Text(words);
        }
    }
}
