using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace DeformDetr.Formats;

// Python's pickle machine without Python: values are built as data, the names that a pickle may call are in PickleNames, and everything
// else is refused with its position. Memory grows with the bytes that are read, never with a number that they state.
internal sealed partial class Unpickler(PickleInput input, long fileLength)
{
    // 100 000 tensors with an optimizer need a third of it.
    private const int MostInstructions = 1 << 25;
    private const int MostName = 1 << 12;
    private const int MostDigits = 64;

    private static readonly UTF8Encoding Utf8 = new(false, throwOnInvalidBytes: true);

    private readonly long _start = input.Position;
    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<long, object?> _memo = [];
    private readonly Dictionary<string, TorchStorage> _storages = new(StringComparer.Ordinal);
    private long _instruction;
    private long _work;

    // The storages that the pickle refers to, by key.
    public IReadOnlyDictionary<string, TorchStorage> Storages => _storages;

    // Reads one pickle, up to its end.
    public object? Load()
    {
        for (int count = 0; count < MostInstructions; count++)
        {
            _instruction = input.Position;
            byte code = input.ReadByte();
            if (code == (byte)'.')
            {
                object? result = Pop();
                return _stack.Count == 0 && _marks.Count == 0
                    ? result
                    : throw Wrong($"the pickle ends with {_stack.Count} values too many; expected one.");
            }

            Execute(code);
        }

        throw Wrong($"the pickle has more than {MostInstructions} instructions; expected fewer.");
    }

    private void Execute(byte code)
    {
        switch (code)
        {
            case (byte)'(': _marks.Add(_stack.Count); break;
            case (byte)'0': PopOrMark(); break;
            case (byte)'1': PopToMark(); break;
            case (byte)'2': Push(Peek()); break;
            case (byte)'N': Push(null); break;
            case 0x88: Push(true); break;
            case 0x89: Push(false); break;
            case (byte)'J': Push((long)BinaryPrimitives.ReadInt32LittleEndian(input.ReadBytes(4))); break;
            case (byte)'K': Push((long)input.ReadByte()); break;
            case (byte)'M': Push((long)ReadUnsigned(2)); break;
            case 0x8a: Push(ReadLong(input.ReadByte())); break;
            case 0x8b: Push(ReadLong(ReadUnsigned(4))); break;
            case (byte)'G': Push(BinaryPrimitives.ReadDoubleBigEndian(input.ReadBytes(8))); break;
            case (byte)'I': Push(ParseInteger(Ascii(input.ReadLine(MostDigits)))); break;
            case (byte)'L': Push(ParseInteger(Ascii(input.ReadLine(MostDigits)).TrimEnd('L'))); break;
            case (byte)'F': Push(ParseDouble(Ascii(input.ReadLine(MostDigits)))); break;
            case (byte)'X': Push(Text(input.ReadBytes(ReadUnsigned(4)))); break;
            case 0x8c: Push(Text(input.ReadBytes(input.ReadByte()))); break;
            case 0x8d: Push(Text(input.ReadBytes(ReadUnsigned(8)))); break;
            case (byte)'V': Push(Unescaped(Text(input.ReadLine(MostName)))); break;
            case (byte)'S': Push(Quoted(Ascii(input.ReadLine(MostName)))); break;
            case (byte)'T': Push(Encoding.Latin1.GetString(input.ReadBytes(ReadUnsigned(4)))); break;
            case (byte)'U': Push(Encoding.Latin1.GetString(input.ReadBytes(input.ReadByte()))); break;
            case (byte)'B': Push(input.ReadBytes(ReadUnsigned(4))); break;
            case (byte)'C': Push(input.ReadBytes(input.ReadByte())); break;
            case 0x8e: Push(input.ReadBytes(ReadUnsigned(8))); break;
            case 0x96: Push(input.ReadBytes(ReadUnsigned(8))); break;
            case (byte)')': Push(new PickleTuple([])); break;
            case (byte)']': Push(new PickleList("list")); break;
            case (byte)'}': Push(new PickleDictionary("dict")); break;
            case 0x8f: Push(new PickleList("set")); break;
            case (byte)'t': Push(new PickleTuple(PopToMark())); break;
            case 0x85: Push(new PickleTuple(PopMany(1))); break;
            case 0x86: Push(new PickleTuple(PopMany(2))); break;
            case 0x87: Push(new PickleTuple(PopMany(3))); break;
            case (byte)'l': PushAll("list"); break;
            case 0x91: PushAll("frozenset"); break;
            case (byte)'d':
                object?[] pairs = PopToMark();
                Push(new PickleDictionary("dict"));
                SetItems(pairs);
                break;
            case (byte)'a': Append("list", [Pop()]); break;
            case (byte)'e': Append("list", PopToMark()); break;
            case 0x90: Append("set", PopToMark()); break;
            case (byte)'s': SetItems(PopMany(2)); break;
            case (byte)'u': SetItems(PopToMark()); break;
            case (byte)'g': Push(Recall(ParseIndex())); break;
            case (byte)'h': Push(Recall(input.ReadByte())); break;
            case (byte)'j': Push(Recall((long)ReadUnsigned(4))); break;
            case (byte)'p': _memo[ParseIndex()] = Peek(); break;
            case (byte)'q': _memo[input.ReadByte()] = Peek(); break;
            case (byte)'r': _memo[(long)ReadUnsigned(4)] = Peek(); break;
            case 0x94: _memo[_memo.Count] = Peek(); break;
            case (byte)'c': Push(Find(Line(), Line())); break;
            case 0x93: FindFromStack(); break;
            case (byte)'Q': Push(PersistentLoad(Pop())); break;
            case (byte)'R': Reduce(); break;
            case 0x81: NewObject(null); break;
            case 0x92: NewObject(Pop()); break;
            case (byte)'b': Build(); break;
            case 0x80: RequireProtocol(input.ReadByte()); break;
            case 0x95: RequireFrame(ReadUnsigned(8)); break;
            default: throw Refused(code);
        }
    }

    private InvalidDataException Refused(byte code)
    {
        const string Expected = "expected nothing but tensors, numbers, text and containers";
        return code switch
        {
            (byte)'i' => Find(Line(), Line()) is { } name
                ? Wrong($"INST makes an object of {Fault.Quote(name.Path)}; {Expected}.")
                : Wrong($"INST; {Expected}."),
            (byte)'o' => Wrong($"OBJ makes an object of {Describe(PopToMark().FirstOrDefault())}; {Expected}."),
            (byte)'P' => Wrong($"PERSID asks for {Fault.Quote(Line())}; expected a storage by BINPERSID."),
            0x82 => Wrong($"EXT1 takes a name from Python's registry of extensions ({input.ReadByte()}); {Expected}."),
            0x83 => Wrong($"EXT2 takes a name from Python's registry of extensions ({ReadUnsigned(2)}); {Expected}."),
            0x84 => Wrong($"EXT4 takes a name from Python's registry of extensions ({ReadUnsigned(4)}); {Expected}."),
            0x97 => Wrong($"NEXT_BUFFER asks for data outside the file; {Expected}."),
            0x98 => Wrong($"READONLY_BUFFER asks for data outside the file; {Expected}."),
            _ => Wrong($"the byte {code:x2} is no instruction of a pickle; expected one."),
        };
    }

    private void RequireProtocol(byte protocol)
    {
        if (protocol > 5)
        {
            throw Wrong($"pickle protocol {protocol}; expected at most 5.");
        }
    }

    private void RequireFrame(ulong length)
    {
        if (length > (ulong)input.Left)
        {
            throw Wrong($"a frame of {length} bytes with {input.Left} left; expected it to fit.");
        }
    }

    private void Push(object? value) => _stack.Add(value);

    private object? Peek() => _stack.Count > Floor ? _stack[^1] : throw Empty();

    private object? Pop()
    {
        object? value = Peek();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    // Values below the last mark belong to who set it.
    private int Floor => _marks.Count == 0 ? 0 : _marks[^1];

    private void PopOrMark()
    {
        if (_marks.Count > 0 && _marks[^1] == _stack.Count)
        {
            _marks.RemoveAt(_marks.Count - 1);
        }
        else
        {
            Pop();
        }
    }

    private object?[] PopMany(int count)
    {
        if (_stack.Count - Floor < count)
        {
            throw Empty();
        }

        object?[] values = [.. _stack.GetRange(_stack.Count - count, count)];
        _stack.RemoveRange(_stack.Count - count, count);
        return values;
    }

    private object?[] PopToMark()
    {
        if (_marks.Count == 0)
        {
            throw Wrong($"takes values up to a mark, and none is set; expected one.");
        }

        object?[] values = PopMany(_stack.Count - _marks[^1]);
        _marks.RemoveAt(_marks.Count - 1);
        return values;
    }

    private InvalidDataException Empty() => Wrong($"takes a value from an empty stack; expected one there.");

    private void PushAll(string kind)
    {
        object?[] items = PopToMark();
        Push(new PickleList(kind));
        Append(kind, items);
    }

    private void Append(string kind, object?[] items)
    {
        PickleList list = Peek() is PickleList found && found.Kind == kind
            ? found
            : throw Wrong($"adds elements to {Describe(Peek())}; expected a {kind}.");
        foreach (object? item in items)
        {
            list.Add(item);
        }
    }

    private void SetItems(object?[] pairs)
    {
        PickleDictionary dictionary = Peek() is PickleDictionary { Kind: not PickleDictionary.Namespace } found
            ? found
            : throw Wrong($"sets entries of {Describe(Peek())}; expected a dictionary.");
        if (pairs.Length % 2 != 0)
        {
            throw Wrong($"sets a key without a value; expected pairs.");
        }

        for (int index = 0; index < pairs.Length; index += 2)
        {
            dictionary.Add(Key(pairs[index]), pairs[index + 1]);
        }
    }

    private object Key(object? key) =>
        key is null or PickleList or PickleDictionary or TensorView or StorageView
            ? throw Wrong($"the key of an entry is {Describe(key)}; expected text or a number.")
            : key;

    private object? Recall(long index) =>
        _memo.TryGetValue(index, out object? value) ? value : throw Wrong(
            $"recalls value {index}, which is not kept; expected one that is.");

    private long ParseIndex() =>
        long.TryParse(Ascii(input.ReadLine(MostDigits)), NumberStyles.None, CultureInfo.InvariantCulture, out long index)
            ? index
            : throw Wrong($"a kept value's number is none; expected a whole number.");

    private ulong ReadUnsigned(int bytes)
    {
        Span<byte> all = stackalloc byte[8];
        all.Clear();
        input.Fill(all[..bytes]);
        return BinaryPrimitives.ReadUInt64LittleEndian(all);
    }

    private object ReadLong(ulong bytes)
    {
        if (bytes > byte.MaxValue)
        {
            throw Wrong($"an integer of {bytes} bytes; expected at most {byte.MaxValue}.");
        }

        return Integer(new BigInteger(input.ReadBytes(bytes)));
    }

    private static object Integer(BigInteger value) => value >= long.MinValue && value <= long.MaxValue ? (object)(long)value : value;

    private object ParseInteger(string text) => text switch
    {
        "00" => false,
        "01" => true,
        _ => BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger value)
            ? Integer(value)
            : throw Wrong($"{Fault.Quote(text)} is no integer; expected one."),
    };

    private object ParseDouble(string text) => text switch
    {
        "inf" => double.PositiveInfinity,
        "-inf" => double.NegativeInfinity,
        "nan" => double.NaN,
        _ => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
            ? value
            : throw Wrong($"{Fault.Quote(text)} is no number; expected one."),
    };

    private string Line() => Text(input.ReadLine(MostName));

    private string Text(byte[] bytes)
    {
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Wrong($"text is not UTF-8; expected text that is.");
        }
    }

    private string Ascii(byte[] bytes) =>
        bytes.AsSpan().ContainsAnyExceptInRange((byte)' ', (byte)'~')
            ? throw Wrong($"a line holds bytes that are not ASCII; expected printable ASCII.")
            : Encoding.ASCII.GetString(bytes);

    // Protocol 0 writes text as Python would on a line; what needs an escape occurs in no checkpoint.
    private string Unescaped(string text) =>
        text.Contains('\\', StringComparison.Ordinal) ? throw Wrong($"text with an escape; expected plain text.") : text;

    private string Quoted(string line) =>
        line.Length >= 2 && line[0] is '\'' or '"' && line[^1] == line[0]
            ? Unescaped(line[1..^1])
            : throw Wrong($"{Fault.Quote(line)} is not in quotes; expected text that is.");

    private InvalidDataException Wrong(FormattableString what) =>
        Fault.File(input.Path, $"byte {_instruction} of the pickle: {FormattableString.Invariant(what)}");

    private static string Describe(object? value) => value switch
    {
        null => "None",
        bool => "a truth value",
        long or BigInteger => "an integer",
        double => "a number",
        string text => $"the text {Fault.Quote(text)}",
        byte[] => "bytes",
        PickleTuple => "a tuple",
        PickleList list => $"a {list.Kind}",
        PickleDictionary dictionary => $"a {dictionary.Kind}",
        PickleName name => Fault.Quote(name.Path),
        TensorView => "a tensor",
        StorageView => "a storage",
        _ => "an object",
    };
}
