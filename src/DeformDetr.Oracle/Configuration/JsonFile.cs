using System.Globalization;
using System.Text;
using System.Text.Json;

namespace DeformDetr.Oracle;

// Strict reading of JSON: every complaint names the file, the key, what is there and what was expected.
internal sealed class JsonFile
{
    private const int MostBytes = 1 << 26;
    private const int MostDepth = 32;

    private JsonFile(string path, JsonElement root)
    {
        Path = path;
        Root = root;
    }

    public string Path { get; }

    public JsonElement Root { get; }

    public static JsonFile Open(string path)
    {
        using FileStream stream = File.OpenRead(path);
        using MemoryStream content = new();
        byte[] part = new byte[1 << 16];
        for (int count = stream.Read(part); count > 0; count = stream.Read(part))
        {
            content.Write(part, 0, count);
            if (content.Length > MostBytes)
            {
                throw new InvalidDataException(FormattableString.Invariant($"{path}: over {MostBytes} bytes; expected less of a JSON object."));
            }
        }

        ReadOnlyMemory<byte> json = content.GetBuffer().AsMemory(0, (int)content.Length);
        return Of(path, "the file", json.Span.StartsWith(Encoding.UTF8.Preamble) ? json[Encoding.UTF8.Preamble.Length..] : json);
    }

    // JSON that stands in another file, whose path complaints shall name.
    public static JsonFile Parse(string path, string text) => Of(path, "config", Encoding.UTF8.GetBytes(text));

    private static JsonFile Of(string path, string key, ReadOnlyMemory<byte> json)
    {
        try
        {
            RequireText(json.Span);
            using JsonDocument document = JsonDocument.Parse(
                json, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = MostDepth });
            JsonFile file = new(path, document.RootElement.Clone());
            return file.Root.ValueKind == JsonValueKind.Object ? file : throw file.Error(key, "holds no object", "a JSON object");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException(
                $"{path}: {key} is not JSON ({SafeText.Short(exception.Message)}); expected a JSON object.", exception);
        }
    }

    // A document gives its texts when they are asked for, and only then finds bytes that are no UTF-8, or half a surrogate pair.
    private static void RequireText(ReadOnlySpan<byte> json)
    {
        Utf8JsonReader reader = new(json, new JsonReaderOptions { MaxDepth = MostDepth });
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
            {
                _ = reader.GetString();
            }
        }
    }

    public InvalidDataException Error(string key, string what, string expected) =>
        new($"{Path}: {SafeText.Short(key)} {SafeText.Short(what)}; expected {expected}.");

    public string String(JsonElement element, string key) =>
        element.ValueKind == JsonValueKind.String ? element.GetString()! : throw Error(key, $"holds {Show(element)}", "a string");

    public int Integer(JsonElement element, string key) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int value)
            ? value
            : throw Error(key, $"holds {Show(element)}", "a whole number");

    public ulong Unsigned(JsonElement element, string key) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetUInt64(out ulong value)
            ? value
            : throw Error(key, $"holds {Show(element)}", "a whole number from 0 to 2^64 - 1");

    public double Number(JsonElement element, string key) =>
        element.ValueKind != JsonValueKind.Number ? throw Error(key, $"holds {Show(element)}", "a number")
        : double.IsFinite(element.GetDouble()) ? element.GetDouble()
        : throw Error(key, $"holds {Show(element)}", "a number that float64 can hold");

    public bool Boolean(JsonElement element, string key) =>
        element.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Error(key, $"holds {Show(element)}", "true or false"),
        };

    public IReadOnlyList<JsonElement> Array(JsonElement element, string key) =>
        element.ValueKind == JsonValueKind.Array ? [.. element.EnumerateArray()] : throw Error(key, $"holds {Show(element)}", "an array");

    public IReadOnlyList<string> Strings(JsonElement element, string key) => [.. Array(element, key).Select(item => String(item, key))];

    public JsonElement Object(JsonElement element, string key) =>
        element.ValueKind == JsonValueKind.Object ? element : throw Error(key, $"holds {Show(element)}", "an object");

    // A file beside this one, by a plain name: a case never reaches outside its folder.
    public string Sibling(string name, string key)
    {
        if (name.Length == 0 || name is "." or ".." || name.AsSpan().IndexOfAny('/', '\\', '\0') >= 0)
        {
            throw Error(key, $"holds '{name}'", "the name of a file in the same folder");
        }

        string path = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path) ?? "", name);
        return File.Exists(path) ? path : throw Error(key, $"holds '{name}', which is not there", "the name of a file in the same folder");
    }

    private static string Show(JsonElement element)
    {
        string text = element.ValueKind == JsonValueKind.Undefined ? "nothing" : element.GetRawText().ReplaceLineEndings(" ");
        return text.Length <= 60 ? text : string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, 57)}...");
    }
}
