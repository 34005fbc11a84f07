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
                for (; k + 8 <= depth; k += 8)
                {
                    Vector256<float> row0 = Vector256.LoadUnsafe(ref source, (nuint)k);
                    Vector256<float> row1 = Vector256.LoadUnsafe(ref source, (nuint)(stride + k));
                    Vector256<float> row2 = Vector256.LoadUnsafe(ref source, (nuint)((2 * stride) + k));
                    Vector256<float> row3 = Vector256.LoadUnsafe(ref source, (nuint)((3 * stride) + k));
                    Vector256<double> low01 = Avx.UnpackLow(row0, row1).AsDouble();
                    Vector256<double> high01 = Avx.UnpackHigh(row0, row1).AsDouble();
                    Vector256<double> low23 = Avx.UnpackLow(row2, row3).AsDouble();
                    Vector256<double> high23 = Avx.UnpackHigh(row2, row3).AsDouble();
                    Both(Avx.UnpackLow(low01, low23).AsSingle(), ref target, k * width, 4 * width);
                    Both(Avx.UnpackHigh(low01, low23).AsSingle(), ref target, (k + 1) * width, 4 * width);
                    Both(Avx.UnpackLow(high01, high23).AsSingle(), ref target, (k + 2) * width, 4 * width);
                    Both(Avx.UnpackHigh(high01, high23).AsSingle(), ref target, (k + 3) * width, 4 * width);
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Both(Vector256<float> halves, ref float target, int at, int step)
    {
        halves.GetLower().StoreUnsafe(ref target, (nuint)at);
        halves.GetUpper().StoreUnsafe(ref target, (nuint)(at + step));
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
