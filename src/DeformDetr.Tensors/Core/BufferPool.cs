using System.Runtime.CompilerServices;

namespace DeformDetr.Tensors;

// The arrays behind a context's tensors.
internal sealed class BufferPool(long manyBytes = long.MaxValue)
{
    // Below this many bytes the collector is as good, and poisoning small results in tests is worth nothing.
    private const int LeastBytes = 4096;

    // From here on a tensor begins at a cache line, so that a vector of its rows lies in one. Its array has to be pinned, which costs nothing
    // where the collector doesn't move it either: among the large objects.
    private const int LeastAlignedBytes = 85_000;

    private readonly FreeArrays _free = new(manyBytes);

    public static BufferPool Frugal() => new(1L << 29);

    public TensorStorage<T> Rent<T>(int length)
        where T : unmanaged =>
        _free.Take<T>(Whole<T>(length)) is T[] array ? Storage(array, length) : Allocate<T>(length);

    public static TensorStorage<T> Allocate<T>(int length)
        where T : unmanaged => Storage(LargePages.Allocate<T>(Whole<T>(length), IsAligned<T>(length)), length);

    public void Return<T>(T[] array)
        where T : unmanaged
    {
        if ((long)array.Length * Unsafe.SizeOf<T>() < LeastBytes)
        {
            return;
        }

        _free.Add(array);
    }

    public void ReturnStorage(object storage)
    {
        switch (storage)
        {
            case TensorStorage<float> s: Return(s.Release()); break;
            case TensorStorage<double> s: Return(s.Release()); break;
            case TensorStorage<long> s: Return(s.Release()); break;
            case TensorStorage<int> s: Return(s.Release()); break;
            case TensorStorage<byte> s: Return(s.Release()); break;
            case TensorStorage<bool> s: Return(s.Release()); break;
            default: throw new NotSupportedException($"buffer pool: {storage.GetType().Name}.");
        }
    }

    private static bool IsAligned<T>(int length)
        where T : unmanaged => (long)length * Unsafe.SizeOf<T>() >= LeastAlignedBytes;

    private static int Whole<T>(int length)
        where T : unmanaged => IsAligned<T>(length) ? CacheLines.Whole<T>(length) : length;

    // An array that holds an aligned tensor is as large as what is pinned, so it is.
    private static TensorStorage<T> Storage<T>(T[] array, int length)
        where T : unmanaged => new(array, IsAligned<T>(length) ? CacheLines.Start(array) : 0);
}
