namespace DeformDetr.Tensors;

// Arrays that wait for the next request. A request takes the smallest that holds it, unless that would waste more than half; so a run
// settles on the few sizes it needs. Where more than so many bytes wait, those go to the collector that nobody has taken for long.
internal sealed class FreeArrays(long manyBytes)
{
    // Requests. A layer of a model, that of a check included, makes fewer: what one layer needs waits for the next.
    private const long Patience = 256;

    // As they were added, with the number of requests until then and the thread that had them.
    private readonly List<(Array Array, long Since, int Thread)> _arrays = [];
    private long _bytes;
    private long _requests;

    // Null where none fits.
    public T[]? Take<T>(int length)
        where T : unmanaged
    {
        _requests++;
        int best = -1;
        for (int index = 0; index < _arrays.Count; index++)
        {
            int free = _arrays[index].Array.Length;
            if (_arrays[index].Array is T[] && free >= length && free <= 2L * length && (best < 0 || IsBetter(index, best)))
            {
                best = index;
            }
        }

        return best < 0 ? null : (T[])Remove(best);
    }

    public void Add<T>(T[] array)
        where T : unmanaged
    {
        _arrays.Add((array, _requests, Environment.CurrentManagedThreadId));
        _bytes += Buffer.ByteLength(array);
        while (_bytes > manyBytes && _requests - _arrays[0].Since > Patience)
        {
            Remove(0);
        }
    }

    // The smaller one; of those as large the last that this thread had, which may be in the caches of its core yet.
    private bool IsBetter(int index, int best)
    {
        int larger = _arrays[index].Array.Length.CompareTo(_arrays[best].Array.Length);
        int thread = Environment.CurrentManagedThreadId;
        return larger < 0 || (larger == 0 && (_arrays[index].Thread == thread || _arrays[best].Thread != thread));
    }

    private Array Remove(int index)
    {
        Array array = _arrays[index].Array;
        _arrays.RemoveAt(index);
        _bytes -= Buffer.ByteLength(array);
        return array;
    }
}
