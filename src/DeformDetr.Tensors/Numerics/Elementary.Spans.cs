using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace DeformDetr.Tensors.Numerics;

public static partial class Elementary
{
    /// <summary>
    /// e^x for every element x: the bits of <see cref="Exp(double)"/> (rounded once for float), wherever the element stands.
    /// </summary>
    /// <typeparam name="T">float or double; other formats get the double result rounded once.</typeparam>
    /// <param name="x">The arguments.</param>
    /// <param name="y">Receives the values: at least as long as <paramref name="x"/>; the same memory, or memory that does not overlap
    /// it.</param>
    /// <exception cref="ArgumentException"><paramref name="y"/> is shorter than <paramref name="x"/>, or overlaps it at another
    /// start.</exception>
    public static void Exp<T>(ReadOnlySpan<T> x, Span<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Map<T, ExpFunction>(x, y);

    /// <summary>
    /// The natural logarithm of every element: the bits of <see cref="Log(double)"/> (rounded once for float), wherever the element stands.
    /// </summary>
    /// <typeparam name="T">float or double; other formats get the double result rounded once.</typeparam>
    /// <param name="x">The arguments.</param>
    /// <param name="y">Receives the values: at least as long as <paramref name="x"/>; the same memory, or memory that does not overlap
    /// it.</param>
    /// <exception cref="ArgumentException"><paramref name="y"/> is shorter than <paramref name="x"/>, or overlaps it at another
    /// start.</exception>
    public static void Log<T>(ReadOnlySpan<T> x, Span<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Map<T, LogFunction>(x, y);

    /// <summary>
    /// The error function of every element: the bits of <see cref="Erf(double)"/> (rounded once for float), wherever the element stands.
    /// </summary>
    /// <typeparam name="T">float or double; other formats get the double result rounded once.</typeparam>
    /// <param name="x">The arguments.</param>
    /// <param name="y">Receives the values: at least as long as <paramref name="x"/>; the same memory, or memory that does not overlap
    /// it.</param>
    /// <exception cref="ArgumentException"><paramref name="y"/> is shorter than <paramref name="x"/>, or overlaps it at another
    /// start.</exception>
    public static void Erf<T>(ReadOnlySpan<T> x, Span<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Map<T, ErfFunction>(x, y);

    /// <summary>
    /// 1 / (1 + e^-x) for every element x: the bits of <see cref="Sigmoid(double)"/> (rounded once for float), wherever the element stands.
    /// </summary>
    /// <typeparam name="T">float or double; other formats get the double result rounded once.</typeparam>
    /// <param name="x">The arguments.</param>
    /// <param name="y">Receives the values: at least as long as <paramref name="x"/>; the same memory, or memory that does not overlap
    /// it.</param>
    /// <exception cref="ArgumentException"><paramref name="y"/> is shorter than <paramref name="x"/>, or overlaps it at another
    /// start.</exception>
    public static void Sigmoid<T>(ReadOnlySpan<T> x, Span<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Map<T, SigmoidFunction>(x, y);

    /// <summary>
    /// The sine of every element: the bits of <see cref="Sin(double)"/> (rounded once for float), wherever the element stands.
    /// </summary>
    /// <typeparam name="T">float or double; other formats get the double result rounded once.</typeparam>
    /// <param name="x">The arguments.</param>
    /// <param name="y">Receives the values: at least as long as <paramref name="x"/>; the same memory, or memory that does not overlap
    /// it.</param>
    /// <exception cref="ArgumentException"><paramref name="y"/> is shorter than <paramref name="x"/>, or overlaps it at another
    /// start.</exception>
    public static void Sin<T>(ReadOnlySpan<T> x, Span<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Map<T, SinFunction>(x, y);

    /// <summary>
    /// The cosine of every element: the bits of <see cref="Cos(double)"/> (rounded once for float), wherever the element stands.
    /// </summary>
    /// <typeparam name="T">float or double; other formats get the double result rounded once.</typeparam>
    /// <param name="x">The arguments.</param>
    /// <param name="y">Receives the values: at least as long as <paramref name="x"/>; the same memory, or memory that does not overlap
    /// it.</param>
    /// <exception cref="ArgumentException"><paramref name="y"/> is shorter than <paramref name="x"/>, or overlaps it at another
    /// start.</exception>
    public static void Cos<T>(ReadOnlySpan<T> x, Span<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Map<T, CosFunction>(x, y);

    private static void Map<T, TFunction>(ReadOnlySpan<T> x, Span<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TFunction : IFunction
    {
        if (y.Length < x.Length)
        {
            throw new ArgumentException($"y holds {y.Length} elements, x {x.Length}: y must be at least as long.", nameof(y));
        }

        if (x.Overlaps(y, out int offset) && offset != 0)
        {
            throw new ArgumentException(
                "y overlaps x but starts elsewhere: elements would be overwritten before they are read.", nameof(y));
        }

        // The width changes the time only: every lane holds the scalar's bits. x86 without AVX2 has no fused multiply-add, where scalars
        // are faster.
        int done = 0;
        if (typeof(T) == typeof(float))
        {
            ReadOnlySpan<float> source = MemoryMarshal.Cast<T, float>(x);
            Span<float> destination = MemoryMarshal.Cast<T, float>(y);
            done = Vector512.IsHardwareAccelerated ? MapFloats<Lanes512, TFunction>(source, destination)
                : Vector256.IsHardwareAccelerated ? MapFloats<Lanes256, TFunction>(source, destination)
                : AdvSimd.Arm64.IsSupported ? MapFloats<Lanes128, TFunction>(source, destination) : 0;
        }
        else if (typeof(T) == typeof(double))
        {
            ReadOnlySpan<double> source = MemoryMarshal.Cast<T, double>(x);
            Span<double> destination = MemoryMarshal.Cast<T, double>(y);
            done = Vector512.IsHardwareAccelerated ? MapDoubles<Lanes512, TFunction>(source, destination)
                : Vector256.IsHardwareAccelerated ? MapDoubles<Lanes256, TFunction>(source, destination)
                : AdvSimd.Arm64.IsSupported ? MapDoubles<Lanes128, TFunction>(source, destination) : 0;
        }

        for (int i = done; i < x.Length; i++)
        {
            y[i] = Apply<T, TFunction>(x[i]);
        }
    }

    /// <summary>Whole vectors only; returns how many elements are done.</summary>
    private static int MapDoubles<V, TFunction>(ReadOnlySpan<double> x, Span<double> y)
        where V : struct, ILanes<V>
        where TFunction : IFunction
    {
        int i = 0;
        for (; i <= x.Length - V.Count; i += V.Count)
        {
            TFunction.OfLanes(V.Load(x[i..])).Store(y[i..]);
        }

        return i;
    }

    /// <summary>
    /// Pairs of whole vectors only, since a vector of floats widens to two of doubles; returns how many elements are done.
    /// </summary>
    private static int MapFloats<V, TFunction>(ReadOnlySpan<float> x, Span<float> y)
        where V : struct, ILanes<V>
        where TFunction : IFunction
    {
        int i = 0;
        for (; i <= x.Length - (2 * V.Count); i += 2 * V.Count)
        {
            V.LoadTwo(x[i..], out V argument, out V second);
            V first = default;

            // A loop of two rather than two calls: twice the inlined body would exceed the JIT's inlining budget, and every addition in it
            // become a call.
            for (int half = 0; half < 2; half++)
            {
                V value = TFunction.OfLanes(argument);
                if (half == 0)
                {
                    first = value;
                    argument = second;
                }
                else
                {
                    V.StoreTwo(first, value, y[i..]);
                }
            }
        }

        return i;
    }
}
