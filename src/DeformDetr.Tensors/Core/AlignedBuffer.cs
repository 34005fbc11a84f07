namespace DeformDetr.Tensors;

/// <summary>
/// Scratch memory that starts at a cache line, so that no vector lies across two. Elements are not set. Dispose gives it back to its pool.
/// </summary>
/// <typeparam name="T">The element type.</typeparam>
public readonly struct AlignedBuffer<T> : IDisposable
    where T : unmanaged
{
    private readonly AlignedPool _pool;
    private readonly T[] _array;
    private readonly int _start;
    private readonly int _length;

    internal AlignedBuffer(AlignedPool pool, T[] array, int length)
    {
        _pool = pool;
        _array = array;
        _start = CacheLines.Start(array);
        _length = length;
    }

    /// <summary>The memory.</summary>
    public Span<T> Span => _array.AsSpan(_start, _length);

    // From one of the elements on. It may lie before the first, where what counts begins later.
    internal Place<T> At(int element = 0) => new(_array, _start + element);

    /// <inheritdoc/>
    public void Dispose() => _pool.Return(_array);
}

// Pinned arrays, so that where they start stays true; kept for the next request. Any thread of a run may rent.
internal sealed class AlignedPool(long manyBytes = long.MaxValue)
{
    private readonly Lock _gate = new();
    private readonly FreeArrays _free = new(manyBytes);

    public static AlignedPool Frugal() => new(1L << 26);

    public AlignedBuffer<T> Rent<T>(int length)
        where T : unmanaged
    {
        int whole = CacheLines.Whole<T>(length);
        T[]? free;
        lock (_gate)
        {
            free = _free.Take<T>(whole);
        }

        return new AlignedBuffer<T>(this, free ?? LargePages.Allocate<T>(whole, pinned: true), length);
    }

    public void Return<T>(T[] array)
        where T : unmanaged
    {
        lock (_gate)
        {
            _free.Add(array);
        }
    }
}
