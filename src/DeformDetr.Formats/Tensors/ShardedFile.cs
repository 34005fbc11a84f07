using System.Text.Json;
using DeformDetr.Tensors;
using Microsoft.Win32.SafeHandles;

namespace DeformDetr.Formats;

/// <summary>
/// A checkpoint in several files, as Hugging Face writes it: <c>NAME.index.json</c> says which tensor stands in which file beside it. A
/// folder stands for the first of model.safetensors, model.safetensors.index.json, pytorch_model.bin and pytorch_model.bin.index.json in
/// it.
/// </summary>
public sealed class ShardedFile : TensorFile
{
    private const string IndexExtension = ".index.json";
    private const int MostIndexBytes = 100_000_000;

    private static readonly string[] Models =
        ["model.safetensors", $"model.safetensors{IndexExtension}", "pytorch_model.bin", $"pytorch_model.bin{IndexExtension}"];

    private readonly List<TensorFile> _shards;
    private readonly Dictionary<string, TensorFile> _byName;

    private ShardedFile(string path, List<TensorFile> shards)
        : base(path, [.. shards.SelectMany(shard => shard.Entries)], shards.Count == 1 ? shards[0].Metadata : null)
    {
        _shards = shards;
        _byName = new Dictionary<string, TensorFile>(StringComparer.Ordinal);
        foreach (TensorFile shard in shards)
        {
            foreach (TensorEntry entry in shard.Entries)
            {
                _byName.Add(entry.Name, shard);
            }
        }
    }

    /// <summary>Whether a path is a folder with a model file, or an index of several files.</summary>
    /// <param name="path">The path.</param>
    public static bool Is(string path) =>
        path.EndsWith(IndexExtension, StringComparison.OrdinalIgnoreCase) || (Directory.Exists(path) && ModelIn(path) is not null);

    /// <summary>The files that a path stands for: itself, the model file in a folder, or an index and all files that it names.</summary>
    /// <param name="path">A path.</param>
    /// <exception cref="InvalidDataException">The index is malformed.</exception>
    /// <exception cref="IOException">A file doesn't exist (<see cref="FileNotFoundException"/>) or can't be read.</exception>
    public static IReadOnlyList<string> FilesOf(string path)
    {
        string file = Directory.Exists(path) ? ModelIn(path) ?? path : path;
        return file.EndsWith(IndexExtension, StringComparison.OrdinalIgnoreCase)
            ? [file, .. ReadIndex(file).Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]
            : [file];
    }

    /// <summary>Opens all files.</summary>
    /// <param name="path">The folder or the index.</param>
    /// <exception cref="InvalidDataException">A file is malformed, or the index disagrees with the files.</exception>
    /// <exception cref="IOException">A file doesn't exist (<see cref="FileNotFoundException"/>) or can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">No permission to read a file.</exception>
    public static new ShardedFile Open(string path)
    {
        string file = Directory.Exists(path)
            ? ModelIn(path) ?? throw new FileNotFoundException(
                $"{path}: no model in this folder; expected one of {string.Join(", ", Models)}.", path)
            : path;
        List<TensorFile> shards = [];
        try
        {
            if (!file.EndsWith(IndexExtension, StringComparison.OrdinalIgnoreCase))
            {
                shards.Add(OpenOne(file));
                return new ShardedFile(path, shards);
            }

            Dictionary<string, string> index = ReadIndex(file);
            foreach (string shard in index.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
            {
                shards.Add(OpenOne(shard));
                foreach (TensorEntry entry in shards[^1].Entries)
                {
                    if (!index.TryGetValue(entry.Name, out string? named) || named != shard)
                    {
                        throw Fault.Tensor(shard, entry.Name,
                            $"is not said to stand here; expected it in {Fault.Quote(System.IO.Path.GetFileName(file))}.");
                    }
                }
            }

            foreach ((string name, string shard) in index)
            {
                if (!shards.Exists(open => open.Path == shard && open.Contains(name)))
                {
                    throw Fault.Tensor(shard, name, $"is absent; expected it, as {Fault.Quote(System.IO.Path.GetFileName(file))} says.");
                }
            }

            return new ShardedFile(path, shards);
        }
        catch
        {
            shards.ForEach(shard => shard.Dispose());
            throw;
        }
    }

    private protected override Tensor ReadElements(TensorEntry entry) => _byName[entry.Name].Read(entry.Name);

    private protected override void Close() => _shards.ForEach(shard => shard.Dispose());

    private static string? ModelIn(string folder) =>
        Models.Select(name => System.IO.Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    // Tensor names and the paths of their files, which stand beside the index and nowhere else.
    private static Dictionary<string, string> ReadIndex(string path)
    {
        using SafeFileHandle handle = InputFile.Open(path);
        long length = RandomAccess.GetLength(handle);
        if (length > MostIndexBytes)
        {
            throw Fault.File(path, $"an index of {length} bytes; expected at most {MostIndexBytes}.");
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(
                FilePart.Read(path, handle, 0, length), new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 16 });
            if (document.RootElement.ValueKind != JsonValueKind.Object
                || !document.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
            {
                throw Fault.File(path, $"has no weight_map; expected an object of tensor names and file names.");
            }

            Dictionary<string, string> index = new(StringComparer.Ordinal);
            foreach (JsonProperty entry in map.EnumerateObject())
            {
                string shard = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";
                if (shard.Length == 0 || shard is "." or ".." || shard.AsSpan().IndexOfAny('/', '\\', '\0') >= 0)
                {
                    throw Fault.Tensor(
                        path, entry.Name, $"is said to stand in {Fault.Quote(shard)}; expected the name of a file in the same folder.");
                }

                string file = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path) ?? "", shard);
                index.Add(
                    entry.Name,
                    File.Exists(file)
                        ? file
                        : throw Fault.Tensor(
                            path, entry.Name,
                            $"is said to stand in {Fault.Quote(shard)}, which is not there; expected a file in the same folder."));
            }

            return index.Count > 0 ? index : throw Fault.File(path, $"has an empty weight_map; expected tensor names and file names.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The parser's words may repeat the file's; the place stands at their end, which may be cut.
            string place = exception is JsonException { LineNumber: { } line, BytePositionInLine: { } at }
                ? FormattableString.Invariant($" at line {line + 1}, byte {at + 1}")
                : "";
            throw Fault.File(path, $"is not JSON{place} ({Fault.Quote(exception.Message)}); expected an index of tensors.");
        }
    }
}
