using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace DeformDetr.Tensors.Operators;

// One operand of a product, as something that can be packed: lane by k.
internal interface IPanels<T>
    where T : unmanaged
{
    // Packs lanes [lane, lane + lanes) and depths [k, k + depth) into panels of width lanes, one after another, each [k][width]. Lanes that
    // the last panel lacks become zero.
    void Pack(int lane, int lanes, int k, int depth, int width, Span<T> packed);
}

// Element (lane, k) stands at data[offset + lane * stride + k]: rows of tokens, rows of weights. Packing is a transposition.
internal readonly struct LaneMajorPanels<T>(T[] data, int offset, int stride) : IPanels<T>
    where T : unmanaged
{
    public void Pack(int lane, int lanes, int k, int depth, int width, Span<T> packed)
    {
        for (int done = 0; done < lanes; done += width)
        {
            int rows = Math.Min(width, lanes - done);
            Span<T> panel = packed.Slice(done * depth, width * depth);
            int start = offset + ((lane + done) * stride) + k;
            int row = 0;
            if (rows >= Transposition.Rows<T>() && depth >= Transposition.Rows<T>())
            {
                for (; row + Transposition.Rows<T>() <= rows; row += Transposition.Rows<T>())
                {
                    int from = start + (row * stride);
                    Transposition.Strip(data.AsSpan(from, ((Transposition.Rows<T>() - 1) * stride) + depth), stride, panel[row..], width, depth);
                }
            }

            for (; row < rows; row++)
            {
                ReadOnlySpan<T> source = data.AsSpan(start + (row * stride), depth);
                for (int step = 0, at = row; step < source.Length; step++, at += width)
                {
                    panel[at] = source[step];
                }
            }

            for (; row < width; row++)
            {
                for (int step = 0, at = row; step < depth; step++, at += width)
                {
                    panel[at] = default;
                }
            }
        }
    }
}

// Element (lane, k) stands at data[offset + k * stride + lane]: a right-hand matrix, the maps of a 1x1 convolution. A row of several panels
// is read at a stretch.
internal readonly struct DepthMajorPanels<T>(T[] data, int offset, int stride) : IPanels<T>
    where T : unmanaged
{
    public void Pack(int lane, int lanes, int k, int depth, int width, Span<T> packed)
    {
        int whole = lanes / width;
        for (int step = 0; step < depth; step++)
        {
            ReadOnlySpan<T> source = data.AsSpan(offset + ((k + step) * stride) + lane, lanes);
            Span<T> target = packed[(step * width)..];
            for (int panel = 0; panel < whole; panel++)
            {
                Stretch.Copy(source.Slice(panel * width, width), target.Slice(panel * width * depth, width));
            }

            if (whole * width < lanes)
            {
                Span<T> last = target.Slice(whole * width * depth, width);
                source[(whole * width)..].CopyTo(last);
                last[(lanes - (whole * width))..].Clear();
            }
        }
    }
}

// Rows that lie apart, written side by side: square blocks turned in registers. Elements only move.
internal static class Transposition
{
    // How many rows a strip has: as many as a 128-bit vector has elements.
    public static int Rows<T>()
        where T : unmanaged => Vector128<byte>.Count / Unsafe.SizeOf<T>();

    // packed[k * width + row] = rows[row * stride + k] for all rows of a strip and k < depth.
    public static void Strip<T>(ReadOnlySpan<T> rows, int stride, Span<T> packed, int width, int depth)
        where T : unmanaged
    {
        int k = 0;
        if (typeof(T) == typeof(float) && (Sse.IsSupported || AdvSimd.Arm64.IsSupported))
        {
            // The spans are asked for their last elements; then the registers go without.
            _ = rows[(3 * stride) + depth - 1];
            _ = packed[((depth - 1) * width) + 3];
            ref float source = ref Unsafe.As<T, float>(ref Unsafe.AsRef(in rows[0]));
            ref float target = ref Unsafe.As<T, float>(ref packed[0]);
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

// Copies of one panel's width, too short for the call that Span.CopyTo makes.
internal static class Stretch
{
    // source and target are of equal length.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy<T>(ReadOnlySpan<T> source, Span<T> target)
        where T : unmanaged
    {
        int bytes = source.Length * Unsafe.SizeOf<T>();
        if (Vector512.IsHardwareAccelerated && bytes == 2 * Vector512<byte>.Count)
        {
            Vector512<T> first = Vector512.LoadUnsafe(in source[0]);
            Vector512<T> second = Vector512.LoadUnsafe(in source[0], (nuint)Vector512<T>.Count);
            first.StoreUnsafe(ref target[0]);
            second.StoreUnsafe(ref target[0], (nuint)Vector512<T>.Count);
        }
        else if (Vector256.IsHardwareAccelerated && bytes == 2 * Vector256<byte>.Count)
        {
            Vector256<T> first = Vector256.LoadUnsafe(in source[0]);
            Vector256<T> second = Vector256.LoadUnsafe(in source[0], (nuint)Vector256<T>.Count);
            first.StoreUnsafe(ref target[0]);
            second.StoreUnsafe(ref target[0], (nuint)Vector256<T>.Count);
        }
        else
        {
            source.CopyTo(target);
        }
    }
}
