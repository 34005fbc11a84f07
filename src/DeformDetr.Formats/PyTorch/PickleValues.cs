namespace DeformDetr.Formats;

// What a pickle may hold beside null, bool, long, BigInteger, double, string and byte[]. Nothing here does anything.

// A class or function that the pickle names: one of PickleNames.
internal sealed record PickleName(string Path, PickleCall Call, ScalarType? Scalar = null);

internal sealed class PickleTuple(object?[] items)
{
    public object?[] Items => items;
}

// A list, or a set, whose elements come one after another just so.
internal sealed class PickleList(string kind)
{
    private static readonly List<object?> Nothing = [];

    private List<object?>? _items;

    public string Kind => kind;

    public IReadOnlyList<object?> Items => _items ?? Nothing;

    public void Add(object? item) => (_items ??= []).Add(item);
}

// A dictionary in the order of its entries, or the attributes of an argparse.Namespace. A key that comes twice stands here twice.
internal sealed class PickleDictionary(string kind)
{
    public const string Namespace = "argparse.Namespace";

    private static readonly List<KeyValuePair<object, object?>> Nothing = [];

    private List<KeyValuePair<object, object?>>? _entries;

    public string Kind => kind;

    public IReadOnlyList<KeyValuePair<object, object?>> Entries => _entries ?? Nothing;

    public void Add(object key, object? value) => (_entries ??= []).Add(new(key, value));

    // The value of a key that is text; the last one counts, as in Python.
    public bool TryGet(string key, out object? value)
    {
        for (int index = Entries.Count - 1; index >= 0; index--)
        {
            if (Entries[index].Key is string text && text == key)
            {
                value = Entries[index].Value;
                return true;
            }
        }

        value = null;
        return false;
    }
}

// Elements [First, First + Count) of a storage that stands elsewhere in the file.
internal sealed record StorageView(TorchStorage Storage, long First, long Count);

// A tensor before its elements are read: where each element stands in its storage, in elements.
internal sealed record TensorView(StorageView Storage, long Offset, IReadOnlyList<long> Sizes, IReadOnlyList<long> Strides);

// A storage as the pickle tells of it; where its bytes are is known once the pickle is read.
internal sealed class TorchStorage(string key, ScalarType type, long count)
{
    public string Key => key;

    public ScalarType Type => type;

    // Elements.
    public long Count => count;

    // Of the first byte in the file.
    public long Position { get; set; } = -1;

    // What the file says that the bytes' checksum is; null where it says nothing.
    public uint? Checksum { get; set; }

    public bool Verified { get; set; }
}
