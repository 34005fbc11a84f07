using System.Globalization;

namespace DeformDetr.Formats;

// The Python dictionary in the header of an npy: exactly descr, fortran_order and shape, in any order, and nothing that needs a
// Python to understand.
internal ref struct NpyDictionary
{
    private readonly string _path;
    private readonly string _tensor;
    private readonly ReadOnlySpan<byte> _text;
    private int _position;

    private NpyDictionary(string path, string tensor, ReadOnlySpan<byte> text)
    {
        _path = path;
        _tensor = tensor;
        _text = text;
        Descr = "";
        Shape = [];
    }

    public string Descr { get; private set; }

    public bool FortranOrder { get; private set; }

    public List<long> Shape { get; private set; }

    public static NpyDictionary Parse(string path, string tensor, ReadOnlySpan<byte> text)
    {
        NpyDictionary dictionary = new(path, tensor, text);
        dictionary.ReadAll();
        return dictionary;
    }

    private void ReadAll()
    {
        HashSet<string> keys = [];
        Take('{');
        while (Peek() != '}')
        {
            string key = ReadText("a key in quotes");
            if (!keys.Add(key))
            {
                throw Wrong($"key {Fault.Quote(key)} twice; expected each once.");
            }

            Take(':');
            switch (key)
            {
                case "descr": Descr = ReadDescr(); break;
                case "fortran_order": FortranOrder = ReadTruth(); break;
                case "shape": Shape = ReadTuple(); break;
                default: throw Wrong($"unknown key {Fault.Quote(key)}; expected descr, fortran_order and shape.");
            }

            if (Peek() != '}')
            {
                Take(',');
            }
        }

        Take('}');
        foreach (string key in (ReadOnlySpan<string>)["descr", "fortran_order", "shape"])
        {
            if (!keys.Contains(key))
            {
                throw Wrong($"no key {Fault.Quote(key)}; expected descr, fortran_order and shape.");
            }
        }

        ReadOnlySpan<byte> rest = _text[_position..];
        if (rest.IsEmpty || rest[^1] != (byte)'\n' || rest[..^1].ContainsAnyExcept((byte)' '))
        {
            throw Wrong($"no line feed after spaces behind the dictionary; expected the header to end so.");
        }
    }

    private string ReadDescr()
    {
        if (Peek() == '[')
        {
            throw Wrong($"descr is a structured type; expected one number per element.");
        }

        return ReadText("a type in quotes");
    }

    private bool ReadTruth()
    {
        SkipSpaces();
        foreach (bool value in (ReadOnlySpan<bool>)[true, false])
        {
            ReadOnlySpan<byte> word = value ? "True"u8 : "False"u8;
            if (_text[_position..].StartsWith(word))
            {
                _position += word.Length;
                return value;
            }
        }

        throw Wrong($"fortran_order at byte {_position} is neither; expected True or False.");
    }

    private List<long> ReadTuple()
    {
        List<long> sizes = [];
        bool comma = true;
        Take('(');
        while (Peek() != ')')
        {
            if (!comma)
            {
                Take(',');
                continue;
            }

            sizes.Add(ReadSize());
            comma = Peek() == ',';
            if (comma)
            {
                Take(',');
            }
            else if (sizes.Count == 1)
            {
                throw Wrong($"shape at byte {_position} is a number in brackets; expected a tuple: (3,).");
            }
        }

        Take(')');
        return sizes;
    }

    private long ReadSize()
    {
        SkipSpaces();
        ReadOnlySpan<byte> rest = _text[_position..];
        int length = rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        ReadOnlySpan<byte> digits = length < 0 ? rest : rest[..length];
        bool isNumber = long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long size);
        if (!isNumber || (digits.Length > 1 && digits[0] == (byte)'0'))
        {
            throw Wrong($"shape at byte {_position} holds no size; expected an integer from 0 to {long.MaxValue}.");
        }

        _position += digits.Length;
        return size;
    }

    private string ReadText(string expected)
    {
        char quote = Peek();
        if (quote is not ('\'' or '"'))
        {
            throw Wrong($"something else at byte {_position}; expected {expected}.");
        }

        ReadOnlySpan<byte> rest = _text[(_position + 1)..];
        int length = rest.IndexOf((byte)quote);
        if (length < 0 || rest[..length].ContainsAnyExceptInRange((byte)' ', (byte)'~') || rest[..length].Contains((byte)'\\'))
        {
            throw Wrong($"text at byte {_position} does not end or is not plain; expected {expected}.");
        }

        _position += length + 2;
        return System.Text.Encoding.ASCII.GetString(rest[..length]);
    }

    private void Take(char expected)
    {
        if (Peek() != expected)
        {
            throw Wrong($"something else at byte {_position}; expected '{expected}'.");
        }

        _position++;
    }

    private char Peek()
    {
        SkipSpaces();
        return _position < _text.Length ? (char)_text[_position] : '\0';
    }

    private void SkipSpaces()
    {
        while (_position < _text.Length && _text[_position] == (byte)' ')
        {
            _position++;
        }
    }

    private readonly InvalidDataException Wrong(FormattableString what) =>
        Fault.Tensor(_path, _tensor, $"npy header has {FormattableString.Invariant(what)}");
}
