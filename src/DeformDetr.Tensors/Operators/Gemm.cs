using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors.Simd;

namespace DeformDetr.Tensors.Operators;

// The product that linear layers, matrix products and convolutions share: output[row, column] = sum over k of a[row, k] · b[column, k].
//
// Loops are named as in BLIS. The smaller operand is packed whole, once (so there is no loop pc around it). The larger one is cut into
// blocks, which the threads share out; a block is packed one depth block at a time and multiplied with every panel of the other
// operand while it stays in the cache. Rows more than columns (tokens times a weight matrix):
//
//      threads, each until no block is left
//        ic: blocks of 8 panels of a             (packed: 98 KB, stays in L2)
//          pc: depth in steps of 256             (a constant of the numerics: a fresh accumulator for each)
//            jr: panels of b  (2 vectors)        (32 KB, stays in L1)
//              ir: panels of a  (6 or 12 rows)   (12 KB, streams from L2)
//                tile in registers, then output = output + tile
//
// Columns more than rows (kernels times the pixels of a map): jc, blocks of 16 panels of b (more where the depth is small), in the place of
// ic, and the two inner loops exchanged, ir over all panels of a, jr inside it: a tile's rows lie a whole map apart in memory, and so the
// next tiles go on along them. A packed operand lies as [depth block][panel][k][lane of the panel]:
//
//      a, 12 rows to a panel                          b, 32 columns to a panel (AVX-512, float)
//      k = 0   a0  a1  a2 .. a11                      k = 0   b0  b1  b2  .. b31
//      k = 1   a0  a1  a2 .. a11                      k = 1   b0  b1  b2  .. b31
//      ..                                             ..
//      k = 255                                        k = 255
//      k = 0   a12 a13 ..  (next panel)               k = 0   b32 b33 ..  (next panel)
//
// Lanes that the operand doesn't have are zero, and their results are dropped.
internal static partial class Gemm
{
    // Part of the contract (docs/numerics.md): sums are taken in blocks of this many terms, block sums added in ascending order.
    public const int DepthBlock = 256;

    public const int BlockPanels = 8;

    // Of MultiplyRows: whole groups of rows, so that a packed operand larger than L2 is read once for a group.
    public const int RowPanels = 16;

    // Of columns: a packed block passes from L2 anyway, and the wider it is the longer are the stretches of a map that are read and written.
    private const int ColumnPanels = 16;

    // Products below this many multiply-adds aren't worth a second thread.
    private const long WorthAThread = 1L << 18;

    // The largest tile: 12 rows of 32 floats.
    private const int MostTile = 12 * 32;

    public static void Multiply<T, TA, TB, TEpilogue>(
        OperatorContext context, TA a, TB b, int rows, int columns, int depth, Place<T> output, int stride, TEpilogue epilogue)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TA : struct, IPanels<T>
        where TB : struct, IPanels<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Multiply<Lanes512<T>, Vector512<T>, T, TA, TB, TEpilogue>(
                context, a, b, rows, columns, depth, output, stride, epilogue);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            Multiply<Lanes256<T>, Vector256<T>, T, TA, TB, TEpilogue>(
                context, a, b, rows, columns, depth, output, stride, epilogue);
        }
        else
        {
            Multiply<Lanes128<T>, Vector128<T>, T, TA, TB, TEpilogue>(
                context, a, b, rows, columns, depth, output, stride, epilogue);
        }
    }

    internal static void Multiply<TLanes, TVector, T, TA, TB, TEpilogue>(
        OperatorContext context, TA a, TB b, int rows, int columns, int depth, Place<T> output, int stride, TEpilogue epilogue)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TA : struct, IPanels<T>
        where TB : struct, IPanels<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        if (rows == 0 || columns == 0)
        {
            return;
        }

        Target<T> target = new(output, stride, rows, columns, depth);
        if (context.SummationOrder != SummationOrder.House)
        {
            Ordered<TLanes, TVector, T, TA, TB, TEpilogue>(context, a, b, target, epilogue);
            return;
        }

        int tileRows = TileRows<TLanes, TVector, T>();
        int tileColumns = 2 * TLanes.Count;
        int least = (int)Math.Clamp(WorthAThread / Math.Max(1L, Math.Min(rows, columns) * (long)depth), 1, int.MaxValue);
        if (rows <= columns)
        {
            using AlignedBuffer<T> whole = PackWhole<T, TA>(context, a, rows, depth, tileRows);
            int panelsOfA = Panels(rows, tileRows);
            int blockPanels = ColumnPanels * DepthBlock / Math.Clamp(depth, DepthBlock / 4, DepthBlock);
            context.Share(Panels(columns, tileColumns), blockPanels, Panels(least, tileColumns), (_, chunks) =>
            {
                using AlignedBuffer<T> block = context.Scratch<T>(ColumnPanels * tileColumns * DepthBlock);
                Span<T> packedA = whole.Span;
                Span<T> packedB = block.Span;
                EarlyChunks mine = new(chunks);
                while (mine.Take(out int jc, out int last))
                {
                    mine.TakeEarly(out int nextJc, out int nextLast);
                    int count = last - jc;
                    int left = jc * tileColumns;
                    int width = Math.Min(last * tileColumns, columns) - left;
                    int nextWidth = Math.Min(nextLast * tileColumns, columns) - (nextJc * tileColumns);
                    for (int pc = 0; pc < depth || pc == 0; pc += DepthBlock)
                    {
                        int steps = Math.Min(DepthBlock, depth - pc);
                        b.Pack(left, width, pc, steps, tileColumns, packedB);
                        ReadAhead<T> ahead = After<T, TB>(
                            b, left, width, nextJc * tileColumns, nextWidth, pc, depth, (long)panelsOfA * count * steps);
                        Tiles<TLanes, TVector, T, TEpilogue>(
                            packedA, panelsOfA * tileRows * pc, panelsOfA, 0, packedB, 0, count, left, pc, steps, target, in epilogue, ref ahead);
                    }
                }
            });
        }
        else
        {
            using AlignedBuffer<T> whole = PackWhole<T, TB>(context, b, columns, depth, tileColumns);
            context.Share(Panels(rows, tileRows), BlockPanels, Panels(least, tileRows), (_, chunks) =>
            {
                using AlignedBuffer<T> block = context.Scratch<T>(BlockPanels * tileRows * DepthBlock);
                Span<T> packedA = block.Span;
                Span<T> packedB = whole.Span;
                EarlyChunks mine = new(chunks);
                while (mine.Take(out int ic, out int last))
                {
                    mine.TakeEarly(out int nextIc, out int nextLast);
                    RowBlock<TLanes, TVector, T, TA, TEpilogue>(
                        a, ic * tileRows, last - ic, (nextIc * tileRows, nextLast - nextIc), packedA, packedB, target, in epilogue);
                }
            });
        }
    }

    // All of b packed for MultiplyRows.
    public static AlignedBuffer<T> PackColumns<T, TB>(OperatorContext context, TB b, int columns, int depth)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TB : struct, IPanels<T> =>
        PackWhole<T, TB>(
            context, b, columns, depth,
            2 * (Vector512.IsHardwareAccelerated ? Vector512<T>.Count : Vector256.IsHardwareAccelerated ? Vector256<T>.Count : Vector128<T>.Count));

    // Rows times a packed b, on the calling thread.
    public static void MultiplyRows<T, TA, TEpilogue>(
        OperatorContext context, TA a, AlignedBuffer<T> packedB, int rows, int columns, int depth, Place<T> output, int stride,
        TEpilogue epilogue)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TA : struct, IPanels<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        Target<T> target = new(output, stride, rows, columns, depth);
        if (Vector512.IsHardwareAccelerated)
        {
            MultiplyRows<Lanes512<T>, Vector512<T>, T, TA, TEpilogue>(context, a, packedB, target, epilogue);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            MultiplyRows<Lanes256<T>, Vector256<T>, T, TA, TEpilogue>(context, a, packedB, target, epilogue);
        }
        else
        {
            MultiplyRows<Lanes128<T>, Vector128<T>, T, TA, TEpilogue>(context, a, packedB, target, epilogue);
        }
    }

    private static void MultiplyRows<TLanes, TVector, T, TA, TEpilogue>(
        OperatorContext context, TA a, AlignedBuffer<T> packedB, Target<T> target, TEpilogue epilogue)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TA : struct, IPanels<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        int tileRows = TileRows<TLanes, TVector, T>();
        int panels = Panels(target.Rows, tileRows);
        using AlignedBuffer<T> packedA = context.Scratch<T>(RowPanels * tileRows * DepthBlock);
        for (int ic = 0; ic < panels && target.Columns > 0; ic += RowPanels)
        {
            // Such rows have just been made: there is nothing to read ahead.
            RowBlock<TLanes, TVector, T, TA, TEpilogue>(
                a, ic * tileRows, Math.Min(RowPanels, panels - ic), null, packedA.Span, packedB.Span, target, in epilogue);
        }
    }

    // Some panels of rows, from the panel that starts at row, times all of the packed b. next: the panels that follow, none if unknown; null
    // where rows are near and nothing is read ahead.
    private static void RowBlock<TLanes, TVector, T, TA, TEpilogue>(
        TA a, int row, int panels, (int Row, int Panels)? next, Span<T> packedA, ReadOnlySpan<T> packedB, Target<T> target, in TEpilogue epilogue)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TA : struct, IPanels<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        int tileRows = TileRows<TLanes, TVector, T>();
        int tileColumns = 2 * TLanes.Count;
        int panelsOfB = Panels(target.Columns, tileColumns);
        int rows = Math.Min(panels * tileRows, target.Rows - row);
        for (int pc = 0; pc < target.Depth || pc == 0; pc += DepthBlock)
        {
            int steps = Math.Min(DepthBlock, target.Depth - pc);
            a.Pack(row, rows, pc, steps, tileRows, packedA);
            ReadAhead<T> ahead = next is (int nextRow, int nextPanels)
                ? After<T, TA>(
                    a, row, rows, nextRow, Math.Min(nextPanels * tileRows, target.Rows - nextRow), pc, target.Depth, (long)panels * panelsOfB * steps)
                : default;
            DepthOf<TLanes, TVector, T, TEpilogue>(packedA, panels, row, packedB, target.Columns, 0, pc, target, in epilogue, ref ahead);
        }
    }

    // Some panels of a, one depth block of them packed, times that depth block of b, from one of its columns on and up to the target's.
    private static void DepthOf<TLanes, TVector, T, TEpilogue>(
        ReadOnlySpan<T> packedA, int panelsOfA, int row, ReadOnlySpan<T> packedB, int columnsOfB, int column, int pc, Target<T> target,
        in TEpilogue epilogue, scoped ref ReadAhead<T> ahead)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        int tileColumns = 2 * TLanes.Count;
        int steps = Math.Min(DepthBlock, target.Depth - pc);
        int start = Panels(columnsOfB, tileColumns) * tileColumns * pc;
        for (int left = column; left < target.Columns; left += tileColumns)
        {
            Tiles<TLanes, TVector, T, TEpilogue>(
                packedA, 0, panelsOfA, row, packedB, start + (left * steps), 1, left, pc, steps, target, in epilogue, ref ahead);
        }
    }

    // What is packed after the depth block at pc of some lanes: their next depth block, or the first one of the lanes that follow, if any.
    private static ReadAhead<T> After<T, TSource>(
        TSource source, int lane, int lanes, int nextLane, int nextLanes, int pc, int depth, long steps)
        where T : unmanaged
        where TSource : struct, IReads<T>
    {
        int k = pc + DepthBlock;
        if (k < depth)
        {
            return new ReadAhead<T>(source.Reads(lane, lanes, k, Math.Min(DepthBlock, depth - k)), steps);
        }

        return nextLanes > 0 && depth > 0 ? new ReadAhead<T>(source.Reads(nextLane, nextLanes, 0, Math.Min(DepthBlock, depth)), steps) : default;
    }

    // Some panels of a, from startA on and for the rows from row on, each with some panels of b.
    private static void Tiles<TLanes, TVector, T, TEpilogue>(
        ReadOnlySpan<T> packedA, int startA, int panelsOfA, int row, ReadOnlySpan<T> packedB, int startB, int panelsOfB, int column, int pc,
        int steps, Target<T> target, in TEpilogue epilogue, scoped ref ReadAhead<T> ahead)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        int tileRows = TileRows<TLanes, TVector, T>();
        int tileColumns = 2 * TLanes.Count;
        Turn turn = (pc > 0 ? Turn.Adds : Turn.Only) | (pc + steps < target.Depth ? Turn.Waits : Turn.Only);

        // Panels lie inside what was packed: their ends are asked for once. A tile of no steps reads none.
        ReadOnlySpan<T> panelsA = packedA.Slice(startA, panelsOfA * tileRows * steps);
        ReadOnlySpan<T> panelsB = packedB.Slice(startB, panelsOfB * tileColumns * steps);
        ref T a = ref MemoryMarshal.GetReference(panelsA);
        for (int ir = 0; ir < panelsOfA; ir++, row += tileRows)
        {
            int height = Math.Min(tileRows, target.Rows - row);
            ref T b = ref MemoryMarshal.GetReference(panelsB);
            for (int jr = 0; jr < panelsOfB; jr++)
            {
                int left = column + (jr * tileColumns);
                int width = Math.Min(tileColumns, target.Columns - left);
                if (width == tileColumns)
                {
                    // All of the tile lies inside the output: its last element is asked for once.
                    int from = target.Offset + (row * target.Stride) + left;
                    _ = target.Output[from + ((height - 1) * target.Stride) + tileColumns - 1];
                    Tile<TLanes, TVector, T, TEpilogue, Packed>(
                        steps, height, in a, in b, in Unsafe.NullRef<int>(), ref target.Output[from], target.Stride, turn, in epilogue, row, left,
                        from, ref ahead);
                }
                else
                {
                    Edge<TLanes, TVector, T, TEpilogue>(steps, height, width, in a, in b, target, turn, in epilogue, row, left, ref ahead);
                }

                b = ref Unsafe.Add(ref b, tileColumns * steps);
            }

            a = ref Unsafe.Add(ref a, tileRows * steps);
        }
    }

    // A tile that reaches over the output's edge: made beside it, then the part that lies inside is stored.
    private static void Edge<TLanes, TVector, T, TEpilogue>(
        int steps, int height, int width, ref readonly T a, ref readonly T b, Target<T> target, Turn turn, in TEpilogue epilogue, int row,
        int column, scoped ref ReadAhead<T> ahead)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        int tileColumns = 2 * TLanes.Count;
        Span<T> tile = stackalloc T[MostTile];
        Tile<TLanes, TVector, T, NoEpilogue<T>, Packed>(
            steps, height, in a, in b, in Unsafe.NullRef<int>(), ref tile[0], tileColumns, Turn.Waits, new NoEpilogue<T>(), row, column, 0,
            ref ahead);
        for (int r = 0; r < height; r++)
        {
            Store<TLanes, TVector, T, TEpilogue>(tile.Slice(r * tileColumns, width), turn, target, row + r, column, in epilogue);
        }
    }

    // What a tile has for one row of the output, from a column on.
    private static void Store<TLanes, TVector, T, TEpilogue>(
        ReadOnlySpan<T> source, Turn turn, Target<T> target, int row, int column, in TEpilogue epilogue)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        int at = target.Offset + (row * target.Stride) + column;
        Span<T> output = target.Output.AsSpan(at, source.Length);
        if (source.Length < TLanes.Count)
        {
            for (int c = 0; c < source.Length; c++)
            {
                T sum = (turn & Turn.Adds) != 0 ? output[c] + source[c] : source[c];
                output[c] = (turn & Turn.Waits) == 0 ? epilogue.Apply(sum, row, column + c, at + c) : sum;
            }

            return;
        }

        // The last vector lies over what the one before it writes; what it is made of is read before.
        int end = source.Length - TLanes.Count;
        TVector last = Made(source, output, end, in epilogue);
        for (int c = 0; c < end; c += TLanes.Count)
        {
            TLanes.Store(Made(source, output, c, in epilogue), ref output[c], 0);
        }

        TLanes.Store(last, ref output[end], 0);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        TVector Made(ReadOnlySpan<T> source, Span<T> output, int c, in TEpilogue epilogue)
        {
            TVector sum = TLanes.Load(in source[c], 0);
            sum = (turn & Turn.Adds) != 0 ? TLanes.Add(TLanes.Load(in output[c], 0), sum) : sum;
            return (turn & Turn.Waits) == 0 ? epilogue.Apply<TLanes, TVector>(sum, row, column + c, at + c) : sum;
        }
    }

    // All panels of an operand: [depth block][panel][k][lane].
    private static AlignedBuffer<T> PackWhole<T, TPanels>(OperatorContext context, TPanels source, int lanes, int depth, int width)
        where T : unmanaged
        where TPanels : struct, IPanels<T>
    {
        int panels = Panels(lanes, width);
        AlignedBuffer<T> packed = context.Scratch<T>(checked(panels * width * depth));
        context.Split(panels, Math.Max(1, (1 << 16) / Math.Max(1, width * depth)), (first, last) =>
        {
            for (int pc = 0; pc < depth; pc += DepthBlock)
            {
                int steps = Math.Min(DepthBlock, depth - pc);
                int lane = first * width;
                source.Pack(
                    lane, Math.Min((last - first) * width, lanes - lane), pc, steps, width,
                    packed.Span.Slice((panels * width * pc) + (lane * steps), (last - first) * width * steps));
            }
        });
        return packed;
    }

    private static int Panels(int lanes, int width) => (lanes + width - 1) / width;

    // Where a product goes, and its sizes.
    private readonly record struct Target<T>(T[] Output, int Offset, int Stride, int Rows, int Columns, int Depth)
        where T : unmanaged
    {
        public Target(Place<T> output, int stride, int rows, int columns, int depth)
            : this(output.Array, output.Start, stride, rows, columns, depth)
        {
        }
    }
}
