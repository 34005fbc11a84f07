using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using DeformDetr.Tensors;

namespace DeformDetr.Formats;

/// <summary>
/// Writes a checkpoint as PyTorch's <c>save</c> would: a zip that <c>torch.load(weights_only=True)</c> reads. The state_dict is the whole
/// file or stands under a key. The same calls give the same bytes.
/// </summary>
public sealed class PyTorchWriter : TensorWriter
{
    private const string Folder = "archive/";
    private const int MostDepth = 16;

    private static readonly DateTimeOffset NoDate = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly TemporaryFile _file;
    private readonly ZipArchive _zip;
    private readonly string? _key;
    private readonly List<(string Key, JsonElement Value)> _beside = [];
    private readonly List<(string Name, int Storage, TensorShape Shape, ElementType Type)> _tensors = [];
    private readonly Dictionary<string, int> _byName = new(StringComparer.Ordinal);

    /// <summary>Begins a file.</summary>
    /// <param name="path">The file; replaced on <see cref="TensorWriter.Finish"/> if it exists.</param>
    /// <param name="key">What the state_dict stands under; null where it is the whole file.</param>
    /// <param name="beside">What stands beside the state_dict, as JSON; needs a key. Numbers are whole.</param>
    /// <exception cref="ArgumentException">Values beside a state_dict that is the whole file, or a number that is not whole.</exception>
    /// <exception cref="IOException">The folder doesn't exist, or the file can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public PyTorchWriter(string path, string? key = null, IReadOnlyDictionary<string, string>? beside = null)
    {
        _key = key;
        foreach ((string name, string json) in beside ?? new Dictionary<string, string>())
        {
            if (key is null)
            {
                throw new ArgumentException(
                    $"write: {Fault.Quote(name)} stands beside a state_dict without a key; expected one.", nameof(beside));
            }

            using JsonDocument value = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MostDepth });
            RequireWhole(value.RootElement);
            _beside.Add((name, value.RootElement.Clone()));
        }

        _file = new TemporaryFile(path);
        _zip = new ZipArchive(_file.Stream, ZipArchiveMode.Create, leaveOpen: true);
    }

    private protected override void WriteElements(string name, Tensor tensor)
    {
        int storage = _byName.Count;
        using (Stream stream = Member($"data/{storage.ToString(CultureInfo.InvariantCulture)}"))
        {
            ElementWriter.Write(tensor, stream);
        }

        _byName.Add(name, storage);
        _tensors.Add((name, storage, tensor.Shape, tensor.ElementType));
    }

    private protected override void WriteSame(string name, string earlier, Tensor tensor) =>
        _tensors.Add((name, _byName[earlier], tensor.Shape, tensor.ElementType));

    private protected override void Complete()
    {
        using (Stream stream = Member("data.pkl"))
        {
            stream.Write(Pickle());
        }

        using (Stream stream = Member("version"))
        {
            stream.Write("3\n"u8);
        }

        using (Stream stream = Member("byteorder"))
        {
            stream.Write("little"u8);
        }

        _zip.Dispose();
        _file.Commit();
    }

    // An archive that is not completed is not disposed either: that would only write a directory into a file that goes.
    private protected override void Close() => _file.Dispose();

    private Stream Member(string name)
    {
        ZipArchiveEntry member = _zip.CreateEntry(Folder + name, CompressionLevel.NoCompression);
        member.LastWriteTime = NoDate;
        return member.Open();
    }

    private byte[] Pickle()
    {
        using MemoryStream pickle = new();
        pickle.Write([0x80, 2]);
        if (_key is null)
        {
            WriteStateDict(pickle);
        }
        else
        {
            pickle.Write("}("u8);
            WriteText(pickle, _key);
            WriteStateDict(pickle);
            foreach ((string key, JsonElement value) in _beside)
            {
                WriteText(pickle, key);
                WriteValue(pickle, value);
            }

            pickle.WriteByte((byte)'u');
        }

        pickle.WriteByte((byte)'.');
        return pickle.ToArray();
    }

    private void WriteStateDict(MemoryStream pickle)
    {
        pickle.Write("ccollections\nOrderedDict\n)R("u8);
        foreach ((string name, int storage, TensorShape shape, ElementType type) in _tensors)
        {
            WriteText(pickle, name);
            pickle.Write("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
            WriteText(pickle, "storage");
            pickle.Write(Encoding.ASCII.GetBytes($"ctorch\n{StorageOf(type)}\n"));
            WriteText(pickle, storage.ToString(CultureInfo.InvariantCulture));
            WriteText(pickle, "cpu");
            WriteInteger(pickle, shape.ElementCount);
            pickle.Write("tQK\0("u8);
            foreach (int size in shape)
            {
                WriteInteger(pickle, size);
            }

            pickle.Write("t("u8);
            for (int axis = 0; axis < shape.Rank; axis++)
            {
                WriteInteger(pickle, shape.LengthFrom(axis + 1));
            }

            pickle.WriteByte((byte)'t');
            pickle.WriteByte(0x89);
            pickle.Write("ccollections\nOrderedDict\n)RtR"u8);
        }

        pickle.WriteByte((byte)'u');
    }

    // weights_only of PyTorch 1.13 knows no other numbers.
    private static void RequireWhole(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty entry in value.EnumerateObject())
                {
                    RequireWhole(entry.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in value.EnumerateArray())
                {
                    RequireWhole(item);
                }

                break;
            case JsonValueKind.Number when !value.TryGetInt64(out _):
                throw new ArgumentException(
                    $"write: the number {value.GetRawText()} beside the state_dict; expected a whole one of 64 bits.");
        }
    }

    private static string StorageOf(ElementType type) => ScalarType.All.First(scalar => scalar.Read == StoredTypes.Of(type)).Storage;

    private static void WriteText(MemoryStream pickle, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        pickle.WriteByte((byte)'X');
        pickle.Write(length);
        pickle.Write(bytes);
    }

    private static void WriteInteger(MemoryStream pickle, long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        if (value is >= int.MinValue and <= int.MaxValue)
        {
            pickle.WriteByte((byte)'J');
            pickle.Write(bytes[..sizeof(int)]);
        }
        else
        {
            pickle.Write([0x8a, sizeof(long)]);
            pickle.Write(bytes);
        }
    }

    private static void WriteValue(MemoryStream pickle, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                pickle.Write("}("u8);
                foreach (JsonProperty entry in value.EnumerateObject())
                {
                    WriteText(pickle, entry.Name);
                    WriteValue(pickle, entry.Value);
                }

                pickle.WriteByte((byte)'u');
                break;
            case JsonValueKind.Array:
                pickle.Write("]("u8);
                foreach (JsonElement item in value.EnumerateArray())
                {
                    WriteValue(pickle, item);
                }

                pickle.WriteByte((byte)'e');
                break;
            case JsonValueKind.String: WriteText(pickle, value.GetString()!); break;
            case JsonValueKind.Number when value.TryGetInt64(out long number): WriteInteger(pickle, number); break;
            case JsonValueKind.True: pickle.WriteByte(0x88); break;
            case JsonValueKind.False: pickle.WriteByte(0x89); break;
            default: pickle.WriteByte((byte)'N'); break;
        }
    }
}
