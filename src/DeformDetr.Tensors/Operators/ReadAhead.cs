using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DeformDetr.Tensors.Operators;

// Count stretches of an array, Length elements each, Stride elements from one to the next.
internal readonly record struct Footprint<T>(T[] Data, int Start, int Length, int Stride, int Count);

// An operand that can say where it lies.
internal interface IReads<T>
    where T : unmanaged
{
    // What lanes [lane, lane + lanes) with depths [k, k + depth) are made of; more may lie between. At least one lane and one depth.
    Footprint<T> Reads(int lane, int lanes, int k, int depth);
}

// Asks for what the next block of an operand will be packed from while the tiles of this one are multiplied, a cache line every few
// steps of a tile: packing then reads from the second cache, and what memory takes passes behind the multiply-adds. The prefetchers of the
// processor don't do it: stretches are short, and a block begins where the last one didn't end.
internal ref struct ReadAhead<T>
    where T : unmanaged
{
    // More seldom gains nothing; all at once, before a tile, makes its own loads wait (docs/performance.md).
    private const int MostSteps = 32;
    private const int LeastSteps = 2;

    private readonly ref T _data;
    private readonly int _lines;
    private readonly int _gap;
    private int _at;
    private int _linesLeft;
    private int _stretchesLeft;
    private int _every;

    // steps: of all tiles together that are multiplied meanwhile.
    public ReadAhead(Footprint<T> next, long steps)
    {
        _data = ref MemoryMarshal.GetArrayDataReference(next.Data);
        _lines = ((next.Length * Unsafe.SizeOf<T>()) + CacheLines.Bytes - 1) / CacheLines.Bytes;
        _gap = next.Stride - (_lines * Line);
        _at = next.Start;
        _linesLeft = _lines;
        _stretchesLeft = next.Count;
        long lines = (long)_lines * next.Count;
        _every = lines == 0 ? 0 : (int)Math.Clamp(steps / lines, LeastSteps, MostSteps);
    }

    // The element whose line is asked for next; none is left when it is negative.
    public readonly int At => _every > 0 ? _at : -1;

    private static int Line => CacheLines.Bytes / Unsafe.SizeOf<T>();

    // Asks for a line at step k of a tile of so many; up to which step the tile may go before it comes again.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Ask(int k, int steps)
    {
        if (_every == 0)
        {
            return steps;
        }

        CacheHint.Soon(in Unsafe.Add(ref _data, _at));
        _at += Line;
        if (--_linesLeft == 0)
        {
            _linesLeft = _lines;
            _at += _gap;
            if (--_stretchesLeft == 0)
            {
                _every = 0;
                return steps;
            }
        }

        return Math.Min(k + _every, steps);
    }
}
