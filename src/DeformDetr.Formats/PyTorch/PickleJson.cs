using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace DeformDetr.Formats;

// Values of a pickle as JSON. Values that hold themselves, or each other many times, end at a depth and a length.
internal static class PickleJson
{
    public const int MostCharacters = 1 << 17;
    private const int MostDepth = 16;

    // Null where the value is too deep or too long.
    public static string? Text(object? value, int mostCharacters)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            if (!Write(json, value, MostDepth, mostCharacters))
            {
                return null;
            }
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static bool Write(Utf8JsonWriter json, object? value, int depth, int most)
    {
        if (depth == 0 || json.BytesCommitted + json.BytesPending > most)
        {
            return false;
        }

        switch (value)
        {
            case null: json.WriteNullValue(); return true;
            case bool truth: json.WriteBooleanValue(truth); return true;
            case long number: json.WriteNumberValue(number); return true;
            case BigInteger number: json.WriteStringValue(number.ToString(CultureInfo.InvariantCulture)); return true;
            case double number when double.IsFinite(number): json.WriteNumberValue(number); return true;
            case double number: json.WriteStringValue(number.ToString(CultureInfo.InvariantCulture)); return true;
            case string text: return text.Length <= most && Written(() => json.WriteStringValue(text));
            case byte[] bytes: json.WriteStringValue($"{bytes.Length} bytes"); return true;
            case TensorView tensor: json.WriteStringValue($"tensor {Fault.Sizes(tensor.Sizes)}"); return true;
            case PickleName name: json.WriteStringValue(name.Path); return true;
            case PickleTuple tuple: return WriteAll(json, tuple.Items, depth, most);
            case PickleList list: return WriteAll(json, list.Items, depth, most);
            case PickleDictionary dictionary: return WriteEntries(json, dictionary, depth, most);
            default: json.WriteStringValue("an object"); return true;
        }
    }

    private static bool Written(Action write)
    {
        write();
        return true;
    }

    private static bool WriteAll(Utf8JsonWriter json, IReadOnlyList<object?> items, int depth, int most)
    {
        json.WriteStartArray();
        foreach (object? item in items)
        {
            if (!Write(json, item, depth - 1, most))
            {
                return false;
            }
        }

        json.WriteEndArray();
        return true;
    }

    private static bool WriteEntries(Utf8JsonWriter json, PickleDictionary dictionary, int depth, int most)
    {
        // A key's last value counts, in the place of its first, as in Python.
        OrderedDictionary<string, object?> entries = new(StringComparer.Ordinal);
        foreach ((object key, object? value) in dictionary.Entries)
        {
            entries[Key(key)] = value;
        }

        json.WriteStartObject();
        foreach ((string key, object? value) in entries)
        {
            if (key.Length > most)
            {
                return false;
            }

            json.WritePropertyName(key);
            if (!Write(json, value, depth - 1, most))
            {
                return false;
            }
        }

        json.WriteEndObject();
        return true;
    }

    private static string Key(object key) => key switch
    {
        string text => text,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        bool truth => truth ? "True" : "False",
        _ => "an object",
    };
}
