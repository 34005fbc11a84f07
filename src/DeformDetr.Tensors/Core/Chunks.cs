namespace DeformDetr.Tensors;

/// <summary>
/// What several threads share out among themselves, [0, count), as one of them sees it. A thread begins with a part of its own, chunk by
/// chunk, ascending; when that is taken it takes from the ends of the others' parts. Sweeps over the same rows so find most of them in the
/// caches of the thread that wrote them: two cores need not have a cache in common.
/// </summary>
public sealed class Chunks
{
    // Words from one thread's part to the next, so that no two are in one cache line; some machines move lines by twos.
    private const int Apart = 2 * CacheLines.Bytes / sizeof(long);

    // What nobody has taken yet of each thread's part, [first, last) in one word, since owners take from its start and others from its end.
    private readonly long[] _parts;
    private readonly int _most;
    private readonly int _thread;

    private Chunks(long[] parts, int most, int thread)
    {
        _parts = parts;
        _most = most;
        _thread = thread;
    }

    // Alone, or while this thread's part has two whole chunks.
    internal bool Many => Threads == 1 || Size(Left(_thread)) >= 2L * _most;

    private int Threads => _parts.Length / Apart;

    /// <summary>Takes the next chunk, [first, last).</summary>
    /// <param name="first">Its first item.</param>
    /// <param name="last">The item behind its last.</param>
    /// <returns>False when none is left.</returns>
    public bool Take(out int first, out int last)
    {
        while (Next(out int part, out long left))
        {
            (int start, int end) = Items(left);
            bool own = part == _thread;

            // Alone there is nobody to end together with.
            int size = Math.Min(_most, Threads == 1 ? end - start : (end - start + 1) / 2);
            (first, last) = own ? (start, start + size) : (end - size, end);
            if (Interlocked.CompareExchange(ref _parts[part * Apart], own ? Word(last, end) : Word(start, first), left) == left)
            {
                return true;
            }
        }

        (first, last) = (0, 0);
        return false;
    }

    // What each of so many threads sees of [0, count).
    internal static Chunks[] All(int count, int most, int threads)
    {
        long[] parts = new long[threads * Apart];
        for (int thread = 0; thread < threads; thread++)
        {
            parts[thread * Apart] = Word((int)((long)count * thread / threads), (int)((long)count * (thread + 1) / threads));
        }

        return [.. Enumerable.Range(0, threads).Select(thread => new Chunks(parts, Math.Max(1, most), thread))];
    }

    // The part to take from, its own first, then the one of which most is left, and what is left of it; false when nothing is in any.
    private bool Next(out int part, out long left)
    {
        (part, left) = (_thread, Left(_thread));
        if (Size(left) > 0)
        {
            return true;
        }

        for (int other = 0; other < Threads; other++)
        {
            long its = Left(other);
            if (Size(its) > Size(left))
            {
                (part, left) = (other, its);
            }
        }

        return Size(left) > 0;
    }

    private long Left(int part) => Volatile.Read(ref _parts[part * Apart]);

    private static int Size(long left) => (int)(left >> 32) - (int)left;

    private static (int First, int Last) Items(long left) => ((int)left, (int)(left >> 32));

    private static long Word(int first, int last) => ((long)last << 32) | (uint)first;
}
