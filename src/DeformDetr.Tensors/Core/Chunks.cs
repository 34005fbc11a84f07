namespace DeformDetr.Tensors;

/// <summary>What several threads share out among themselves: [0, count), chunk by chunk, ascending.</summary>
public sealed class Chunks
{
    private readonly int _count;
    private readonly int _most;
    private readonly int _threads;
    private int _next;

    internal Chunks(int count, int most, int threads)
    {
        _count = count;
        _most = Math.Max(1, most);
        _threads = threads;
    }

    // Alone, or while every thread finds two whole ones.
    internal bool Many => _threads == 1 || _count - Volatile.Read(ref _next) >= 2L * _threads * _most;

    /// <summary>Takes the next chunk, [first, last).</summary>
    /// <param name="first">Its first item.</param>
    /// <param name="last">The item behind its last.</param>
    /// <returns>False when none is left.</returns>
    public bool Take(out int first, out int last)
    {
        do
        {
            first = Volatile.Read(ref _next);
            int left = _count - first;

            // Alone there is nobody to end together with.
            int size = _threads == 1 ? _most : Math.Min(_most, (left + (2 * _threads) - 1) / (2 * _threads));
            last = first + Math.Min(left, size);
            if (left <= 0)
            {
                return false;
            }
        }
        while (Interlocked.CompareExchange(ref _next, last, first) != first);
        return true;
    }
}
