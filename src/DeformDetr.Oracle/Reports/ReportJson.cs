using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace DeformDetr.Oracle;

/// <summary>How reports write JSON. JSON has no infinities: they, and NaN, are the words "Infinity", "-Infinity" and "NaN".</summary>
public static class ReportJson
{
    /// <summary>JSON text, indented.</summary>
    /// <param name="write">Writes one value.</param>
    public static string Text(Action<Utf8JsonWriter> write)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(
            stream, new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            write(json);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>
    /// A property that is a number, or a word where it is not finite. What is exactly a float32 gets the shortest digits that name that
    /// float32.
    /// </summary>
    /// <param name="json">Stands inside an object.</param>
    /// <param name="name">The property.</param>
    /// <param name="value">The number.</param>
    public static void WriteNumberOrWord(this Utf8JsonWriter json, string name, double value)
    {
        json.WritePropertyName(name);
        json.WriteNumberOrWordValue(value);
    }

    /// <summary>A number, or a word where it is not finite.</summary>
    /// <param name="json">Stands where a value is expected.</param>
    /// <param name="value">The number.</param>
    public static void WriteNumberOrWordValue(this Utf8JsonWriter json, double value)
    {
        if (!double.IsFinite(value))
        {
            json.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
        }
        else if (Math.Abs(value) < 1e15 && value == Math.Truncate(value))
        {
            json.WriteNumberValue((long)value);
        }
        else if ((float)value == value)
        {
            json.WriteNumberValue((float)value);
        }
        else
        {
            json.WriteNumberValue(value);
        }
    }

    /// <summary>A property [x0, y0, x1, y1].</summary>
    /// <param name="json">Stands inside an object.</param>
    /// <param name="name">The property.</param>
    /// <param name="box">The box.</param>
    public static void WriteBox(this Utf8JsonWriter json, string name, PictureBox box)
    {
        json.WriteStartArray(name);
        json.WriteNumberOrWordValue(box.X0);
        json.WriteNumberOrWordValue(box.Y0);
        json.WriteNumberOrWordValue(box.X1);
        json.WriteNumberOrWordValue(box.Y1);
        json.WriteEndArray();
    }
}
