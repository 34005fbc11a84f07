namespace DeformDetr.Tensors;

/// <summary>
/// The buffers of one stretch of a run, such as a layer. Dispose gives them back for the next stretch; a tensor that lives on is named by
/// <see cref="Keep{T}"/>. Reading a tensor after its buffer went back throws.
/// </summary>
public sealed class BufferScope : IDisposable
{
    private readonly OperatorContext _context;
    private readonly BufferScope? _parent;
    private readonly List<object> _owned = [];
    private bool _closed;

    internal BufferScope(OperatorContext context, BufferScope? parent)
    {
        _context = context;
        _parent = parent;
    }

    internal void Own(object storage) => _owned.Add(storage);

    /// <summary>Whether a tensor's buffer is this scope's own, so that nobody else reads it after the scope.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="tensor">Any tensor, shape [..].</param>
    /// <returns>False for what a caller gave, a listener put in, or this scope kept or released.</returns>
    public bool Owns<T>(Tensor<T> tensor)
        where T : unmanaged => _owned.Contains(tensor.Storage);

    /// <summary>Hands a tensor to the scope around this one, so that it outlives this scope.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="tensor">Any tensor, shape [..]; one that this scope doesn't own (an argument, a tapped replacement) is left
    /// alone.</param>
    /// <returns>The same tensor.</returns>
    public Tensor<T> Keep<T>(Tensor<T> tensor)
        where T : unmanaged
    {
        if (_owned.Remove(tensor.Storage))
        {
            _parent?.Own(tensor.Storage);
        }

        return tensor;
    }

    /// <summary>Gives one buffer back before the scope ends; the tensor can't be read any more.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="tensor">A tensor of this scope, shape [..]; one that it doesn't own is left alone.</param>
    public void Release<T>(Tensor<T> tensor)
        where T : unmanaged
    {
        if (_owned.Remove(tensor.Storage))
        {
            _context.Pool.Return(tensor.Storage.Release());
        }
    }

    /// <summary>Gives the buffers back.</summary>
    public void Dispose()
    {
        if (_closed)
        {
            return;
        }

        _context.Close(this, _parent);
        _closed = true;
        foreach (object storage in _owned)
        {
            _context.Pool.ReturnStorage(storage);
        }
    }
}
