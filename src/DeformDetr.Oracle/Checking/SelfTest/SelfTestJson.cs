using System.Text.Json;

namespace DeformDetr.Oracle;

/// <summary>A self-test's result for a program.</summary>
public static class SelfTestJson
{
    /// <summary>Writes all facts as one object.</summary>
    /// <param name="report">The result.</param>
    /// <param name="json">Where to.</param>
    public static void Write(SelfTestReport report, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteBoolean("passed", report.Passed);
        json.WriteNumber("seconds", Math.Round(report.Seconds, 3));
        json.WriteStartArray("planted");
        foreach (PlantedFault fault in report.Planted)
        {
            json.WriteStartObject();
            json.WriteString("name", fault.Name);
            json.WriteString("model", fault.Model);
            json.WriteString("tensor", fault.Tensor);
            json.WriteBoolean("known", fault.Known);
            json.WriteBoolean("caught", fault.Caught);
            json.WriteBoolean("located", fault.Located);
            json.WriteBoolean("named", fault.Named);
            json.WriteString("said", fault.Said);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("healthy");
        foreach (HealthyDump dump in report.Healthy)
        {
            json.WriteStartObject();
            json.WriteString("name", dump.Name);
            json.WriteBoolean("passed", dump.Passed);
            json.WriteString("largest", CheckNumbers.Noise(dump.Largest));
            json.WriteString("said", dump.Said);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
