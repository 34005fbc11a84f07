using System.Globalization;
using System.Text.Json;

namespace DeformDetr.Oracle;

/// <summary>Explanations for people and for programs.</summary>
public static class WhyText
{
    /// <summary>Writes the number, its terms with a running total, and whether they add up to it.</summary>
    /// <param name="explanation">What to write.</param>
    /// <param name="output">Where it goes.</param>
    /// <param name="terms">How many terms are shown; the others in one line.</param>
    public static void Write(Explanation explanation, TextWriter output, int terms = 16)
    {
        string where = string.Join(", ", explanation.Axes.Zip(explanation.Index, (axis, at) => FormattableString.Invariant($"{axis} {at}")));
        output.WriteLine(
            $"{explanation.Name}[{string.Join(", ", explanation.Index)}] = {Number(explanation.Value)}{(where.Length == 0 ? "" : $"  ({where})")}");
        foreach (string copy in explanation.Copies)
        {
            output.WriteLine($"  the same tensor as {copy}");
        }

        output.WriteLine($"{explanation.Kind}: {explanation.Equation}");
        foreach (Figure figure in explanation.Figures)
        {
            output.WriteLine($"  {figure.Name}: {Number(figure.Value)}");
        }

        output.WriteLine();
        Table(explanation, output, terms);
        string result = explanation.Result == explanation.Sum ? "" : $", which makes {Number(explanation.Result)}";
        string verdict = explanation.AddsUp
            ? explanation.Difference == 0 ? "which is the number" : $"the number to {Number(explanation.Difference)}"
            : $"NOT the number: {Number(explanation.Difference)} away, more than {Number(explanation.Allowance)}";
        if (explanation.Port is { } port)
        {
            WritePort(port, output);
        }

        output.WriteLine(
            $"{(explanation.Terms.Count == 1 ? "1 term adds" : FormattableString.Invariant($"{explanation.Terms.Count} terms add"))} up to "
            + $"{Number(explanation.Sum)}{result}: {verdict}");
    }

    /// <summary>The same facts, all terms.</summary>
    /// <param name="explanation">What to write.</param>
    /// <param name="json">Stands where a value is expected.</param>
    public static void Write(Explanation explanation, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("tensor", explanation.Name);
        json.WriteStartArray("index");
        foreach (int at in explanation.Index)
        {
            json.WriteNumberValue(at);
        }

        json.WriteEndArray();
        Words(json, "axes", explanation.Axes);
        Words(json, "copy_of", explanation.Copies);
        json.WriteString("kind", explanation.Kind);
        Write(json, "value", explanation.Value);
        json.WriteString("equation", explanation.Equation);
        Figures(json, "figures", explanation.Figures);
        json.WriteStartArray("terms");
        for (int at = 0; at < explanation.Terms.Count; at++)
        {
            Term term = explanation.Terms[at];
            json.WriteStartObject();
            json.WriteString("label", term.Label);
            Figures(json, "factors", term.Factors);
            Write(json, "value", term.Value);
            if (explanation.Port?.Terms[at] is { } its)
            {
                Write(json, "port", its.Value);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        Write(json, "sum", explanation.Sum);
        Write(json, "result", explanation.Result);
        Write(json, "difference", explanation.Difference);
        Write(json, "allowance", explanation.Allowance);
        json.WriteBoolean("adds_up", explanation.AddsUp);
        if (explanation.Port is { } port)
        {
            json.WriteStartObject("port");
            Write(json, "value", port.Value);
            Write(json, "from_its_inputs", port.FromItsInputs);
            Words(json, "absent", port.Absent);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Table(Explanation explanation, TextWriter output, int terms)
    {
        int shown = Math.Min(terms, explanation.Terms.Count);
        List<string> factors = [];
        foreach (Term term in explanation.Terms.Take(shown))
        {
            factors.AddRange(term.Factors.Select(factor => factor.Name).Where(name => !factors.Contains(name)));
        }

        bool port = explanation.Port is not null;
        List<string[]> rows = [["term", .. factors, "product", "running total", .. port ? ["port"] : Array.Empty<string>()]];
        double total = 0;
        for (int at = 0; at < shown; at++)
        {
            Term term = explanation.Terms[at];
            total += term.Value;
            rows.Add(
            [
                term.Label,
                .. factors.Select(name => term.Factors.FirstOrDefault(factor => factor.Name == name) is { } factor ? Number(factor.Value) : ""),
                Number(term.Value), Number(total),
                .. port ? [explanation.Port!.Terms[at] is { } its ? Number(its.Value) : "-"] : Array.Empty<string>(),
            ]);
        }

        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
        {
            output.WriteLine("  " + string.Join("  ", row.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column]))).TrimEnd());
        }

        if (shown < explanation.Terms.Count)
        {
            double rest = 0;
            foreach (Term term in explanation.Terms.Skip(shown))
            {
                rest += term.Value;
            }

            output.WriteLine(FormattableString.Invariant($"  … and {explanation.Terms.Count - shown} more, together {Number(rest)}"));
        }
    }

    private static void WritePort(PortExplanation port, TextWriter output)
    {
        string has = double.IsNaN(port.Value) ? "its dump doesn't have the tensor, or has NaN here" : $"it has {Number(port.Value)}";
        string absent = port.Absent.Count == 0 ? "" : $" (ours in place of {string.Join(", ", port.Absent)})";
        output.WriteLine($"port: {has}; its own inputs{absent} make {Number(port.FromItsInputs)}");
    }

    private static void Words(Utf8JsonWriter json, string name, IReadOnlyList<string> words)
    {
        json.WriteStartArray(name);
        foreach (string word in words)
        {
            json.WriteStringValue(word);
        }

        json.WriteEndArray();
    }

    private static void Figures(Utf8JsonWriter json, string name, IReadOnlyList<Figure> figures)
    {
        json.WriteStartArray(name);
        foreach (Figure figure in figures)
        {
            json.WriteStartObject();
            json.WriteString("name", figure.Name);
            Write(json, "value", figure.Value);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    // All digits of the double: what is exactly a float32 must not get the short digits of one, or a program's sum would differ.
    private static void Write(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumber(name, value);
        }
        else
        {
            json.WriteNumberOrWord(name, value);
        }
    }

    private static string Number(double value) => value.ToString("G9", CultureInfo.InvariantCulture);
}
