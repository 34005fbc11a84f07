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

    /// <summary>A writer of the format that the extension names: .safetensors, .npz, or .pth, .pt, .bin (a bare state_dict).</summary>
    /// <param name="path">The file; replaced on <see cref="Finish"/> if it exists.</param>
    /// <exception cref="InvalidDataException">Another extension.</exception>
    /// <exception cref="IOException">The folder doesn't exist, or the file can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static TensorWriter Create(string path) => System.IO.Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".safetensors" => new SafetensorsWriter(path),
        ".npz" => new NpzWriter(path),
        ".pth" or ".pt" or ".bin" => new PyTorchWriter(path),
        string extension => throw Fault.File(
            path, $"extension {Fault.Quote(extension)} can't be written; expected .safetensors, .npz, .pth, .pt or .bin."),
    };

    /// <summary>Writes a tensor at once; the tensor's own name doesn't matter.</summary>
    /// <param name="name">The name in the file.</param>
    /// <param name="tensor">The tensor; nothing of it is kept.</param>
    /// <exception cref="ArgumentException">The name was written before, or the format can't hold it.</exception>
    /// <exception cref="InvalidOperationException">The writer is finished, disposed, or was unable to write a tensor before.</exception>
    public void Write(string name, Tensor tensor)
    {
        Require(name, tensor);
        Guarded(() => WriteElements(name, tensor));
    }

    /// <summary>
    /// Writes a tensor that was written before once more under another name; formats that can (PyTorch's) keep its elements once.
    /// </summary>
    /// <param name="name">The other name.</param>
    /// <param name="earlier">A name that the tensor was written under by <see cref="Write"/>.</param>
    /// <param name="tensor">The tensor; nothing of it is kept.</param>
    /// <exception cref="ArgumentException">The name was written before, the earlier one was not, or the format can't hold it.</exception>
    /// <exception cref="InvalidOperationException">The writer is finished, disposed, or was unable to write a tensor before.</exception>
    public void WriteAgain(string name, string earlier, Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        if (!_names.Contains(earlier))
        {
            throw new ArgumentException($"write: name {Fault.Quote(earlier)} was not written; expected one that was.", nameof(earlier));
        }

        Require(name, tensor);
        Guarded(() => WriteSame(name, earlier, tensor));
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

    private protected virtual void WriteSame(string name, string earlier, Tensor tensor) => WriteElements(name, tensor);

    private protected abstract void Complete();

    private protected abstract void Close();

    private void Require(string name, Tensor tensor)
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
    }

    private void Guarded(Action write)
    {
        try
        {
            write();
        }
        catch
        {
            // Half a tensor stands in the file: it must not become a whole file.
            Dispose();
            throw;
        }
    }
}
