using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace DeformDetr.Tensors.Operators;

/// <summary>Rows that lie apart, written side by side: square blocks turned in registers. Elements only move.</summary>
public static class Transposition
{
    /// <summary>How many rows a strip has: as many as a 128-bit vector has elements.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    public static int Rows<T>()
        where T : unmanaged => Vector128<byte>.Count / Unsafe.SizeOf<T>();

    /// <summary>packed[k · width + row] = rows[row · stride + k] for all rows of a strip and k below depth.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="rows">Starts with the first row.</param>
    /// <param name="stride">Elements from one row to the next.</param>
    /// <param name="packed">Where the first element goes.</param>
    /// <param name="width">Elements from one k to the next.</param>
    /// <param name="depth">How long a row is.</param>
    public static void Strip<T>(ReadOnlySpan<T> rows, int stride, Span<T> packed, int width, int depth)
        where T : unmanaged
    {
        if (depth == 0)
        {
            return;
        }

        int k = 0;
        if (typeof(T) == typeof(float) && (Sse.IsSupported || AdvSimd.Arm64.IsSupported))
        {
            // The spans are asked for their last elements; then the registers go without.
            _ = rows[(3 * stride) + depth - 1];
            _ = packed[((depth - 1) * width) + 3];
            ref float source = ref Unsafe.As<T, float>(ref Unsafe.AsRef(in rows[0]));
            ref float target = ref Unsafe.As<T, float>(ref packed[0]);
            if (Avx.IsSupported)
            {
                // Two blocks side by side: the lower halves hold k to k + 3, the upper ones k + 4 to k + 7.
                ref float from = ref source;
                ref float to = ref target;
                nuint next = (nuint)stride;
                nuint column = (nuint)width;
                for (; k + 8 <= depth; k += 8)
                {
                    Vector256<float> row0 = Vector256.LoadUnsafe(ref from);
                    Vector256<float> row1 = Vector256.LoadUnsafe(ref from, next);
                    Vector256<float> row2 = Vector256.LoadUnsafe(ref from, 2 * next);
                    Vector256<float> row3 = Vector256.LoadUnsafe(ref from, 3 * next);
                    from = ref Unsafe.Add(ref from, 8);
                    Vector256<double> low01 = Avx.UnpackLow(row0, row1).AsDouble();
                    Vector256<double> high01 = Avx.UnpackHigh(row0, row1).AsDouble();
                    Vector256<double> low23 = Avx.UnpackLow(row2, row3).AsDouble();
                    Vector256<double> high23 = Avx.UnpackHigh(row2, row3).AsDouble();
                    Vector256<float> columns0 = Avx.UnpackLow(low01, low23).AsSingle();
                    Vector256<float> columns1 = Avx.UnpackHigh(low01, low23).AsSingle();
                    Vector256<float> columns2 = Avx.UnpackLow(high01, high23).AsSingle();
                    Vector256<float> columns3 = Avx.UnpackHigh(high01, high23).AsSingle();
                    columns0.GetLower().StoreUnsafe(ref to);
                    columns1.GetLower().StoreUnsafe(ref to, column);
                    columns2.GetLower().StoreUnsafe(ref to, 2 * column);
                    columns3.GetLower().StoreUnsafe(ref to, 3 * column);
                    to = ref Unsafe.Add(ref to, 4 * column);
                    columns0.GetUpper().StoreUnsafe(ref to);
                    columns1.GetUpper().StoreUnsafe(ref to, column);
                    columns2.GetUpper().StoreUnsafe(ref to, 2 * column);
                    columns3.GetUpper().StoreUnsafe(ref to, 3 * column);
                    to = ref Unsafe.Add(ref to, 4 * column);
                }
            }

            for (; k + 4 <= depth; k += 4)
            {
                Vector128<float> row0 = Vector128.LoadUnsafe(ref source, (nuint)k);
                Vector128<float> row1 = Vector128.LoadUnsafe(ref source, (nuint)(stride + k));
                Vector128<float> row2 = Vector128.LoadUnsafe(ref source, (nuint)((2 * stride) + k));
                Vector128<float> row3 = Vector128.LoadUnsafe(ref source, (nuint)((3 * stride) + k));
                Vector128<double> low01 = Low(row0, row1).AsDouble();
                Vector128<double> high01 = High(row0, row1).AsDouble();
                Vector128<double> low23 = Low(row2, row3).AsDouble();
                Vector128<double> high23 = High(row2, row3).AsDouble();
                Low(low01, low23).AsSingle().StoreUnsafe(ref target, (nuint)(k * width));
                High(low01, low23).AsSingle().StoreUnsafe(ref target, (nuint)((k + 1) * width));
                Low(high01, high23).AsSingle().StoreUnsafe(ref target, (nuint)((k + 2) * width));
                High(high01, high23).AsSingle().StoreUnsafe(ref target, (nuint)((k + 3) * width));
            }
        }
        else if (typeof(T) == typeof(double) && (Sse2.IsSupported || AdvSimd.Arm64.IsSupported))
        {
            _ = rows[stride + depth - 1];
            _ = packed[((depth - 1) * width) + 1];
            ref double source = ref Unsafe.As<T, double>(ref Unsafe.AsRef(in rows[0]));
            ref double target = ref Unsafe.As<T, double>(ref packed[0]);
            for (; k + 2 <= depth; k += 2)
            {
                Vector128<double> row0 = Vector128.LoadUnsafe(ref source, (nuint)k);
                Vector128<double> row1 = Vector128.LoadUnsafe(ref source, (nuint)(stride + k));
                Low(row0, row1).StoreUnsafe(ref target, (nuint)(k * width));
                High(row0, row1).StoreUnsafe(ref target, (nuint)((k + 1) * width));
            }
        }

        for (; k < depth; k++)
        {
            for (int row = 0; row < Rows<T>(); row++)
            {
                packed[(k * width) + row] = rows[(row * stride) + k];
            }
        }
    }

    /// <summary>Two strips, one below the other: the same as <see cref="Strip"/> of each.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="rows">Starts with the first row.</param>
    /// <param name="stride">Elements from one row to the next.</param>
    /// <param name="packed">Where the first element goes.</param>
    /// <param name="width">Elements from one k to the next.</param>
    /// <param name="depth">How long a row is.</param>
    public static void TwoStrips<T>(ReadOnlySpan<T> rows, int stride, Span<T> packed, int width, int depth)
        where T : unmanaged
    {
        int k = 0;
        if (typeof(T) == typeof(float) && Avx.IsSupported && depth >= 4)
        {
            // The lower halves hold rows 0 to 3, the upper ones 4 to 7, so that a column is one vector.
            _ = rows[(7 * stride) + depth - 1];
            _ = packed[((depth - 1) * width) + 7];
            ref float from = ref Unsafe.As<T, float>(ref Unsafe.AsRef(in rows[0]));
            ref float to = ref Unsafe.As<T, float>(ref packed[0]);
            nuint next = (nuint)stride;
            nuint column = (nuint)width;
            for (; k + 4 <= depth; k += 4)
            {
                ref float below = ref Unsafe.Add(ref from, 4 * next);
                Vector256<float> row04 = Vector256.Create(Vector128.LoadUnsafe(ref from), Vector128.LoadUnsafe(ref below));
                Vector256<float> row15 = Vector256.Create(Vector128.LoadUnsafe(ref from, next), Vector128.LoadUnsafe(ref below, next));
                Vector256<float> row26 = Vector256.Create(Vector128.LoadUnsafe(ref from, 2 * next), Vector128.LoadUnsafe(ref below, 2 * next));
                Vector256<float> row37 = Vector256.Create(Vector128.LoadUnsafe(ref from, 3 * next), Vector128.LoadUnsafe(ref below, 3 * next));
                from = ref Unsafe.Add(ref from, 4);
                Vector256<double> low01 = Avx.UnpackLow(row04, row15).AsDouble();
                Vector256<double> high01 = Avx.UnpackHigh(row04, row15).AsDouble();
                Vector256<double> low23 = Avx.UnpackLow(row26, row37).AsDouble();
                Vector256<double> high23 = Avx.UnpackHigh(row26, row37).AsDouble();
                Avx.UnpackLow(low01, low23).AsSingle().StoreUnsafe(ref to);
                Avx.UnpackHigh(low01, low23).AsSingle().StoreUnsafe(ref to, column);
                Avx.UnpackLow(high01, high23).AsSingle().StoreUnsafe(ref to, 2 * column);
                Avx.UnpackHigh(high01, high23).AsSingle().StoreUnsafe(ref to, 3 * column);
                to = ref Unsafe.Add(ref to, 4 * column);
            }
        }

        if (k < depth)
        {
            int count = Rows<T>();
            Strip(rows[k..], stride, packed[(k * width)..], width, depth - k);
            Strip(rows[((count * stride) + k)..], stride, packed[((k * width) + count)..], width, depth - k);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Low(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> High(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> Low(Vector128<double> a, Vector128<double> b) =>
        Sse2.IsSupported ? Sse2.UnpackLow(a, b) : AdvSimd.Arm64.ZipLow(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> High(Vector128<double> a, Vector128<double> b) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(a, b) : AdvSimd.Arm64.ZipHigh(a, b);
}
