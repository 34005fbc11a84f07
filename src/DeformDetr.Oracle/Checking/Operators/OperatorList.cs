using System.Text.Json;

namespace DeformDetr.Oracle;

/// <summary>What operators there are, for people and for programs.</summary>
public static class OperatorList
{
    /// <summary>Names of all operators, in ordinal order.</summary>
    public static IReadOnlyList<string> Names => [.. Sorted().Select(definition => definition.Name)];

    /// <summary>Writes each operator with its sentence, inputs, weights, settings and outputs.</summary>
    /// <param name="output">Where the text goes.</param>
    public static void Write(TextWriter output)
    {
        foreach (OperatorDefinition definition in Sorted())
        {
            output.WriteLine($"{definition.Name}: {definition.Summary}");
            Line(output, "inputs", definition.Inputs.Select(Describe));
            Line(output, "weights", definition.Weights.Select(Describe));
            Line(output, "settings", definition.Settings.Select(setting =>
                $"{setting.Name}{(setting.Default is null ? "" : $"={setting.Default}")} ({setting.Text})"));
            Line(output, "outputs", definition.Outputs.Select(Describe));
        }

        output.WriteLine(
            "A question mark stands after what may be left out; {l} and {b} count from 0. Every named tensor of a model is an operator too, with the "
            + "tensors that it is made from as inputs.");
    }

    /// <summary>The same facts as an array of objects.</summary>
    /// <param name="json">Stands where a value is expected.</param>
    public static void Write(Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (OperatorDefinition definition in Sorted())
        {
            json.WriteStartObject();
            json.WriteString("name", definition.Name);
            json.WriteString("summary", definition.Summary);
            Tensors(json, "inputs", definition.Inputs);
            Tensors(json, "weights", definition.Weights);
            json.WriteStartArray("settings");
            foreach (OperatorSetting setting in definition.Settings)
            {
                json.WriteStartObject();
                json.WriteString("name", setting.Name);
                json.WritePropertyName("default");
                json.WriteRawValue(setting.Default ?? "null");
                json.WriteString("text", setting.Text);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            Tensors(json, "outputs", definition.Outputs);
            json.WriteString("source", definition.Source);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static IEnumerable<OperatorDefinition> Sorted() =>
        OperatorCatalogue.All.OrderBy(definition => definition.Name, StringComparer.Ordinal);

    private static string Describe(OperatorTensor tensor) =>
        $"{tensor.Name}{(tensor.Optional ? "?" : "")} {tensor.Shape}{(tensor.Kind == ElementKind.Real ? "" : $" {tensor.KindWord}")}";

    private static void Line(TextWriter output, string what, IEnumerable<string> items)
    {
        string text = string.Join(", ", items);
        if (text.Length > 0)
        {
            output.WriteLine($"  {what,-9} {text}");
        }
    }

    private static void Tensors(Utf8JsonWriter json, string name, IReadOnlyList<OperatorTensor> tensors)
    {
        json.WriteStartArray(name);
        foreach (OperatorTensor tensor in tensors)
        {
            json.WriteStartObject();
            json.WriteString("name", tensor.Name);
            json.WriteString("shape", tensor.Shape.Text);
            json.WriteString("dtype", tensor.KindWord);
            json.WriteBoolean("optional", tensor.Optional);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
