using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DeformDetr.Tensors.Operators;

// One operand of a product, as something that can be packed: lane by k.
internal interface IPanels<T> : IReads<T>
    where T : unmanaged
{
    // Packs lanes [lane, lane + lanes) and depths [k, k + depth) into panels of width lanes, one after another, each [k][width]. Lanes that
    // the last panel lacks become zero.
    void Pack(int lane, int lanes, int k, int depth, int width, Span<T> packed);
}

// Element (lane, k) stands at lane * stride + k: rows of tokens, rows of weights. Packing is a transposition.
internal readonly struct LaneMajorPanels<T>(Place<T> data, int stride) : IPanels<T>
    where T : unmanaged
{
    public Footprint<T> Reads(int lane, int lanes, int k, int depth) => new(data.Array, data.Start + (lane * stride) + k, depth, stride, lanes);

    public void Pack(int lane, int lanes, int k, int depth, int width, Span<T> packed)
    {
        for (int done = 0; done < lanes && depth > 0; done += width)
        {
            int rows = Math.Min(width, lanes - done);
            Span<T> panel = packed.Slice(done * depth, width * depth);
            int start = ((lane + done) * stride) + k;
            int row = 0;
            int strip = Transposition.Rows<T>();
            for (; row + (2 * strip) <= rows; row += 2 * strip)
            {
                int from = start + (row * stride);
                Transposition.TwoStrips(data.Span(from, (((2 * strip) - 1) * stride) + depth), stride, panel[row..], width, depth);
            }

            for (; row + strip <= rows; row += strip)
            {
                int from = start + (row * stride);
                Transposition.Strip(data.Span(from, ((strip - 1) * stride) + depth), stride, panel[row..], width, depth);
            }

            for (; row < rows; row++)
            {
                ReadOnlySpan<T> source = data.Span(start + (row * stride), depth);
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

// Element (lane, k) stands at k * stride + lane: a right-hand matrix, the maps of a 1x1 convolution. A row of several panels
// is read at a stretch.
internal readonly struct DepthMajorPanels<T>(Place<T> data, int stride) : IPanels<T>
    where T : unmanaged
{
    public Footprint<T> Reads(int lane, int lanes, int k, int depth) => new(data.Array, data.Start + (k * stride) + lane, lanes, stride, depth);

    public void Pack(int lane, int lanes, int k, int depth, int width, Span<T> packed)
    {
        for (int step = 0; step < depth; step++)
        {
            Stretch.Spread(data.Span(((k + step) * stride) + lane, lanes), packed[(step * width)..], width, depth);
        }
    }
}

// One k of many lanes, which lies in a row, over the panels that hold it.
internal static class Stretch
{
    // Where a lane's element stands, from the first lane's of the same k.
    public static int Place(int lane, int width, int depth) => (lane / width * width * depth) + (lane % width);

    // Lanes that the last panel lacks become zero.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Spread<T>(ReadOnlySpan<T> lanes, Span<T> target, int width, int depth)
        where T : unmanaged
    {
        int whole = lanes.Length / width;
        if (whole > 0)
        {
            // The panels lie inside: the last element that is written is asked for once.
            _ = target[((whole - 1) * width * depth) + width - 1];
            ref T from = ref MemoryMarshal.GetReference(lanes);
            ref T to = ref MemoryMarshal.GetReference(target);
            switch (width * Unsafe.SizeOf<T>())
            {
                case 128:
                    Spread<T, (Vector512<byte>, Vector512<byte>)>(ref from, ref to, whole, width * depth);
                    break;
                case 64:
                    Spread<T, (Vector256<byte>, Vector256<byte>)>(ref from, ref to, whole, width * depth);
                    break;
                default:
                    for (int panel = 0; panel < whole; panel++)
                    {
                        lanes.Slice(panel * width, width).CopyTo(target[(panel * width * depth)..]);
                    }

                    break;
            }
        }

        if (whole * width < lanes.Length)
        {
            Span<T> last = target.Slice(whole * width * depth, width);
            lanes[(whole * width)..].CopyTo(last);
            last[(lanes.Length - (whole * width))..].Clear();
        }
    }

    // TBlock: what a panel has of one k, moved by as few instructions as there are vectors in it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Spread<T, TBlock>(ref T from, ref T to, int panels, nint step)
        where T : unmanaged
        where TBlock : struct
    {
        for (int panel = 0; panel < panels; panel++)
        {
            Unsafe.WriteUnaligned(ref Unsafe.As<T, byte>(ref to), Unsafe.ReadUnaligned<TBlock>(ref Unsafe.As<T, byte>(ref from)));
            from = ref Unsafe.Add(ref from, Unsafe.SizeOf<TBlock>() / Unsafe.SizeOf<T>());
            to = ref Unsafe.Add(ref to, step);
        }
    }
}
