using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors.Simd;

namespace DeformDetr.Bench;

/// <summary>The most multiply-adds that the cores do when nothing else is asked of them.</summary>
internal static class PeakProbe
{
    private const int Chains = 12;
    private const int Steps = 1 << 13;

    /// <summary>Multiplications and additions per nanosecond, of so many threads together.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    public static double Gflops<T>(int threads, double seconds)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (threads == 1)
        {
            return Work<T>(Deadline(seconds));
        }

        // All begin together and end together, so that each thread's rate is a rate beside the others.
        double[] rates = new double[threads];
        using Barrier ready = new(threads);
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(index => new Thread(() =>
        {
            ready.SignalAndWait();
            rates[index] = Work<T>(Deadline(seconds));
        }))];
        foreach (Thread worker in workers)
        {
            worker.Start();
        }

        foreach (Thread worker in workers)
        {
            worker.Join();
        }

        return rates.Sum();
    }

    private static long Deadline(double seconds) => Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);

    private static double Work<T>(long deadline)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long start = Stopwatch.GetTimestamp();
        long blocks = 0;
        T sum = T.Zero;
        long now;
        do
        {
            sum += Block<T>();
            blocks++;
            now = Stopwatch.GetTimestamp();
        }
        while (now < deadline);

        GC.KeepAlive(sum);
        double operations = 2.0 * blocks * Steps * Chains * (Machine.VectorBits / 8 / Unsafe.SizeOf<T>());
        return operations / Stopwatch.GetElapsedTime(start, now).TotalNanoseconds;
    }

    private static T Block<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        Vector512.IsHardwareAccelerated ? Block<Lanes512<T>, Vector512<T>, T>()
        : Vector256.IsHardwareAccelerated ? Block<Lanes256<T>, Vector256<T>, T>()
        : Block<Lanes128<T>, Vector128<T>, T>();

    // Twelve chains in named locals: more than a core has multiply-adds under way (latency 4 by 2 a cycle), and they fit 16 registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T Block<TLanes, TVector, T>()
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TVector factor = TLanes.Broadcast(T.CreateTruncating(0.5));
        TVector addend = TLanes.Broadcast(T.One);
        TVector c0 = TLanes.Zero, c1 = TLanes.Zero, c2 = TLanes.Zero, c3 = TLanes.Zero, c4 = TLanes.Zero, c5 = TLanes.Zero;
        TVector c6 = TLanes.Zero, c7 = TLanes.Zero, c8 = TLanes.Zero, c9 = TLanes.Zero, cA = TLanes.Zero, cB = TLanes.Zero;
        for (int step = 0; step < Steps; step++)
        {
            c0 = TLanes.MultiplyAdd(c0, factor, addend);
            c1 = TLanes.MultiplyAdd(c1, factor, addend);
            c2 = TLanes.MultiplyAdd(c2, factor, addend);
            c3 = TLanes.MultiplyAdd(c3, factor, addend);
            c4 = TLanes.MultiplyAdd(c4, factor, addend);
            c5 = TLanes.MultiplyAdd(c5, factor, addend);
            c6 = TLanes.MultiplyAdd(c6, factor, addend);
            c7 = TLanes.MultiplyAdd(c7, factor, addend);
            c8 = TLanes.MultiplyAdd(c8, factor, addend);
            c9 = TLanes.MultiplyAdd(c9, factor, addend);
            cA = TLanes.MultiplyAdd(cA, factor, addend);
            cB = TLanes.MultiplyAdd(cB, factor, addend);
        }

        // Every chain is used, or the compiler would leave it out.
        TVector sum = TLanes.Add(
            TLanes.Add(TLanes.Add(c0, c1), TLanes.Add(c2, c3)),
            TLanes.Add(TLanes.Add(TLanes.Add(c4, c5), TLanes.Add(c6, c7)), TLanes.Add(TLanes.Add(c8, c9), TLanes.Add(cA, cB))));
        Span<T> lanes = stackalloc T[TLanes.Count];
        TLanes.Store(sum, ref lanes[0], 0);
        return lanes[0];
    }
}
