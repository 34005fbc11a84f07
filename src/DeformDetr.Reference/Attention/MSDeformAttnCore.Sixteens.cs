using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DeformDetr.Reference;

public static partial class MSDeformAttnCore
{
    // What Geometry does, for sixteen samples of float at once and without branches; the steps, and so the bits, are the same. Lane 4j + i
    // holds sample 4i + j. Then the weights of the four corners, turned inside each quarter of a vector, lie as the list wants them:
    //
    //      top left       w0 w4 w8 w12 | w1 w5 w9 w13 | ..            i = 0    sample 0: tl tr bl br | sample 1: tl tr bl br | ..
    //      top right      w0 w4 w8 w12 | w1 w5 w9 w13 | ..   turned   i = 1    sample 4: tl tr bl br | sample 5: tl tr bl br | ..
    //      bottom left    ..                                  --->    ..
    //      bottom right   ..                                          i = 3    sample 12: ..
    //
    // and so do columns, rows and offsets when element i of each quarter is spread over it. Corners outside the map are dropped as a vector
    // is stored.
    private sealed class Sixteens
    {
        private const int Count = 16;
        private const int Corners = 4;

        private readonly double _stride;

        // In the order of lanes.
        private readonly double[] _widths;
        private readonly double[] _heights;
        private readonly double[] _rowStrides;
        private readonly double[] _starts;

        // In the order of the list, one for each corner.
        private readonly int[] _columns;
        private readonly int[] _rows;
        private readonly int[] _steps;

        // stride: from a token of a head to the next one.
        private Sixteens(Level[] levels, int points, int stride)
        {
            int lanes = Lanes(levels.Length * points);
            _stride = stride;
            _widths = new double[lanes];
            _heights = new double[lanes];
            _rowStrides = new double[lanes];
            _starts = new double[lanes];
            _columns = new int[Corners * lanes];
            _rows = new int[Corners * lanes];
            _steps = new int[Corners * lanes];
            for (int sample = 0; sample < levels.Length * points; sample++)
            {
                (int height, int width, int start) = levels[sample / points];
                int lane = (sample / Count * Count) + (sample % Corners * Corners) + (sample % Count / Corners);
                _widths[lane] = width;
                _heights[lane] = height;
                _rowStrides[lane] = (double)width * stride;
                _starts[lane] = (double)start * stride;
                _columns.AsSpan(Corners * sample, Corners).Fill(width);
                _rows.AsSpan(Corners * sample, Corners).Fill(height);
                int below = width * stride;
                ReadOnlySpan<int> steps = [0, stride, below, below + stride];
                steps.CopyTo(_steps.AsSpan(Corners * sample));
            }
        }

        // None where the machine lacks the instructions.
        public static Sixteens? For<T>(Level[] levels, int points, int stride)
            where T : unmanaged => Avx512F.IsSupported && typeof(T) == typeof(float) ? new(levels, points, stride) : null;

        // How many corners a list must have room for: whole vectors are stored.
        public static int Room(int samples) => Corners * Lanes(samples);

        // The samples of one query and head. Returns how many corners lie inside: samples ascending, corners as top left, top right, bottom
        // left, bottom right.
        public int List(ReadOnlySpan<float> locations, ReadOnlySpan<float> attention, Span<int> offsets, Span<float> weights)
        {
            offsets = offsets[..Room(attention.Length)];
            weights = weights[..Room(attention.Length)];
            int count = 0;
            int first = 0;
            for (; first + Count <= attention.Length; first += Count)
            {
                count = Add(locations.Slice(2 * first, 2 * Count), attention.Slice(first, Count), first, offsets, weights, count);
            }

            return first < attention.Length
                ? AddRest(locations[(2 * first)..], attention[first..], first, offsets, weights, count)
                : count;
        }

        private static int Lanes(int samples) => (samples + Count - 1) / Count * Count;

        // Fewer than sixteen: lanes without a sample lie in a map of no size.
        private int AddRest(
            ReadOnlySpan<float> locations, ReadOnlySpan<float> attention, int first, Span<int> offsets, Span<float> weights, int count)
        {
            Span<float> allLocations = stackalloc float[2 * Count];
            Span<float> allAttention = stackalloc float[Count];
            locations.CopyTo(allLocations);
            attention.CopyTo(allAttention);
            return Add(allLocations, allAttention, first, offsets, weights, count);
        }

        // Sixteen samples, from first on; then so many corners are listed.
        private int Add(
            ReadOnlySpan<float> locations, ReadOnlySpan<float> attention, int first, Span<int> offsets, Span<float> weights, int count)
        {
            // Points lie as (x, y).
            Vector512<int> order = Vector512.Create(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            Vector512<float> low = Vector512.LoadUnsafe(in locations[0]);
            Vector512<float> high = Vector512.LoadUnsafe(in locations[Count]);
            Vector512<float> x = Avx512F.PermuteVar16x32x2(low, order + order, high);
            Vector512<float> y = Avx512F.PermuteVar16x32x2(low, order + order + Vector512<int>.One, high);
            Vector512<float> share = Avx512F.PermuteVar16x32(Vector512.LoadUnsafe(in attention[0]), order);
            Place(
                x.GetLower(), y.GetLower(), share.GetLower(), first, out Vector256<int> left0, out Vector256<int> top0, out Vector256<int> offset0,
                out Vector256<float> topLeft0, out Vector256<float> topRight0, out Vector256<float> bottomLeft0,
                out Vector256<float> bottomRight0);
            Place(
                x.GetUpper(), y.GetUpper(), share.GetUpper(), first + (Count / 2), out Vector256<int> left1, out Vector256<int> top1,
                out Vector256<int> offset1, out Vector256<float> topLeft1, out Vector256<float> topRight1,
                out Vector256<float> bottomLeft1, out Vector256<float> bottomRight1);
            Vector512<float> topLeft = topLeft0.ToVector512Unsafe().WithUpper(topLeft1);
            Vector512<float> topRight = topRight0.ToVector512Unsafe().WithUpper(topRight1);
            Vector512<float> bottomLeft = bottomLeft0.ToVector512Unsafe().WithUpper(bottomLeft1);
            Vector512<float> bottomRight = bottomRight0.ToVector512Unsafe().WithUpper(bottomRight1);
            Vector512<double> topLow = Avx512F.UnpackLow(topLeft, topRight).AsDouble();
            Vector512<double> topHigh = Avx512F.UnpackHigh(topLeft, topRight).AsDouble();
            Vector512<double> bottomLow = Avx512F.UnpackLow(bottomLeft, bottomRight).AsDouble();
            Vector512<double> bottomHigh = Avx512F.UnpackHigh(bottomLeft, bottomRight).AsDouble();
            Vector512<int> left = left0.ToVector512Unsafe().WithUpper(left1);
            Vector512<int> top = top0.ToVector512Unsafe().WithUpper(top1);
            Vector512<int> offset = offset0.ToVector512Unsafe().WithUpper(offset1);
            int at = Corners * first;
            Keep(
                Avx512F.Shuffle(left, 0x00), Avx512F.Shuffle(top, 0x00), Avx512F.Shuffle(offset, 0x00),
                Avx512F.UnpackLow(topLow, bottomLow).AsSingle(), at, offsets, weights, ref count);
            Keep(
                Avx512F.Shuffle(left, 0x55), Avx512F.Shuffle(top, 0x55), Avx512F.Shuffle(offset, 0x55),
                Avx512F.UnpackHigh(topLow, bottomLow).AsSingle(), at + Count, offsets, weights, ref count);
            Keep(
                Avx512F.Shuffle(left, 0xAA), Avx512F.Shuffle(top, 0xAA), Avx512F.Shuffle(offset, 0xAA),
                Avx512F.UnpackLow(topHigh, bottomHigh).AsSingle(), at + (2 * Count), offsets, weights, ref count);
            Keep(
                Avx512F.Shuffle(left, 0xFF), Avx512F.Shuffle(top, 0xFF), Avx512F.Shuffle(offset, 0xFF),
                Avx512F.UnpackHigh(topHigh, bottomHigh).AsSingle(), at + (3 * Count), offsets, weights, ref count);
            return count;
        }

        // Eight lanes. Where left or top is no int (far away, NaN) it becomes the least one, which is outside as any below zero.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Place(
            Vector256<float> x, Vector256<float> y, Vector256<float> share, int lane, out Vector256<int> left, out Vector256<int> top,
            out Vector256<int> offset, out Vector256<float> topLeft, out Vector256<float> topRight, out Vector256<float> bottomLeft,
            out Vector256<float> bottomRight)
        {
            Vector512<double> half = Vector512.Create(0.5);
            Vector512<double> px = (Avx512F.ConvertToVector512Double(x) * Vector512.LoadUnsafe(in _widths[lane])) - half;
            Vector512<double> py = (Avx512F.ConvertToVector512Double(y) * Vector512.LoadUnsafe(in _heights[lane])) - half;
            Vector512<double> weight = Avx512F.ConvertToVector512Double(share);
            Vector512<double> column = Vector512.Floor(px);
            Vector512<double> row = Vector512.Floor(py);
            Vector512<double> fx = px - column;
            Vector512<double> fy = py - row;
            Vector512<double> gx = Vector512<double>.One - fx;
            Vector512<double> gy = Vector512<double>.One - fy;

            // Exact wherever a corner is kept.
            Vector512<double> ofRow = Vector512.FusedMultiplyAdd(
                row, Vector512.LoadUnsafe(in _rowStrides[lane]), Vector512.LoadUnsafe(in _starts[lane]));
            left = Avx512F.ConvertToVector256Int32(column);
            top = Avx512F.ConvertToVector256Int32(row);
            offset = Avx512F.ConvertToVector256Int32(Vector512.FusedMultiplyAdd(column, Vector512.Create(_stride), ofRow));
            topLeft = Avx512F.ConvertToVector256Single(weight * (gx * gy));
            topRight = Avx512F.ConvertToVector256Single(weight * (fx * gy));
            bottomLeft = Avx512F.ConvertToVector256Single(weight * (gx * fy));
            bottomRight = Avx512F.ConvertToVector256Single(weight * (fx * fy));
        }

        // Four samples: left, top and offset of each once for every corner.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Keep(
            Vector512<int> left, Vector512<int> top, Vector512<int> offset, Vector512<float> corners, int at, Span<int> offsets,
            Span<float> weights, ref int count)
        {
            // Below zero is above any size when read without a sign. A list has room for all corners, so that a whole vector always fits.
            Vector512<uint> inside =
                Vector512.LessThan((left + Vector512.Create(Vector128.Create(0, 1, 0, 1))).AsUInt32(), Vector512.LoadUnsafe(in _columns[at]).AsUInt32())
                & Vector512.LessThan((top + Vector512.Create(Vector128.Create(0, 0, 1, 1))).AsUInt32(), Vector512.LoadUnsafe(in _rows[at]).AsUInt32());
            Avx512F.Compress(Vector512<int>.Zero, inside.AsInt32(), offset + Vector512.LoadUnsafe(in _steps[at])).StoreUnsafe(ref offsets[count]);
            Avx512F.Compress(Vector512<float>.Zero, inside.AsSingle(), corners).StoreUnsafe(ref weights[count]);
            count += BitOperations.PopCount(inside.ExtractMostSignificantBits());
        }
    }
}
