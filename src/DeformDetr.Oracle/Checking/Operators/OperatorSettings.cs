using System.Text.Json;

namespace DeformDetr.Oracle;

// A setting of an operator: what it is called, what it is when nobody sets it (JSON; null where it must be set), what it means.
internal sealed record OperatorSetting(string Name, string? Default, string Text)
{
    // "stride=1 step of the window; …"; without = it must be set.
    public static IReadOnlyList<OperatorSetting> Parse(string text) =>
        [.. text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(one =>
        {
            string[] words = one.Split(' ', 2);
            string[] pair = words[0].Split('=', 2);
            return new OperatorSetting(pair[0], pair.Length > 1 ? pair[1] : null, words.Length > 1 ? words[1] : "");
        })];
}

// The settings of one run of an operator, by name. Those that nobody set have their defaults.
internal sealed class OperatorSettings
{
    private const int Most = 65536;

    private readonly JsonFile _file;
    private readonly Dictionary<string, JsonElement> _values = new(StringComparer.Ordinal);
    private readonly string _operator;

    // Given: an object of settings; keys in Apart belong to somebody else.
    public OperatorSettings(
        JsonFile file, JsonElement given, string name, IReadOnlyList<OperatorSetting> known, params IReadOnlyList<string> apart)
    {
        _file = file;
        _operator = name;
        foreach (JsonProperty entry in given.EnumerateObject())
        {
            if (apart.Contains(entry.Name))
            {
                continue;
            }

            if (known.All(setting => setting.Name != entry.Name))
            {
                throw file.Error(
                    $"config.{entry.Name}", "is unknown",
                    known.Count == 0 ? $"no setting ({name} has none)" : string.Join(", ", known.Select(setting => setting.Name)));
            }

            _values.Add(entry.Name, entry.Value);
        }

        foreach (OperatorSetting setting in known)
        {
            if (!_values.ContainsKey(setting.Name) && setting.Default is { } absent)
            {
                using JsonDocument document = JsonDocument.Parse(absent);
                _values.Add(setting.Name, document.RootElement.Clone());
            }
        }
    }

    public IEnumerable<KeyValuePair<string, JsonElement>> All => _values;

    public bool Has(string key) => _values.ContainsKey(key);

    // What stands in a file may ask for no more than there is room for.
    public int Integer(string key) => Between(key, -Most, $"a whole number from -{Most} to {Most}");

    // At least 1.
    public int Count(string key) => Between(key, 1, $"a whole number from 1 to {Most}");

    public double Number(string key) => _file.Number(Value(key), Key(key));

    public bool Boolean(string key) => _file.Boolean(Value(key), Key(key));

    public string Word(string key, params IReadOnlyList<string> words)
    {
        string word = _file.String(Value(key), Key(key));
        return words.Contains(word) ? word : throw _file.Error(Key(key), $"holds '{word}'", string.Join(" or ", words));
    }

    private int Between(string key, int least, FormattableString expected) =>
        _file.Integer(Value(key), Key(key)) is int number && number >= least && number <= Most
            ? number
            : throw _file.Error(Key(key), $"holds {Value(key)}", FormattableString.Invariant(expected));

    private static string Key(string key) => $"config.{key}";

    private JsonElement Value(string key) =>
        _values.TryGetValue(key, out JsonElement value) ? value : throw _file.Error(Key(key), "is absent", $"a setting of {_operator}");
}
