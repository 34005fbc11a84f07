namespace DeformDetr.Tensors;

// The arrays behind a context's tensors.
internal sealed class BufferPool(long manyBytes = long.MaxValue)
{
    // Below this many bytes the collector is as good, and poisoning small results in tests is worth nothing.
    private const int LeastBytes = 4096;

    private readonly FreeArrays _free = new(manyBytes);

    public static BufferPool Frugal() => new(1L << 29);

    public T[] Rent<T>(int length)
        where T : unmanaged => _free.Take<T>(length) ?? Allocate<T>(length);

    public static T[] Allocate<T>(int length)
        where T : unmanaged => LargePages.Allocate<T>(length);

    public void Return<T>(T[] array)
        where T : unmanaged
    {
        if ((long)array.Length * System.Runtime.CompilerServices.Unsafe.SizeOf<T>() < LeastBytes)
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
}
