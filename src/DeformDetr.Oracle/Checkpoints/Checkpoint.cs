using DeformDetr.Formats;
using DeformDetr.Reference;

namespace DeformDetr.Oracle;

/// <summary>An open checkpoint: its tensors under the original's names, and the configuration that it brings along.</summary>
public sealed class Checkpoint : IDisposable
{
    private readonly TensorFile _file;

    private Checkpoint(TensorFile file)
    {
        _file = file;
        Layout = CheckpointLayout.Detect([.. file.Entries.Select(entry => entry.Name)]);
        Store = new MappedWeightStore(file, Layout);
    }

    /// <summary>Whose names the file has.</summary>
    public CheckpointLayout Layout { get; }

    /// <summary>The tensors under the original's names.</summary>
    public IWeightStore Store { get; }

    internal TensorFile File => _file;

    /// <summary>Opens a file or a folder (see <see cref="TensorFile.Open"/>).</summary>
    /// <param name="path">The file or folder.</param>
    /// <exception cref="InvalidDataException">It is malformed.</exception>
    /// <exception cref="IOException">It doesn't exist or can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">No permission to read it.</exception>
    public static Checkpoint Open(string path)
    {
        TensorFile file = TensorFile.Open(path);
        try
        {
            return new Checkpoint(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The configuration that the checkpoint brings along: the arguments of its training, a <c>config.json</c> beside it, the metadata of a
    /// converted file, or, for names that are not the original's, what its shapes say. Null for a bare state_dict of the original.
    /// </summary>
    /// <exception cref="InvalidDataException">Arguments that the original can't run.</exception>
    public CheckpointConfiguration? Configuration() => CheckpointConfiguration.Of(this);

    /// <summary>Closes the file.</summary>
    public void Dispose() => _file.Dispose();
}
