using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using DeformDetr.Tensors;

namespace DeformDetr.Formats;

// The header's grammar and the rules of the specification. Where the specification and its Rust implementation differ, the stricter
// one counts: white space before the object and anything but spaces behind it, null as __metadata__, and unknown keys are refused.
internal ref struct SafetensorsHeaderParser
{
    public const string MetadataKey = "__metadata__";

    // The object, a tensor's object, an array in it.
    private const int MostDepth = 3;

    private readonly string _path;
    private readonly long _dataStart;
    private readonly List<TensorEntry> _entries = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private Utf8JsonReader _json;
    private string? _tensor;

    private SafetensorsHeaderParser(string path, ReadOnlySpan<byte> json, int headerLength)
    {
        _path = path;
        _dataStart = SafetensorsFile.LengthBytes + headerLength;
        _json = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MostDepth });
    }

    public static SafetensorsHeader Parse(string path, ReadOnlySpan<byte> header, long dataLength)
    {
        if (header.IsEmpty || header[0] != (byte)'{')
        {
            throw Fault.File(path, $"header does not begin with '{{'; expected a JSON object at byte {SafetensorsFile.LengthBytes}.");
        }

        if (!Utf8.IsValid(header))
        {
            throw Fault.File(path, $"header is not valid UTF-8; expected JSON in UTF-8.");
        }

        ReadOnlySpan<byte> json = header.TrimEnd((byte)' ');
        SafetensorsHeaderParser parser = new(path, json, header.Length);
        try
        {
            parser.ReadObject(json.Length);
        }
        catch (JsonException)
        {
            throw parser.Wrong(
                $"header is not JSON at byte {SafetensorsFile.LengthBytes + parser._json.BytesConsumed}; expected what the format has there.");
        }

        return new SafetensorsHeader(parser.InDataOrder(dataLength), parser._metadata);
    }

    private void ReadObject(int length)
    {
        Next();
        while (Next() != JsonTokenType.EndObject)
        {
            string name = Text();
            _tensor = name;
            if (!_names.Add(name))
            {
                throw Wrong($"stands in the header twice; expected each name once.");
            }

            Next();
            if (name == MetadataKey)
            {
                ReadMetadata();
            }
            else
            {
                ReadEntry(name);
            }

            _tensor = null;
        }

        if (_json.BytesConsumed != length)
        {
            throw Wrong(
                $"header holds more after its object, at byte {SafetensorsFile.LengthBytes + _json.BytesConsumed}; expected only spaces.");
        }
    }

    private void ReadMetadata()
    {
        Require(JsonTokenType.StartObject, "an object of strings");
        while (Next() != JsonTokenType.EndObject)
        {
            string key = Text();
            Next();
            if (_json.TokenType != JsonTokenType.String)
            {
                throw Wrong($"value of {Fault.Quote(key)} is {Token()}; expected a string.");
            }

            if (!_metadata.TryAdd(key, Text()))
            {
                throw Wrong($"key {Fault.Quote(key)} stands there twice; expected each once.");
            }
        }
    }

    private void ReadEntry(string name)
    {
        Require(JsonTokenType.StartObject, "an object of dtype, shape and data_offsets");
        StoredType? dtype = null;
        List<long>? sizes = null;
        List<long>? offsets = null;
        while (Next() != JsonTokenType.EndObject)
        {
            string key = Text();
            if (key == "dtype" ? dtype is not null : key == "shape" ? sizes is not null : key == "data_offsets" && offsets is not null)
            {
                throw Wrong($"key {Fault.Quote(key)} stands there twice; expected each once.");
            }

            Next();
            switch (key)
            {
                case "dtype": dtype = ReadType(); break;
                case "shape": sizes = ReadNumbers(key); break;
                case "data_offsets": offsets = ReadNumbers(key); break;
                default: throw Wrong($"unknown key {Fault.Quote(key)}; expected dtype, shape and data_offsets.");
            }
        }

        if (dtype is null || sizes is null || offsets is null)
        {
            string missing = dtype is null ? "dtype" : sizes is null ? "shape" : "data_offsets";
            throw Wrong($"has no {missing}; expected dtype, shape and data_offsets.");
        }

        if (offsets.Count != 2)
        {
            throw Wrong($"data_offsets holds {offsets.Count} numbers; expected 2, begin and end.");
        }

        if (offsets[0] > offsets[1])
        {
            throw Wrong($"data_offsets [{offsets[0]}, {offsets[1]}] ends before it begins; expected begin <= end.");
        }

        TensorShape shape = StoredShape.Create(_path, name, sizes);
        long expected = (long)shape.ElementCount * dtype.Value.Size();
        long length = offsets[1] - offsets[0];
        if (length != expected)
        {
            throw Wrong(
                $"data_offsets [{offsets[0]}, {offsets[1]}] spans {length} bytes; expected {expected} for {dtype.Value.Word()} {shape}.");
        }

        // Offsets from the start of the file only once they are known to lie within it: the sum could overflow.
        _entries.Add(new TensorEntry(name, dtype.Value, shape, offsets[0], length));
    }

    private StoredType ReadType()
    {
        if (_json.TokenType != JsonTokenType.String)
        {
            throw Wrong($"dtype is {Token()}; expected a string.");
        }

        string word = Text();
        if (StoredTypes.TryParse(word, out StoredType type))
        {
            return type;
        }

        string kind = StoredTypes.IsKnownButUnread(word) ? "is in the format but not read here" : "is not in the format";
        throw Wrong($"dtype {Fault.Quote(word)} {kind}; expected {string.Join(", ", Enum.GetValues<StoredType>().Select(t => t.Word()))}.");
    }

    private List<long> ReadNumbers(string key)
    {
        if (_json.TokenType != JsonTokenType.StartArray)
        {
            throw Wrong($"{key} is {Token()}; expected an array of integers.");
        }

        List<long> numbers = [];
        while (Next() != JsonTokenType.EndArray)
        {
            if (_json.TokenType != JsonTokenType.Number || _json.ValueSpan.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            {
                throw Wrong($"{key} holds {Token()}; expected integers that are not negative.");
            }

            if (!_json.TryGetInt64(out long number))
            {
                throw Wrong($"{key} holds {Token()}; expected at most {long.MaxValue}.");
            }

            numbers.Add(number);
        }

        return numbers;
    }

    // The data must be covered from its first byte to its last, each byte once. Headers may list tensors in another order.
    private readonly List<TensorEntry> InDataOrder(long dataLength)
    {
        List<TensorEntry> ordered = [];
        long end = 0;
        foreach (TensorEntry entry in _entries.OrderBy(entry => entry.Offset).ThenBy(entry => entry.ByteLength))
        {
            if (entry.Offset != end)
            {
                string what = entry.Offset < end ? "overlaps the tensor before it" : "leaves a hole before it";
                throw Fault.Tensor(_path, entry.Name, $"data begins at {entry.Offset} and {what}; expected it to begin at {end}.");
            }

            end += entry.ByteLength;
            if (end > dataLength)
            {
                throw Fault.Tensor(
                    _path, entry.Name, $"data ends at {end} of {dataLength} bytes that the file has; expected a file that is not cut.");
            }

            ordered.Add(entry with { Offset = _dataStart + entry.Offset });
        }

        return end == dataLength
            ? ordered
            : throw Fault.File(_path, $"{dataLength - end} bytes after the last tensor's data; expected the file to end there.");
    }

    private JsonTokenType Next() =>
        _json.Read() ? _json.TokenType : throw Wrong($"header ends early; expected a whole JSON object.");

    private void Require(JsonTokenType type, string expected)
    {
        if (_json.TokenType != type)
        {
            throw Wrong($"is {Token()}; expected {expected}.");
        }
    }

    private readonly string Text()
    {
        try
        {
            return _json.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Wrong($"header holds text with half a surrogate pair; expected text that UTF-8 can hold.");
        }
    }

    private readonly string Token() => _json.TokenType switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => $"the number {Fault.Quote(Encoding.UTF8.GetString(_json.ValueSpan))}",
        JsonTokenType.True => "true",
        JsonTokenType.False => "false",
        _ => "null",
    };

    private readonly InvalidDataException Wrong(FormattableString what) =>
        _tensor is null ? Fault.File(_path, what)
        : _tensor == MetadataKey ? Fault.File(_path, $"{MetadataKey} {FormattableString.Invariant(what)}")
        : Fault.Tensor(_path, _tensor, what);
}
