using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;
using DeformDetr.Tensors;

namespace DeformDetr.Formats;

/// <summary>
/// Writes a safetensors file while tensors come in: their data at once, behind room reserved for the header, the header at the end.
/// Tensors stand in the file in the order in which they were written; the same calls give the same bytes.
/// </summary>
public sealed class SafetensorsWriter : TensorWriter
{
    private const int MoveBytes = 1 << 22;
    private const int Alignment = 8;

    private readonly TemporaryFile _file;
    private readonly long _reserved;
    private readonly List<TensorEntry> _entries = [];
    private readonly SortedDictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private long _dataLength;

    /// <summary>Begins a file.</summary>
    /// <param name="path">The file; replaced on <see cref="TensorWriter.Finish"/> if it exists.</param>
    /// <param name="reserveHeaderBytes">Room for the header. About 150 bytes for each tensor will do; if it turns out too small, the data
    /// is moved at the end.</param>
    /// <param name="metadata">What <c>__metadata__</c> shall say; more can come by <see cref="SetMetadata"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative reserve, or one larger than the format allows a header to be.</exception>
    /// <exception cref="IOException">The folder doesn't exist, or the file can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public SafetensorsWriter(string path, long reserveHeaderBytes = 1 << 16, IReadOnlyDictionary<string, string>? metadata = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(reserveHeaderBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(reserveHeaderBytes, SafetensorsFile.MostHeaderBytes);
        foreach ((string key, string value) in metadata ?? new Dictionary<string, string>())
        {
            SetMetadata(key, value);
        }

        _reserved = Aligned(reserveHeaderBytes);
        _file = new TemporaryFile(path);
        _file.Stream.Position = SafetensorsFile.LengthBytes + _reserved;
    }

    /// <summary>Writes a file with a header of exactly the needed size.</summary>
    /// <param name="path">The file; replaced if it exists.</param>
    /// <param name="tensors">Names and tensors in the order in which they shall stand.</param>
    /// <param name="metadata">What <c>__metadata__</c> shall say.</param>
    /// <exception cref="ArgumentException">A name twice, or one that the format can't hold.</exception>
    /// <exception cref="IOException">The folder doesn't exist, or the file can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static void Save(
        string path, IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        List<(string Name, Tensor Tensor)> all = [.. tensors];
        List<TensorEntry> entries = [];
        foreach ((string name, Tensor tensor) in all)
        {
            entries.Add(EntryOf(name, tensor, entries.Count == 0 ? 0 : entries[^1].Offset + entries[^1].ByteLength));
        }

        byte[] header = Header(entries, metadata ?? new Dictionary<string, string>());
        using SafetensorsWriter writer = new(path, Math.Min(header.Length, SafetensorsFile.MostHeaderBytes), metadata);
        foreach ((string name, Tensor tensor) in all)
        {
            writer.Write(name, tensor);
        }

        writer.Finish();
    }

    /// <summary>Sets what <c>__metadata__</c> says under a key, until <see cref="TensorWriter.Finish"/>.</summary>
    /// <param name="key">The key; what it held before is replaced.</param>
    /// <param name="value">The text.</param>
    /// <exception cref="ArgumentException">Text that UTF-8 can't hold.</exception>
    /// <exception cref="InvalidOperationException">The writer is finished or disposed.</exception>
    public void SetMetadata(string key, string value)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(value);
        RequireOpen();
        if (!TensorText.IsValid(key) || !TensorText.IsValid(value))
        {
            throw new ArgumentException(
                $"metadata: {Fault.Quote(key)} or its value holds half a surrogate pair; expected text that UTF-8 can hold.", nameof(value));
        }

        _metadata[key] = value;
    }

    private protected override void CheckName(string name)
    {
        if (name == SafetensorsHeaderParser.MetadataKey)
        {
            throw new ArgumentException($"write: name '{name}' is the format's own; expected a tensor's name.", nameof(name));
        }
    }

    private protected override void WriteElements(string name, Tensor tensor)
    {
        TensorEntry entry = EntryOf(name, tensor, _dataLength);
        ElementWriter.Write(tensor, _file.Stream);
        _dataLength += entry.ByteLength;
        _entries.Add(entry);
    }

    private protected override void Complete()
    {
        byte[] header = Header(_entries, _metadata);
        long length = Math.Max(_reserved, Aligned(header.Length));
        if (length > SafetensorsFile.MostHeaderBytes)
        {
            throw new InvalidOperationException(FormattableString.Invariant(
                $"safetensors: header of {length} bytes; expected at most {SafetensorsFile.MostHeaderBytes}."));
        }

        MoveData(length - _reserved);
        Span<byte> lengthBytes = stackalloc byte[SafetensorsFile.LengthBytes];
        BinaryPrimitives.WriteInt64LittleEndian(lengthBytes, length);
        _file.Stream.Position = 0;
        _file.Stream.Write(lengthBytes);
        _file.Stream.Write(header);
        byte[] spaces = new byte[length - header.Length];
        spaces.AsSpan().Fill((byte)' ');
        _file.Stream.Write(spaces);

        // Without a tensor, and so without data, the file may still be shorter or longer than this.
        _file.Stream.SetLength(SafetensorsFile.LengthBytes + length + _dataLength);
        _file.Commit();
    }

    private protected override void Close() => _file.Dispose();

    // From the end, so that no byte is overwritten before it has moved.
    private void MoveData(long distance)
    {
        if (distance == 0)
        {
            return;
        }

        byte[] part = new byte[Math.Min(MoveBytes, _dataLength)];
        long start = SafetensorsFile.LengthBytes + _reserved;
        for (long left = _dataLength; left > 0;)
        {
            int count = (int)Math.Min(part.Length, left);
            left -= count;
            _file.Stream.Position = start + left;
            _file.Stream.ReadExactly(part, 0, count);
            _file.Stream.Position = start + distance + left;
            _file.Stream.Write(part, 0, count);
        }
    }

    private static TensorEntry EntryOf(string name, Tensor tensor, long offset) =>
        new(name, StoredTypes.Of(tensor.ElementType), tensor.Shape, offset, (long)tensor.Length * tensor.ElementType.Size());

    private static byte[] Header(IEnumerable<TensorEntry> entries, IReadOnlyDictionary<string, string> metadata)
    {
        using MemoryStream header = new();
        using (Utf8JsonWriter json = new(header, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject(SafetensorsHeaderParser.MetadataKey);
                foreach ((string key, string value) in metadata)
                {
                    json.WriteString(key, value);
                }

                json.WriteEndObject();
            }

            foreach (TensorEntry entry in entries)
            {
                json.WriteStartObject(entry.Name);
                json.WriteString("dtype", entry.StoredType.Word());
                json.WriteStartArray("shape");
                foreach (int size in entry.Shape)
                {
                    json.WriteNumberValue(size);
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(entry.Offset);
                json.WriteNumberValue(entry.Offset + entry.ByteLength);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return header.ToArray();
    }

    private static long Aligned(long length) => (length + Alignment - 1) / Alignment * Alignment;
}
