namespace DeformDetr.Tensors;

// Free arrays of a context, per element type. A request takes the smallest free array that holds it, unless that would waste more than
// half; so a run settles on the few sizes it needs.
internal sealed class BufferPool
{
    // Below this many bytes the collector is as good, and poisoning small results in tests is worth nothing.
    private const int LeastBytes = 4096;

    private readonly Dictionary<Type, List<Array>> _free = [];

    public T[] Rent<T>(int length)
        where T : unmanaged
    {
        if (_free.TryGetValue(typeof(T), out List<Array>? arrays))
        {
            int best = -1;
            for (int index = 0; index < arrays.Count; index++)
            {
                int free = arrays[index].Length;
                if (free >= length && free <= 2L * length && (best < 0 || free < arrays[best].Length))
                {
                    best = index;
                }
            }

            if (best >= 0)
            {
                T[] array = (T[])arrays[best];
                arrays.RemoveAt(best);
                return array;
            }
        }

        return Allocate<T>(length);
    }

    public static T[] Allocate<T>(int length)
        where T : unmanaged => GC.AllocateUninitializedArray<T>(length);

    public void Return<T>(T[] array)
        where T : unmanaged
    {
        if ((long)array.Length * System.Runtime.CompilerServices.Unsafe.SizeOf<T>() < LeastBytes)
        {
            return;
        }

        if (!_free.TryGetValue(typeof(T), out List<Array>? arrays))
        {
            _free.Add(typeof(T), arrays = []);
        }

        arrays.Add(array);
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
