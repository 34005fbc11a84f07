using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>A checkpoint file as the model sees it.</summary>
/// <param name="file">An open file; the caller disposes it.</param>
public sealed class FileWeightStore(TensorFile file) : IWeightStore
{
    private readonly Dictionary<string, TensorEntry> _entries = file.Entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);

    /// <inheritdoc/>
    public string Source => file.Path;

    /// <inheritdoc/>
    public IEnumerable<string> Names => _entries.Keys;

    /// <inheritdoc/>
    public TensorShape ShapeOf(string name) => _entries[name].Shape;

    /// <inheritdoc/>
    public Tensor Read(string name) => file.Read(name);
}
