using DeformDetr.Tensors;

namespace DeformDetr.Formats;

/// <summary>
/// Writes named tensors one after another to a file that appears, whole, on <see cref="Finish"/>; disposed before that, it leaves
/// nothing.
/// </summary>
public abstract class TensorWriter : IDisposable
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private bool _closed;

    private protected TensorWriter()
    {
    }

    /// <summary>A writer of the format that the extension names: .safetensors or .npz.</summary>
    /// <param name="path">The file; replaced on <see cref="Finish"/> if it exists.</param>
    /// <exception cref="InvalidDataException">Another extension.</exception>
    /// <exception cref="IOException">The folder doesn't exist, or the file can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static TensorWriter Create(string path) => System.IO.Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".safetensors" => new SafetensorsWriter(path),
        ".npz" => new NpzWriter(path),
        string extension => throw Fault.File(path, $"extension {Fault.Quote(extension)} can't be written; expected .safetensors or .npz."),
    };

    /// <summary>Writes a tensor at once; the tensor's own name doesn't matter.</summary>
    /// <param name="name">The name in the file.</param>
    /// <param name="tensor">The tensor; nothing of it is kept.</param>
    /// <exception cref="ArgumentException">The name was written before, or the format can't hold it.</exception>
    /// <exception cref="InvalidOperationException">The writer is finished, disposed, or was unable to write a tensor before.</exception>
    public void Write(string name, Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(tensor);
        RequireOpen();
        if (!TensorText.IsValid(name))
        {
            throw new ArgumentException(
                $"write: name {Fault.Quote(name)} holds half a surrogate pair; expected text that UTF-8 can hold.", nameof(name));
        }

        CheckName(name);
        if (!_names.Add(name))
        {
            throw new ArgumentException($"write: name {Fault.Quote(name)} was written before; expected each name once.", nameof(name));
        }

        try
        {
            WriteElements(name, tensor);
        }
        catch
        {
            // Half a tensor stands in the file: it must not become a whole file.
            Dispose();
            throw;
        }
    }

    /// <summary>Completes the file and puts it in its place. Nothing can be written after that.</summary>
    /// <exception cref="InvalidOperationException">The writer is finished or disposed.</exception>
    public void Finish()
    {
        RequireOpen();
        Complete();
        Dispose();
    }

    /// <summary>Ends writing; without <see cref="Finish"/>, what was written is deleted.</summary>
    public void Dispose()
    {
        if (!_closed)
        {
            _closed = true;
            Close();
        }

        GC.SuppressFinalize(this);
    }

    private protected void RequireOpen()
    {
        if (_closed)
        {
            throw new InvalidOperationException("tensor writer: is finished or disposed; expected an open one.");
        }
    }

    private protected virtual void CheckName(string name)
    {
    }

    private protected abstract void WriteElements(string name, Tensor tensor);

    private protected abstract void Complete();

    private protected abstract void Close();
}
