using System.Diagnostics;
using System.Runtime.InteropServices;

namespace DeformDetr.Bench;

/// <summary>How far apart two cores are: what it takes until one reads what the other wrote.</summary>
internal static class LineProbe
{
    // So many that it doesn't count when the other thread wakes.
    private const int Turns = 100_000;

    /// <summary>Nanoseconds from one core to another, the mean of many turns of two threads.</summary>
    public static double Nanoseconds()
    {
        Line line = default;
        using Barrier ready = new(2);
        Thread other = new(() =>
        {
            ready.SignalAndWait();
            Answer(ref line, 1);
        });
        other.Start();
        ready.SignalAndWait();
        long start = Stopwatch.GetTimestamp();
        Answer(ref line, 0);
        other.Join();
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / (2 * Turns);
    }

    // Waits for each number of its parity and writes the next.
    private static void Answer(ref Line line, int first)
    {
        for (int turn = first; turn < 2 * Turns; turn += 2)
        {
            while (Volatile.Read(ref line.Turn) != turn)
            {
            }

            Volatile.Write(ref line.Turn, turn + 1);
        }
    }

    // Nothing else is in its cache lines.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Line
    {
        [FieldOffset(128)]
        public int Turn;
    }
}
