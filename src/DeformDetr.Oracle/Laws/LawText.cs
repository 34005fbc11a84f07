using System.Globalization;
using System.Text.Json;

namespace DeformDetr.Oracle;

/// <summary>What came of trying laws, for people and for programs.</summary>
public static class LawText
{
    /// <summary>Writes a line for every law, and what is wrong.</summary>
    /// <param name="report">The report.</param>
    /// <param name="output">Where the text goes.</param>
    public static void Write(LawReport report, TextWriter output)
    {
        int width = report.Outcomes.Max(outcome => outcome.Law.Name.Length);
        foreach (LawOutcome outcome in report.Outcomes)
        {
            string state = outcome.Missing is not null ? "not tried" : outcome.Failing is null ? "holds" : "BROKEN";
            string more = outcome.Missing ?? (outcome.Breach is { } breach ? $"{breach}, at {outcome.Failing}" : outcome.Law.Words);
            output.WriteLine($"{state,-9}  {outcome.Law.Name.PadRight(width)}  {outcome.Cases.ToString(CultureInfo.InvariantCulture),5}  {more}");
        }

        string empty = string.Join(", ", report.Classes.Where(pair => report.Passed && pair.Value == 0 && LawClasses.Concerns(report.Target, pair.Key)).Select(pair => pair.Key));
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Target}: {report.Outcomes.Count} laws, {report.Cases} cases from seed {report.Seed}, {report.Seconds:0.0} s{(empty.Length == 0 ? "" : $"; no case with {empty}")}"));
        if (report.Failure is not { } failure)
        {
            output.WriteLine(report.Passed ? "all laws hold" : "no law could be tried");
            return;
        }

        output.WriteLine($"{report.Target} {failure.Sentence}");
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"  shrunk from {failure.Generated}; again: --law {failure.Law.Name} --seed {failure.Generated.Seed} --cases 1"));
        if (failure.Folder is { } folder)
        {
            output.WriteLine($"  written to {folder}; the reference on it: deform-detr verify {folder} --kernels textbook");
        }
    }

    /// <summary>Writes an object with all that the report holds.</summary>
    /// <param name="report">The report.</param>
    /// <param name="json">Stands where a value is expected.</param>
    public static void Write(LawReport report, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteBoolean("passed", report.Passed);
        json.WriteString("target", report.Target);
        json.WriteNumber("seed", report.Seed);
        json.WriteNumber("cases", report.Cases);
        json.WriteNumber("seconds", report.Seconds);
        if (report.Failure is { } failure)
        {
            json.WriteStartObject("failure");
            json.WriteString("law", failure.Law.Name);
            json.WriteString("sentence", $"{report.Target} {failure.Sentence}");
            json.WriteString("breach", failure.Breach);
            Case(json, "case", failure.Case);
            Case(json, "generated", failure.Generated);
            json.WriteString("folder", failure.Folder);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("failure");
        }

        json.WriteStartArray("laws");
        foreach (LawOutcome outcome in report.Outcomes)
        {
            json.WriteStartObject();
            Names(json, outcome.Law);
            json.WriteNumber("cases", outcome.Cases);
            json.WriteString("not_tried", outcome.Missing);
            json.WriteString("breach", outcome.Breach);
            if (outcome.Failing is { } failing)
            {
                Case(json, "failing", failing);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("classes");
        foreach ((string name, int count) in report.Classes)
        {
            json.WriteNumber(name, count);
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Writes an array of laws.</summary>
    /// <param name="laws">The laws.</param>
    /// <param name="json">Stands where a value is expected.</param>
    public static void Write(IEnumerable<Law> laws, Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (Law law in laws)
        {
            json.WriteStartObject();
            json.WriteString("target", law.Target);
            Names(json, law);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Names(Utf8JsonWriter json, Law law)
    {
        json.WriteString("law", law.Name);
        json.WriteString("mathematics", law.Mathematics);
        json.WriteString("words", law.Words);
    }

    private static void Case(Utf8JsonWriter json, string name, LawCase drawn)
    {
        json.WriteStartObject(name);
        foreach ((string symbol, int size) in drawn.Sizes)
        {
            json.WriteNumber(symbol, size);
        }

        json.WriteStartArray("levels");
        foreach ((int height, int width) in drawn.Levels)
        {
            json.WriteStartArray();
            json.WriteNumberValue(height);
            json.WriteNumberValue(width);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteNumber("seed", drawn.Seed);
        json.WriteString("family", drawn.Family.ToString());
        json.WriteEndObject();
    }
}
