using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors.Simd;

namespace DeformDetr.Tensors.Numerics;

/// <summary>
/// Sums along a row in one written order, whatever the vector width: element j is added to accumulator j mod 16 (in double, j ascending),
/// and the sixteen are added as a tree: i + (i + 8), then + 4, + 2, + 1.
/// </summary>
public static class RowSum
{
    private const int Accumulators = 16;

    /// <summary>Σ x[j].</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="x">The row.</param>
    public static double Of<T>(ReadOnlySpan<T> x)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Run(x, x, new Plain());

    /// <summary>Σ (x[j] - centre)².</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="x">The row.</param>
    /// <param name="centre">Subtracted first, in double.</param>
    public static double OfSquares<T>(ReadOnlySpan<T> x, double centre)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Run(x, x, new Squares(centre));

    /// <summary>Σ x[j] · y[j].</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="x">One row.</param>
    /// <param name="y">The other; as long.</param>
    public static double OfProducts<T>(ReadOnlySpan<T> x, ReadOnlySpan<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.That(y.Length == x.Length, nameof(RowSum), nameof(y), $"holds {y.Length} elements; expected as many as x = {x.Length}.");
        return Run(x, y, new Products());
    }

    internal static double Run<T, TTerm>(ReadOnlySpan<T> x, ReadOnlySpan<T> y, TTerm term)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TTerm : struct, ITerm =>
        Vector512.IsHardwareAccelerated ? Run<DoubleLanes512, Vector512<double>, T, TTerm>(x, y, term)
        : Vector256.IsHardwareAccelerated ? Run<DoubleLanes256, Vector256<double>, T, TTerm>(x, y, term)
        : Run<DoubleLanes128, Vector128<double>, T, TTerm>(x, y, term);

    internal static double Run<TLanes, TVector, T, TTerm>(ReadOnlySpan<T> x, ReadOnlySpan<T> y, TTerm term)
        where TLanes : struct, IDoubleLanes<TVector>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TTerm : struct, ITerm
    {
        // Two chains of additions at a time: they don't wait for each other.
        Span<double> sums = stackalloc double[Accumulators];
        int whole = x.Length / Accumulators * Accumulators;
        _ = y[..x.Length];
        ref readonly T px = ref MemoryMarshal.GetReference(x);
        ref readonly T py = ref MemoryMarshal.GetReference(y);
        for (int lane = 0; lane < Accumulators; lane += 2 * TLanes.Count)
        {
            TVector sum = TLanes.Zero;
            TVector other = TLanes.Zero;
            for (int j = lane; j < whole; j += Accumulators)
            {
                nuint next = (nuint)(j + TLanes.Count);
                sum = term.Add<TLanes, TVector>(
                    Lanes.Load<TLanes, TVector, T>(in px, (nuint)j), Lanes.Load<TLanes, TVector, T>(in py, (nuint)j), sum);
                other = term.Add<TLanes, TVector>(
                    Lanes.Load<TLanes, TVector, T>(in px, next), Lanes.Load<TLanes, TVector, T>(in py, next), other);
            }

            TLanes.Store(sum, ref sums[0], (nuint)lane);
            TLanes.Store(other, ref sums[0], (nuint)(lane + TLanes.Count));
        }

        for (int j = whole; j < x.Length; j++)
        {
            sums[j - whole] = term.Add(Rounding.Widen(x[j]), Rounding.Widen(y[j]), sums[j - whole]);
        }

        return Tree(sums);
    }

    // i + (i + 8), then + 4, + 2, + 1, two of them in a vector.
    private static double Tree(ReadOnlySpan<double> sums)
    {
        _ = sums[Accumulators - 1];
        ref readonly double first = ref sums[0];
        Vector128<double> sum0 = Vector128.LoadUnsafe(in first, 0) + Vector128.LoadUnsafe(in first, 8);
        Vector128<double> sum2 = Vector128.LoadUnsafe(in first, 2) + Vector128.LoadUnsafe(in first, 10);
        Vector128<double> sum4 = Vector128.LoadUnsafe(in first, 4) + Vector128.LoadUnsafe(in first, 12);
        Vector128<double> sum6 = Vector128.LoadUnsafe(in first, 6) + Vector128.LoadUnsafe(in first, 14);
        Vector128<double> sum = sum0 + sum4 + (sum2 + sum6);
        return sum[0] + sum[1];
    }

    // sum + f(x, y), the same for a vector and for one element.
    internal interface ITerm
    {
        TVector Add<TLanes, TVector>(TVector x, TVector y, TVector sum)
            where TLanes : struct, IDoubleLanes<TVector>
            where TVector : struct;

        double Add(double x, double y, double sum);
    }

    internal readonly struct Plain : ITerm
    {
        public TVector Add<TLanes, TVector>(TVector x, TVector y, TVector sum)
            where TLanes : struct, IDoubleLanes<TVector>
            where TVector : struct => TLanes.Add(sum, x);

        public double Add(double x, double y, double sum) => sum + x;
    }

    internal readonly struct Squares(double centre) : ITerm
    {
        public TVector Add<TLanes, TVector>(TVector x, TVector y, TVector sum)
            where TLanes : struct, IDoubleLanes<TVector>
            where TVector : struct
        {
            TVector deviation = TLanes.Subtract(x, TLanes.Broadcast(centre));
            return TLanes.MultiplyAdd(deviation, deviation, sum);
        }

        public double Add(double x, double y, double sum) => Math.FusedMultiplyAdd(x - centre, x - centre, sum);
    }

    internal readonly struct Products : ITerm
    {
        public TVector Add<TLanes, TVector>(TVector x, TVector y, TVector sum)
            where TLanes : struct, IDoubleLanes<TVector>
            where TVector : struct => TLanes.MultiplyAdd(x, y, sum);

        public double Add(double x, double y, double sum) => Math.FusedMultiplyAdd(x, y, sum);
    }
}
