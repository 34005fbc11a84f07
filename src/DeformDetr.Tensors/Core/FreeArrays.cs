namespace DeformDetr.Tensors;

// Arrays that wait for the next request, per element type. A request takes the smallest that holds it, unless that would waste more than
// half; so a run settles on the few sizes it needs.
internal sealed class FreeArrays
{
    private readonly Dictionary<Type, List<Array>> _arrays = [];

    // Null where none fits.
    public T[]? Take<T>(int length)
        where T : unmanaged
    {
        if (!_arrays.TryGetValue(typeof(T), out List<Array>? arrays))
        {
            return null;
        }

        int best = -1;
        for (int index = 0; index < arrays.Count; index++)
        {
            int free = arrays[index].Length;
            if (free >= length && free <= 2L * length && (best < 0 || free < arrays[best].Length))
            {
                best = index;
            }
        }

        if (best < 0)
        {
            return null;
        }

        T[] array = (T[])arrays[best];
        arrays.RemoveAt(best);
        return array;
    }

    public void Add<T>(T[] array)
        where T : unmanaged
    {
        if (!_arrays.TryGetValue(typeof(T), out List<Array>? arrays))
        {
            _arrays.Add(typeof(T), arrays = []);
        }

        arrays.Add(array);
    }
}
