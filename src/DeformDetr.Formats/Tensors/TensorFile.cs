using System.Collections.ObjectModel;
using DeformDetr.Tensors;

namespace DeformDetr.Formats;

/// <summary>A file of named tensors. Opening it reads and checks the header; each tensor's elements are read when asked for.</summary>
public abstract class TensorFile : IDisposable
{
    private readonly Dictionary<string, TensorEntry> _byName = new(StringComparer.Ordinal);

    private protected TensorFile(string path, IReadOnlyList<TensorEntry> entries, IReadOnlyDictionary<string, string>? metadata = null)
    {
        Path = path;
        Entries = entries;
        Metadata = metadata ?? ReadOnlyDictionary<string, string>.Empty;

        // The readers have refused a name that stands in the file twice.
        foreach (TensorEntry entry in entries)
        {
            _byName.Add(entry.Name, entry);
        }
    }

    /// <summary>The file, as it was given.</summary>
    public string Path { get; }

    /// <summary>All tensors in the order of their data in the file.</summary>
    public IReadOnlyList<TensorEntry> Entries { get; }

    /// <summary>What the file says beside its tensors: <c>__metadata__</c> of a safetensors file; empty for other formats.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>
    /// Opens a file of the format that its extension names: .safetensors, .npz, .npy (one tensor, named like the file), or .pth, .pt, .bin,
    /// .ckpt (what PyTorch's <c>save</c> wrote). A folder is opened by the model file in it, several files by their .index.json
    /// (see <see cref="ShardedFile"/>).
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">Another extension, or the file is malformed.</exception>
    /// <exception cref="IOException">The file doesn't exist (<see cref="FileNotFoundException"/>) or can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">No permission to read the file.</exception>
    public static TensorFile Open(string path) => ShardedFile.Is(path) ? ShardedFile.Open(path) : OpenOne(path);

    internal static TensorFile OpenOne(string path) => System.IO.Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".safetensors" => SafetensorsFile.Open(path),
        ".npz" => NpzFile.Open(path),
        ".npy" => NpyFile.Open(path),
        ".pth" or ".pt" or ".bin" or ".ckpt" => PyTorchFile.Open(path),
        string extension => throw Fault.File(
            path,
            $"extension {Fault.Quote(extension)} is not a tensor file's; expected .safetensors, .npz, .npy, .pth, .pt, .bin or .ckpt."),
    };

    /// <summary>Whether the file has a tensor of this name.</summary>
    /// <param name="name">The tensor's name.</param>
    public bool Contains(string name) => _byName.ContainsKey(name);

    /// <summary>
    /// Reads a tensor. It has its name, belongs to the caller, and is read anew at each call; F16 and BF16 become float32.
    /// </summary>
    /// <param name="name">The tensor's name.</param>
    /// <exception cref="InvalidDataException">The file has no such tensor, or its data is malformed.</exception>
    public Tensor Read(string name)
    {
        Tensor tensor = ReadElements(Entry(name));
        tensor.Name = name;
        return tensor;
    }

    /// <summary>Reads a tensor that must have a certain element type; nothing is cast.</summary>
    /// <typeparam name="T">The element type as <see cref="StoredTypes.ElementType"/> gives it.</typeparam>
    /// <param name="name">The tensor's name.</param>
    /// <exception cref="InvalidDataException">The file has no such tensor, its element type is another, or its data is
    /// malformed.</exception>
    public Tensor<T> Read<T>(string name)
        where T : unmanaged
    {
        TensorEntry entry = Entry(name);
        ElementType expected = ElementTypes.Of<T>();
        ElementType actual = entry.StoredType.ElementType();
        return actual == expected
            ? (Tensor<T>)Read(name)
            : throw Fault.Tensor(Path, name, $"holds {entry.StoredType.Word()}, read as {actual.Word()}; expected {expected.Word()}.");
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    private protected abstract Tensor ReadElements(TensorEntry entry);

    private protected abstract void Close();

    private TensorEntry Entry(string name) =>
        _byName.TryGetValue(name, out TensorEntry? entry)
            ? entry
            : throw Fault.Tensor(Path, name, $"is absent; expected one of the file's {Entries.Count} tensors.");
}
