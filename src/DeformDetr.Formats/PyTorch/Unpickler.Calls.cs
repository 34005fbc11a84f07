using System.Globalization;
using System.Text;

namespace DeformDetr.Formats;

// What becomes of names, calls, states and references to storages.
internal sealed partial class Unpickler
{
    private const int MostAxes = 64;

    // numpy's way to say of which type a scalar is.
    private sealed class NumpyDType(string code)
    {
        public string Code => code;

        public bool BigEndian { get; set; }
    }

    private PickleName Find(string module, string name) =>
        PickleNames.Find(module, name)
        ?? throw Wrong(
            $"names {Fault.Quote($"{module}.{name}")}, which is not run or made here; expected what tensors and plain values consist of.");

    private void FindFromStack()
    {
        object?[] words = PopMany(2);
        if (words is not [string module, string name])
        {
            throw Wrong($"STACK_GLOBAL names {Describe(words[0])} and {Describe(words[1])}; expected a module and a name.");
        }

        Push(Find(module, name));
    }

    private void Reduce()
    {
        object? arguments = Pop();
        object? called = Pop();
        if (called is not PickleName name)
        {
            throw Wrong($"calls {Describe(called)}; expected a name.");
        }

        Push(Call(name, arguments is PickleTuple tuple ? tuple.Items : throw Wrong(
            $"calls {Fault.Quote(name.Path)} with {Describe(arguments)}; expected a tuple.")));
    }

    // cls.__new__(cls, *arguments): of what may be made so, only the namespace is no function of its arguments alone.
    private void NewObject(object? keywords)
    {
        object? arguments = Pop();
        object? made = Pop();
        bool plain = arguments is PickleTuple && keywords is null or PickleDictionary { Entries.Count: 0 };
        if (made is not PickleName { Call: PickleCall.Namespace or PickleCall.Dictionary or PickleCall.DefaultDictionary } name || !plain)
        {
            throw Wrong($"NEWOBJ makes an object of {Describe(made)}; expected a dictionary or {PickleDictionary.Namespace}.");
        }

        Push(Call(name, ((PickleTuple)arguments!).Items));
    }

    private object? Call(PickleName name, object?[] arguments)
    {
        switch (name.Call, arguments)
        {
            case (PickleCall.Dictionary or PickleCall.DefaultDictionary, []):
            case (PickleCall.DefaultDictionary, [null or PickleName]):
                return new PickleDictionary(name.Path);
            case (PickleCall.Dictionary, [PickleDictionary other]):
                return Copy(name.Path, other.Entries);
            case (PickleCall.Dictionary, [PickleList { Items: var pairs }]):
                return Pairs(name.Path, pairs);
            case (PickleCall.List, []):
                return new PickleList("list");
            case (PickleCall.List, [PickleList { Items: var items }]):
                return Copy("list", items);
            case (PickleCall.List, [PickleTuple { Items: var items }]):
                return Copy("list", items);
            case (PickleCall.Set, []):
                return new PickleList("set");
            case (PickleCall.Set, [PickleList { Items: var items }]):
                return Copy("set", items);
            case (PickleCall.Tuple, []):
                return new PickleTuple([]);
            case (PickleCall.Tuple, [PickleList { Items: var items }]):
                Charge(items.Count);
                return new PickleTuple([.. items]);
            case (PickleCall.Bytes, []):
                return Array.Empty<byte>();
            case (PickleCall.Bytes, [byte[] bytes]):
                return bytes;
            case (PickleCall.Bytes or PickleCall.Encode, [string text, string encoding]):
                return Encode(text, encoding);
            case (PickleCall.Complex, [double or long, double or long]):
                return new PickleTuple(arguments);
            case (PickleCall.Namespace, []):
                return new PickleDictionary(PickleDictionary.Namespace);
            case (PickleCall.Reconstructor, [PickleName { Call: PickleCall.Namespace }, PickleName, null]):
                return new PickleDictionary(PickleDictionary.Namespace);
            case (PickleCall.Size, [PickleTuple size]):
                return size;
            case (PickleCall.Device, [string] or [string, long]):
                return arguments.Length == 1 ? arguments[0] : string.Create(CultureInfo.InvariantCulture, $"{arguments[0]}:{arguments[1]}");
            case (PickleCall.RebuildTensor, [StorageView storage, long offset, PickleTuple sizes, PickleTuple strides, ..]):
                return Tensor(storage, offset, sizes, strides);
            case (PickleCall.RebuildParameter, [TensorView tensor, ..]):
                return tensor;
            case (PickleCall.NumpyDType, [string code, ..]):
                return new NumpyDType(code);
            case (PickleCall.NumpyScalar, [NumpyDType type, byte[] bytes]):
                return Scalar(type, bytes);
            default:
                string given = string.Join(", ", arguments.Take(4).Select(Describe));
                throw Wrong($"calls {Fault.Quote(name.Path)} with ({given}); expected arguments that it takes here.");
        }
    }

    // The state that an object takes over; only what needs one has one.
    private void Build()
    {
        object? state = Pop();
        switch (Peek(), state)
        {
            // A state_dict's _metadata: versions of its modules.
            case (PickleDictionary { Kind: "collections.OrderedDict" }, PickleDictionary):
                break;
            case (PickleDictionary { Kind: PickleDictionary.Namespace } target, PickleDictionary attributes):
                Charge(attributes.Entries.Count);
                foreach ((object key, object? value) in attributes.Entries)
                {
                    target.Add(key is string ? key : throw Wrong($"an attribute's name is {Describe(key)}; expected text."), value);
                }

                break;
            case (NumpyDType type, PickleTuple { Items: [_, string order, ..] }):
                type.BigEndian = order == ">";
                break;
            default:
                throw Wrong($"BUILD gives {Describe(Peek())} a state ({Describe(state)}); expected an object that takes one here.");
        }
    }

    private StorageView PersistentLoad(object? id)
    {
        if (id is not PickleTuple { Items: ["storage", PickleName { Scalar: { } type }, string key, string, long count, .. var rest] })
        {
            object? asked = id is PickleTuple { Items: [var first, ..] } ? first : id;
            throw Wrong($"BINPERSID asks for {Describe(asked)}; expected 'storage', its type, key, device and length.");
        }

        if (count < 0 || count > fileLength / type.Size)
        {
            throw Wrong(
                $"storage {Fault.Quote(key)} of {count} elements of {type.Word} in a file of {fileLength} bytes; expected it to fit.");
        }

        if (!_storages.TryGetValue(key, out TorchStorage? storage))
        {
            _storages.Add(key, storage = new TorchStorage(key, type, count));
        }

        if (storage.Type != type || storage.Count != count)
        {
            throw Wrong(
                $"storage {Fault.Quote(key)} holds {count} {type.Word} and before {storage.Count} {storage.Type.Word}; expected the same.");
        }

        // Very old files have views of storages.
        return rest switch
        {
            [] or [null] => new StorageView(storage, 0, count),
            [PickleTuple { Items: [_, long start, long length] }]
                when start >= 0 && length >= 0 && start <= count && length <= count - start =>
                new StorageView(storage, start, length),
            _ => throw Wrong($"the view of storage {Fault.Quote(key)} is not within it; expected it there."),
        };
    }

    private TensorView Tensor(StorageView storage, long offset, PickleTuple sizes, PickleTuple strides)
    {
        if (sizes.Items.Length > MostAxes || sizes.Items.Length != strides.Items.Length)
        {
            throw Wrong(
                $"a tensor of {sizes.Items.Length} sizes and {strides.Items.Length} strides; expected as many, and at most {MostAxes}.");
        }

        List<long> shape = Numbers(sizes);
        List<long> steps = Numbers(strides);
        if (offset < 0 || offset > storage.Count)
        {
            throw Wrong($"a tensor begins at element {offset} of a storage of {storage.Count}; expected it within.");
        }

        // Of the element that stands last. A product is below 2^126, and the loop ends as soon as the sum is too large.
        Int128 last = offset;
        for (int axis = 0; axis < shape.Count && last < storage.Count; axis++)
        {
            last += (Int128)Math.Max(shape[axis] - 1, 0) * steps[axis];
        }

        if (!shape.Contains(0) && last >= storage.Count)
        {
            throw Wrong(
                $"shape {Fault.Sizes(shape)}, strides {Fault.Sizes(steps)} reach beyond a storage of {storage.Count} elements; expected them within.");
        }

        return new TensorView(storage, offset, shape, steps);
    }

    private List<long> Numbers(PickleTuple tuple)
    {
        List<long> numbers = [];
        foreach (object? item in tuple.Items)
        {
            numbers.Add(item is long and >= 0 and long number ? number : throw Wrong(
                $"a size or stride is {Describe(item)}; expected a whole number that is not negative."));
        }

        return numbers;
    }

    private object Scalar(NumpyDType type, byte[] bytes)
    {
        if (type.BigEndian)
        {
            throw Wrong($"a numpy number is big-endian; expected little-endian.");
        }

        ReadOnlySpan<byte> b = bytes;
        return (type.Code, bytes.Length) switch
        {
            ("f8", 8) => BitConverter.ToDouble(b),
            ("f4", 4) => (double)BitConverter.ToSingle(b),
            ("f2", 2) => (double)BitConverter.ToHalf(b),
            ("i8", 8) => BitConverter.ToInt64(b),
            ("i4", 4) => (long)BitConverter.ToInt32(b),
            ("i2", 2) => (long)BitConverter.ToInt16(b),
            ("i1", 1) => (long)(sbyte)b[0],
            ("u1", 1) => (long)b[0],
            ("u2", 2) => (long)BitConverter.ToUInt16(b),
            ("u4", 4) => (long)BitConverter.ToUInt32(b),
            ("b1", 1) => b[0] != 0,
            _ => throw Wrong(
                $"a numpy number of type {Fault.Quote(type.Code)} in {bytes.Length} bytes; expected a float, an integer or a truth value."),
        };
    }

    private byte[] Encode(string text, string encoding)
    {
        Charge(text.Length);
        if (encoding is not ("latin1" or "latin-1") || text.AsSpan().ContainsAnyExceptInRange('\0', '\u00ff'))
        {
            throw Wrong($"bytes are written in {Fault.Quote(encoding)}; expected latin1.");
        }

        return Encoding.Latin1.GetBytes(text);
    }

    private PickleDictionary Pairs(string kind, IReadOnlyList<object?> pairs)
    {
        Charge(pairs.Count);
        PickleDictionary dictionary = new(kind);
        foreach (object? pair in pairs)
        {
            IReadOnlyList<object?> items = pair switch
            {
                PickleTuple tuple => tuple.Items,
                PickleList list => list.Items,
                _ => [],
            };
            dictionary.Add(
                Key(items.Count == 2 ? items[0] : throw Wrong(
                    $"an entry of a dictionary is {Describe(pair)}; expected a key and a value.")), items[1]);
        }

        return dictionary;
    }

    private PickleDictionary Copy(string kind, IReadOnlyList<KeyValuePair<object, object?>> entries)
    {
        Charge(entries.Count);
        PickleDictionary dictionary = new(kind);
        foreach ((object key, object? value) in entries)
        {
            dictionary.Add(key, value);
        }

        return dictionary;
    }

    private PickleList Copy(string kind, IReadOnlyList<object?> items)
    {
        Charge(items.Count);
        PickleList list = new(kind);
        foreach (object? item in items)
        {
            list.Add(item);
        }

        return list;
    }

    // One long value, kept and copied again and again, would make much of little.
    private void Charge(long count)
    {
        _work += count;
        long most = 65536 + (4 * (input.Position - _start));
        if (_work > most)
        {
            throw Wrong($"values are copied {_work} times; expected at most {most} for what was read so far.");
        }
    }
}
