using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

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
        _start = AlignedPool.Start(array);
        _length = length;
    }

    /// <summary>The memory.</summary>
    public Span<T> Span => _array.AsSpan(_start, _length);

    internal T[] Array => _array;

    internal int Start => _start;

    /// <inheritdoc/>
    public void Dispose() => _pool.Return(_array);
}

// Pinned arrays, so that where they start stays true; kept for the next request. Any thread of a run may rent.
internal sealed class AlignedPool
{
    public const int Line = 64;

    private readonly Lock _gate = new();
    private readonly Dictionary<Type, List<Array>> _free = [];

    // The first element of an array that lies at a cache line.
    public static int Start<T>(T[] array)
        where T : unmanaged
    {
        long address = Marshal.UnsafeAddrOfPinnedArrayElement(array, 0);
        return (int)((Line - (address % Line)) % Line) / Unsafe.SizeOf<T>();
    }

    // The smallest free array that holds it, unless that would waste more than half.
    public AlignedBuffer<T> Rent<T>(int length)
        where T : unmanaged
    {
        int whole = checked(length + (Line / Unsafe.SizeOf<T>()));
        lock (_gate)
        {
            if (_free.TryGetValue(typeof(T), out List<Array>? arrays))
            {
                int best = -1;
                for (int index = 0; index < arrays.Count; index++)
                {
                    int free = arrays[index].Length;
                    if (free >= whole && free <= 2L * whole && (best < 0 || free < arrays[best].Length))
                    {
                        best = index;
                    }
                }

                if (best >= 0)
                {
                    T[] array = (T[])arrays[best];
                    arrays.RemoveAt(best);
                    return new AlignedBuffer<T>(this, array, length);
                }
            }
        }

        return new AlignedBuffer<T>(this, GC.AllocateUninitializedArray<T>(whole, pinned: true), length);
    }

    public void Return<T>(T[] array)
        where T : unmanaged
    {
        lock (_gate)
        {
            if (!_free.TryGetValue(typeof(T), out List<Array>? arrays))
            {
                _free.Add(typeof(T), arrays = []);
            }

            arrays.Add(array);
        }
    }
}
