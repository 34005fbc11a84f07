using System.Globalization;
using System.Numerics;
using System.Text;
using DeformDetr.Tensors;
using Microsoft.Win32.SafeHandles;

namespace DeformDetr.Formats;

/// <summary>
/// A checkpoint that PyTorch's <c>save</c> wrote: the zip format, or the one before 1.6. Nothing in it is run: its pickle is read as data
/// (docs/checkpoints.md has the names that it may use). The tensors are those of the state_dict, which is the whole file or stands under
/// <c>model</c>, <c>state_dict</c> or <c>model_state_dict</c>; a prefix <c>module.</c> of all names is dropped. Opening the file reads its
/// pickle; several threads may read tensors at once.
/// </summary>
public sealed class PyTorchFile : TensorFile
{
    private const long LegacyProtocol = 1001;
    private const long MostReadOver = 16;
    private const int MostSummary = 4096;
    private const int MostSummaries = 1 << 18;
    private const int ChecksumBytes = 1 << 20;
    private const string Module = "module.";
    private const string Readable = "float64, float32, float16, bfloat16, int64, int32, uint8 or bool";

    private static readonly BigInteger LegacyMagic = BigInteger.Parse("119547037146038801333356", CultureInfo.InvariantCulture);
    private static readonly string[] ModelKeys = ["model", "state_dict", "model_state_dict"];

    private readonly SafeFileHandle _file;
    private readonly Dictionary<string, TensorView> _views;

    private PyTorchFile(string path, SafeFileHandle file, Content content)
        : base(path, content.Entries, content.Metadata)
    {
        _file = file;
        _views = content.Views;
        Arguments = content.Arguments;
    }

    private sealed record Content(
        List<TensorEntry> Entries, Dictionary<string, TensorView> Views, Dictionary<string, string> Metadata, string? Arguments);

    /// <summary>
    /// The arguments of the training that stand beside the model under <c>args</c>, as a JSON object; null where there are none.
    /// </summary>
    public string? Arguments { get; }

    /// <summary>Opens a file, whatever its extension.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">The file is malformed, or its pickle names what isn't read here.</exception>
    /// <exception cref="IOException">The file doesn't exist (<see cref="FileNotFoundException"/>) or can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">No permission to read the file.</exception>
    public static new PyTorchFile Open(string path)
    {
        SafeFileHandle file = InputFile.Open(path);
        try
        {
            return new PyTorchFile(path, file, ReadContent(path, file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private protected override Tensor ReadElements(TensorEntry entry)
    {
        TensorView view = _views[entry.Name];
        TorchStorage storage = view.Storage.Storage;
        if (storage.Checksum is not null && !storage.Verified && entry.Shape.ElementCount == storage.Count
            && StridedElements.AreRowMajor(view.Sizes, view.Strides))
        {
            using StorageByteSource checkedSource = new(Path, entry.Name, _file, storage);
            return ElementReader.Read(entry, checkedSource);
        }

        Verify(entry.Name, storage);
        if (entry.Shape.ElementCount == 0 || StridedElements.AreRowMajor(view.Sizes, view.Strides))
        {
            using FileByteSource whole = new(Path, entry.Name, _file, entry.Offset);
            return ElementReader.Read(entry, whole);
        }

        TensorShape flat = StoredShape.Create(Path, entry.Name, [Span(view)]);
        using FileByteSource span = new(Path, entry.Name, _file, entry.Offset);
        Tensor elements = ElementReader.Read(entry with { Shape = flat, ByteLength = Span(view) * entry.StoredType.Size() }, span);
        long[] strides = [.. view.Strides.Select((stride, axis) => view.Sizes[axis] == 1 ? 0 : stride)];
        return StridedElements.Gather(elements, entry.Shape, strides);
    }

    private protected override void Close() => _file.Dispose();

    // Once for each storage, before the first tensor of it is given out.
    private void Verify(string name, TorchStorage storage)
    {
        lock (storage)
        {
            if (storage.Checksum is { } expected && !storage.Verified)
            {
                uint actual = ChecksumOf(Path, _file, storage.Position, storage.Count * storage.Type.Size);
                StorageByteSource.Require(Path, name, storage, actual, expected);
            }
        }
    }

    private static uint ChecksumOf(string path, SafeFileHandle file, long position, long length)
    {
        Crc32 checksum = new();
        byte[] part = new byte[Math.Min(length, ChecksumBytes)];
        while (length > 0)
        {
            Span<byte> bytes = part.AsSpan(0, (int)Math.Min(part.Length, length));
            FilePart.Fill(path, file, bytes, position);
            checksum.Append(bytes);
            position += bytes.Length;
            length -= bytes.Length;
        }

        return checksum.Value;
    }

    // From the first element to the last, those between included.
    private static long Span(TensorView view) =>
        view.Sizes.Contains(0) ? 0 : 1 + view.Sizes.Select((size, axis) => (size - 1) * (size == 1 ? 0 : view.Strides[axis])).Sum();

    private static Content ReadContent(string path, SafeFileHandle file)
    {
        byte[] start = new byte[Math.Min(4, RandomAccess.GetLength(file))];
        FilePart.Fill(path, file, start, 0);
        return start switch
        {
            [(byte)'P', (byte)'K', ..] => ReadZip(path, file),
            [0x80, ..] => ReadLegacy(path, file),
            _ => throw Fault.File(
                path, $"begins neither as a zip nor as a pickle; expected what torch.save wrote (not the tar of before 0.1.10)."),
        };
    }

    private static Content ReadZip(string path, SafeFileHandle file)
    {
        IReadOnlyDictionary<string, ZipRecord> records = ZipDirectory.Read(path, file, mayDeflate: false).Records;
        string[] pickles =
            [.. records.Keys.Where(name => name.EndsWith("/data.pkl", StringComparison.Ordinal) && name.Count(c => c == '/') == 1)];
        if (pickles.Length != 1)
        {
            throw Fault.File(path, $"a zip with {pickles.Length} members 'NAME/data.pkl'; expected one, as torch.save writes it.");
        }

        string prefix = pickles[0][..^"data.pkl".Length];
        if (records.ContainsKey($"{prefix}constants.pkl"))
        {
            throw Fault.File(path, $"is TorchScript, which holds a program; expected what torch.save wrote of a state_dict.");
        }

        if (records.TryGetValue($"{prefix}byteorder", out ZipRecord? order))
        {
            byte[] word = FilePart.Read(path, file, order.Position, Math.Min(order.Length, 16));
            if (!word.AsSpan().SequenceEqual("little"u8))
            {
                throw Fault.File(path, $"byteorder holds {Fault.Quote(Encoding.Latin1.GetString(word))}; expected little.");
            }
        }

        ZipRecord pickle = records[pickles[0]];
        uint checksum = ChecksumOf(path, file, pickle.Position, pickle.Length);
        if (checksum != pickle.Checksum)
        {
            throw Fault.File(
                path, $"zip member {Fault.Quote(pickle.Name)}: checksum {checksum:x8}; expected {pickle.Checksum:x8}: the data is damaged.");
        }

        PickleInput input = new(path, file, pickle.Position, pickle.Position + pickle.Length);
        Unpickler unpickler = new(input, RandomAccess.GetLength(file));
        object? root = unpickler.Load();
        if (input.Left != 0)
        {
            throw Fault.File(path,
                $"byte {input.Position}: {input.Left} bytes after the pickle; expected it to end the member {Fault.Quote(pickle.Name)}.");
        }

        foreach (TorchStorage storage in unpickler.Storages.Values)
        {
            if (!records.TryGetValue($"{prefix}data/{storage.Key}", out ZipRecord? record))
            {
                throw Fault.File(path, $"no zip member {Fault.Quote($"{prefix}data/{storage.Key}")}; expected one for each storage.");
            }

            long bytes = storage.Count * storage.Type.Size;
            if (record.Length != bytes)
            {
                throw Fault.File(
                    path,
                    $"zip member {Fault.Quote(record.Name)} of {record.Length} bytes; expected {bytes} for {storage.Count} {storage.Type.Word}.");
            }

            storage.Position = record.Position;
            storage.Checksum = record.Checksum;
        }

        return ContentOf(path, RandomAccess.GetLength(file), root, "PyTorch zip");
    }

    private static Content ReadLegacy(string path, SafeFileHandle file)
    {
        long fileLength = RandomAccess.GetLength(file);
        PickleInput input = new(path, file, 0, fileLength);
        object? Load() => new Unpickler(input, fileLength).Load();
        if (Load() is not BigInteger magic || magic != LegacyMagic)
        {
            throw Fault.File(path, $"is a pickle, but not one that torch.save wrote; expected PyTorch's number at its start.");
        }

        if (Load() is not LegacyProtocol)
        {
            throw Fault.File(path, $"byte {input.Position}: another protocol of torch.save; expected {LegacyProtocol}.");
        }

        if (Load() is not PickleDictionary system || !system.TryGet("little_endian", out object? little) || little is not true)
        {
            throw Fault.File(
                path, $"byte {input.Position}: the writing machine is not said to be little-endian; expected little_endian to be True.");
        }

        Unpickler unpickler = new(input, fileLength);
        object? root = unpickler.Load();
        if (Load() is not PickleList keys || keys.Items.Count != unpickler.Storages.Count)
        {
            throw Fault.File(path, $"byte {input.Position}: no list of {unpickler.Storages.Count} storages; expected one.");
        }

        long position = input.Position;
        foreach (object? key in keys.Items)
        {
            if (key is not string text || !unpickler.Storages.TryGetValue(text, out TorchStorage? storage) || storage.Position >= 0)
            {
                throw Fault.File(
                    path, $"byte {position}: the list of storages names one twice, or one that no tensor has; expected each once.");
            }

            long count = BitConverter.ToInt64(FilePart.Read(path, file, position, sizeof(long)));
            long bytes = storage.Count * storage.Type.Size;
            position += sizeof(long);
            if (count != storage.Count || bytes > fileLength - position)
            {
                long left = fileLength - position;
                throw Fault.File(
                    path,
                    $"byte {position}: storage {Fault.Quote(text)} of {count} elements with {left} bytes left; expected {storage.Count}, and all of them.");
            }

            storage.Position = position;
            position += bytes;
        }

        return position == fileLength
            ? ContentOf(path, fileLength, root, "PyTorch legacy")
            : throw Fault.File(
                path, $"byte {position}: {fileLength - position} bytes after the last storage; expected the file to end there.");
    }

    private static Content ContentOf(string path, long fileLength, object? root, string format)
    {
        PickleDictionary all = root as PickleDictionary
            ?? throw Fault.File(
                path, $"the pickle holds no dictionary; expected a state_dict, or one under {string.Join(", ", ModelKeys)}.");
        (string? key, PickleDictionary model) = FindModel(path, all);
        List<(string Name, TensorView View)> tensors = [.. Tensors(path, model)];
        Dictionary<string, string> metadata = new(StringComparer.Ordinal) { ["format"] = format };
        if (key is not null)
        {
            metadata["tensors"] = key;
        }

        if (tensors.Count > 0 && tensors.All(tensor => tensor.Name.StartsWith(Module, StringComparison.Ordinal)))
        {
            metadata["prefix"] = Module;
            tensors = [.. tensors.Select(tensor => (tensor.Name[Module.Length..], tensor.View))];
        }

        string? arguments = null;
        if (key is not null)
        {
            Summarize(path, all, key, metadata, out arguments);
        }

        List<TensorEntry> entries = [];
        Dictionary<string, TensorView> views = new(StringComparer.Ordinal);
        long read = 0;
        foreach ((string name, TensorView view) in tensors)
        {
            if (!views.TryAdd(name, view))
            {
                throw Fault.Tensor(path, name, $"stands in the state_dict twice; expected each name once.");
            }

            TensorEntry entry = Entry(path, name, view);
            read += Span(view) * view.Storage.Storage.Type.Size;
            if (read > MostReadOver * fileLength)
            {
                throw Fault.Tensor(path, name,
                    $"with it the tensors have over {MostReadOver} times as many bytes as the file; expected them to share less.");
            }

            entries.Add(entry);
        }

        return new Content([.. entries.OrderBy(entry => entry.Offset)], views, metadata, arguments);
    }

    private static (string? Key, PickleDictionary Model) FindModel(string path, PickleDictionary all)
    {
        (string Key, PickleDictionary Model)[] models =
        [
            .. from key in ModelKeys
               let value = all.TryGet(key, out object? found) ? found as PickleDictionary : null
               where value is not null
               select (key, value),
        ];
        if (models.Length > 1)
        {
            throw Fault.File(path, $"holds {string.Join(" and ", models.Select(one => one.Key))}; expected one state_dict.");
        }

        if (models.Length == 1)
        {
            return models[0];
        }

        return all.Entries.Any(entry => entry.Value is TensorView)
            ? (null, all)
            : throw Fault.File(path, $"holds no tensors; expected a state_dict, or one under {string.Join(", ", ModelKeys)}.");
    }

    private static IEnumerable<(string Name, TensorView View)> Tensors(string path, PickleDictionary model)
    {
        foreach ((object key, object? value) in model.Entries)
        {
            string name = key as string ?? throw Fault.File(path, $"a tensor's name in the state_dict is no text; expected text.");
            yield return value is TensorView view ? (name, view) : throw Fault.Tensor(
                path, name, $"is no tensor; expected the state_dict to hold tensors alone.");
        }
    }

    private static TensorEntry Entry(string path, string name, TensorView view)
    {
        TorchStorage storage = view.Storage.Storage;
        StoredType type = storage.Type.Read
            ?? throw Fault.Tensor(path, name, $"holds {storage.Type.Word}, which is not read here; expected {Readable}.");
        TensorShape shape = StoredShape.Create(path, name, view.Sizes);
        if (shape.ElementCount > storage.Count)
        {
            throw Fault.Tensor(path, name,
                $"repeats the {storage.Count} elements of its storage in shape {shape}; expected a tensor that is stored whole.");
        }

        long first = storage.Position + ((view.Storage.First + view.Offset) * type.Size());
        return new TensorEntry(name, type, shape, first, (long)shape.ElementCount * type.Size());
    }

    // What stands beside the model: short values as JSON, long ones by their size.
    private static void Summarize(
        string path, PickleDictionary all, string modelKey, Dictionary<string, string> metadata, out string? arguments)
    {
        arguments = null;
        OrderedDictionary<string, object?> beside = new(StringComparer.Ordinal);
        foreach ((object entryKey, object? value) in all.Entries)
        {
            // A key's last value counts, as in Python.
            if (entryKey is string key && key != modelKey)
            {
                beside[key] = value;
            }
        }

        int left = MostSummaries;
        foreach ((string key, object? value) in beside)
        {
            if (key == "args" && value is PickleDictionary)
            {
                arguments = PickleJson.Text(value, PickleJson.MostCharacters)
                    ?? throw Fault.File(path, $"args is too deep or too long; expected the arguments of a program.");
                metadata[key] = arguments;
                continue;
            }

            string? text = PickleJson.Text(value, Math.Min(MostSummary, left));
            left -= Math.Min(left, text?.Length ?? MostSummary);
            metadata[metadata.ContainsKey(key) ? $"file.{key}" : key] = text ?? value switch
            {
                PickleDictionary dictionary => FormattableString.Invariant($"{dictionary.Entries.Count} entries"),
                PickleList list => FormattableString.Invariant($"{list.Items.Count} elements"),
                PickleTuple tuple => FormattableString.Invariant($"{tuple.Items.Length} elements"),
                _ => "a long text",
            };
        }
    }
}
