using System.Text;
using System.Text.Json;

namespace DeformDetr.Oracle;

/// <summary>A check's report for programs.</summary>
public static class CheckJson
{
    /// <summary>
    /// Writes an object with all that the report holds. Infinities and NaN are words (see <see cref="ReportJson"/>); errors of a tensor
    /// that is absent are null. The configuration is JSON inside JSON; where it can't be read it is a string.
    /// </summary>
    /// <param name="report">The report.</param>
    /// <param name="json">Stands where a value is expected.</param>
    public static void Write(CheckReport report, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteBoolean("passed", report.Passed);
        Text(json, "verdict", CheckWords.Verdict(report));
        json.WriteStartObject("coverage");
        json.WriteNumber("compared", report.Compared);
        json.WriteNumber("of", report.Tensors.Count);
        foreach (CheckStatus status in Enum.GetValues<CheckStatus>())
        {
            json.WriteNumber(CheckWords.Word(status), CheckWords.Of(report, status));
        }

        json.WriteNumber("extra", report.Extra.Count);
        json.WriteEndObject();
        Text(json, "port", report.Port);
        Text(json, "weights", report.Weights);
        Texts(json, "inputs", report.Inputs);
        Config(json, report.Config);
        Text(json, "port_dtype", report.PortDType);
        json.WriteNumberOrWord("seconds", report.Seconds);
        Array(json, "tensors", report.Tensors, Tensor);
        Texts(json, "extra", report.Extra);
        Array(json, "decisions", report.Decisions, Decision);
        Array(json, "proposals", report.Proposals, Proposal);
        json.WriteEndObject();
    }

    private static void Tensor(Utf8JsonWriter json, TensorCheck tensor)
    {
        Text(json, "name", tensor.Name);
        Text(json, "port_name", tensor.PortName);
        Text(json, "kind", tensor.Kind);
        Array(json, "shape", tensor.Shape);
        Texts(json, "axes", tensor.Axes);
        json.WriteString("status", CheckWords.Word(tensor.Status));
        Text(json, "fault", tensor.Fault);
        bool there = tensor.Status != CheckStatus.Absent;
        Number(json, "injected", there ? tensor.Injected : null);
        Number(json, "arrived", there ? tensor.Arrived : null);
        Number(json, "growth", there ? tensor.Growth : null);
        Number(json, "padding", there ? tensor.Padding : null);
        json.WriteNumber("spanned", tensor.Spanned);
        Object(json, "worst", tensor.Worst, Worst);
        Object(json, "anatomy", tensor.Anatomy, Anatomy);
        Object(json, "diagnosis", tensor.Diagnosis, Diagnosis);
    }

    private static void Worst(Utf8JsonWriter json, WorstElement worst)
    {
        Array(json, "index", worst.Index);
        Number(json, "port", worst.Port);
        Number(json, "expected", worst.Expected);
        Number(json, "noise", worst.Noise);
    }

    private static void Anatomy(Utf8JsonWriter json, ErrorAnatomy anatomy)
    {
        Array(json, "by_axis", anatomy.ByAxis, static (json, profile) =>
        {
            Text(json, "axis", profile.Axis);
            Array(json, "share", profile.Share);
            Array(json, "largest", profile.Largest);
        });
        Object(json, "map", anatomy.Map, static (json, map) =>
        {
            Text(json, "rows", map.Rows);
            Text(json, "columns", map.Columns);
            json.WriteNumber("width", map.Width);
            Array(json, "largest", map.Largest);
        });
        json.WriteStartArray("histogram");
        foreach (long count in anatomy.Histogram)
        {
            json.WriteNumberValue(count);
        }

        json.WriteEndArray();
        Texts(json, "sentences", anatomy.Sentences);
    }

    private static void Diagnosis(Utf8JsonWriter json, Diagnosis diagnosis)
    {
        json.WriteNumber("tried", diagnosis.Tried);
        json.WriteNumber("skipped", diagnosis.Skipped);
        Array(json, "findings", diagnosis.Findings, static (json, finding) =>
        {
            Text(json, "mistake", finding.Mistake);
            Text(json, "explanation", finding.Explanation);
            Text(json, "fix", finding.Fix);
            Texts(json, "references", finding.References);
            Number(json, "before", finding.Before);
            Number(json, "after", finding.After);
            Text(json, "detail", finding.Detail);
        });
    }

    private static void Decision(Utf8JsonWriter json, DecisionMargin decision)
    {
        Text(json, "name", decision.Name);
        Text(json, "what", decision.What);
        Number(json, "margin", decision.Margin);
        json.WriteNumber("undecided", decision.Undecided);
        json.WriteNumber("of", decision.Of);
    }

    private static void Proposal(Utf8JsonWriter json, NameProposal proposal)
    {
        Text(json, "port_name", proposal.PortName);
        Text(json, "name", proposal.Name);
        Text(json, "layout", proposal.Layout);
        Number(json, "correlation", proposal.Correlation);
    }

    private static void Config(Utf8JsonWriter json, string config)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(config);
            json.WritePropertyName("config");
            document.RootElement.WriteTo(json);
        }
        catch (JsonException)
        {
            Text(json, "config", config);
        }
    }

    private static void Number(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number)
        {
            json.WriteNumberOrWord(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    // A name with half a surrogate pair can't be written as UTF-8: the half becomes U+FFFD.
    private static void Text(Utf8JsonWriter json, string name, string? text) =>
        json.WriteString(name, text is null ? null : Whole(text));

    private static string Whole(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private static void Texts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
        {
            json.WriteStringValue(Whole(text));
        }

        json.WriteEndArray();
    }

    private static void Array(Utf8JsonWriter json, string name, IEnumerable<int> values)
    {
        json.WriteStartArray(name);
        foreach (int value in values)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }

    private static void Array(Utf8JsonWriter json, string name, IEnumerable<double> values)
    {
        json.WriteStartArray(name);
        foreach (double value in values)
        {
            json.WriteNumberOrWordValue(value);
        }

        json.WriteEndArray();
    }

    private static void Array<T>(Utf8JsonWriter json, string name, IEnumerable<T> values, Action<Utf8JsonWriter, T> write)
    {
        json.WriteStartArray(name);
        foreach (T value in values)
        {
            json.WriteStartObject();
            write(json, value);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Object<T>(Utf8JsonWriter json, string name, T? value, Action<Utf8JsonWriter, T> write)
        where T : class
    {
        if (value is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        write(json, value);
        json.WriteEndObject();
    }
}
