using System.Diagnostics;
using System.Numerics;

namespace DeformDetr.Bench;

/// <summary>What one piece of work took on so many threads, and what the machine could do around it.</summary>
/// <param name="Threads">How many threads.</param>
/// <param name="Seconds">One entry per round.</param>
/// <param name="Shares">Per round: the rate of the work over the peak measured right before and after it; NaN without operations.</param>
/// <param name="Peaks">Per round: that peak, GFLOP/s.</param>
/// <param name="Operations">Multiplications and additions of the work.</param>
internal sealed record Timing(int Threads, double[] Seconds, double[] Shares, double[] Peaks, double Operations)
{
    public double Median => Statistics.Median(Seconds);

    public double Least => Seconds.Min();

    public double Gflops => Operations / Median / 1e9;

    public double Share => Statistics.Median(Shares);

    public double Peak => Statistics.Median(Peaks);
}

internal static class Statistics
{
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}

/// <summary>Times work in turns, so that what disturbs the machine disturbs all of it alike.</summary>
internal static class Interleaved
{
    private const double ShortProbe = 0.03;
    private const double LeastSeconds = 0.04;

    /// <summary>In each round and for each number of threads: the peak, the work, the peak again.</summary>
    /// <typeparam name="T">The element type whose peak counts.</typeparam>
    /// <param name="threads">Numbers of threads.</param>
    /// <param name="rounds">How many rounds.</param>
    /// <param name="operations">Multiplications and additions of the work.</param>
    /// <param name="work">Makes the work for a number of threads.</param>
    /// <param name="probe">Seconds that the peak is measured for, on each side of the work.</param>
    public static Timing[] Measure<T>(
        IReadOnlyList<int> threads, int rounds, double operations, Func<int, Action> work, double probe = ShortProbe)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Action[] bodies = [.. threads.Select(work)];
        int[] repeats = [.. bodies.Select(Repeats)];
        Timing[] timings =
            [.. threads.Select(count => new Timing(count, new double[rounds], new double[rounds], new double[rounds], operations))];
        for (int round = 0; round < rounds; round++)
        {
            for (int index = 0; index < bodies.Length; index++)
            {
                double before = PeakProbe.Gflops<T>(threads[index], probe);
                double seconds = Time(bodies[index], repeats[index]);
                double after = PeakProbe.Gflops<T>(threads[index], probe);
                timings[index].Seconds[round] = seconds;
                timings[index].Peaks[round] = (before + after) / 2;
                timings[index].Shares[round] = operations / seconds / 1e9 / timings[index].Peaks[round];
            }
        }

        return timings;
    }

    /// <summary>The share of the peak on more threads over that on one, round by round.</summary>
    public static double Scaling(Timing one, Timing more) =>
        Statistics.Median(one.Shares.Zip(more.Shares, (first, second) => second / first));

    /// <summary>Seconds of one call, of so many in a row.</summary>
    public static double Time(Action body, int repeats)
    {
        long start = Stopwatch.GetTimestamp();
        for (int repeat = 0; repeat < repeats; repeat++)
        {
            body();
        }

        return Stopwatch.GetElapsedTime(start).TotalSeconds / repeats;
    }

    /// <summary>How many calls take long enough to be timed; the first call warms up.</summary>
    public static int Repeats(Action body)
    {
        body();
        double seconds = Time(body, 1);
        return (int)Math.Clamp(Math.Ceiling(LeastSeconds / seconds), 1, 10_000);
    }
}
