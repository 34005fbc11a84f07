using System.Globalization;
using System.Text.Json;

namespace DeformDetr.Oracle;

// Strict reading of JSON: every complaint names the file, the key, what is there and what was expected.
internal sealed class JsonFile
{
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
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                stream, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 32 });
            JsonFile file = new(path, document.RootElement.Clone());
            return file.Root.ValueKind == JsonValueKind.Object ? file : throw file.Error("the file", "holds no object", "a JSON object");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException(
                $"{path}: not JSON ({exception.Message.ReplaceLineEndings(" ")}); expected a JSON object.", exception);
        }
    }

    // JSON that stands in another file, whose path complaints shall name.
    public static JsonFile Parse(string path, string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                text, new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 32 });
            JsonFile file = new(path, document.RootElement.Clone());
            return file.Root.ValueKind == JsonValueKind.Object ? file : throw file.Error("config", "holds no object", "a JSON object");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException(
                $"{path}: config is not JSON ({exception.Message.ReplaceLineEndings(" ")}); expected a JSON object.", exception);
        }
    }

    public InvalidDataException Error(string key, string what, string expected) => new($"{Path}: {key} {what}; expected {expected}.");

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
        element.ValueKind == JsonValueKind.Number ? element.GetDouble() : throw Error(key, $"holds {Show(element)}", "a number");

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

        return System.IO.Path.Combine(System.IO.Path.GetDirectoryName(Path) ?? "", name);
    }

    private static string Show(JsonElement element)
    {
        string text = element.ValueKind == JsonValueKind.Undefined ? "nothing" : element.GetRawText().ReplaceLineEndings(" ");
        return text.Length <= 60 ? text : string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, 57)}...");
    }
}
