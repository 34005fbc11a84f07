using System.Numerics;
using System.Runtime.CompilerServices;
using DeformDetr.Tensors.Simd;

namespace DeformDetr.Tensors.Operators;

// Products in another order than the house's (SummationOrder), with the same packing and the same tiles. Both operands are packed with all
// of their depth, in the order's sequence; a bias that comes first is one more term. A tile is made beside the output, block by block, and
// then stored through the epilogue.
internal static partial class Gemm
{
    // Elements of one packed block, about: it stays in the L2 cache while every panel of the other operand passes.
    private const int OrderedBlock = 1 << 17;

    private static void Ordered<TLanes, TVector, T, TA, TB, TEpilogue>(
        OperatorContext context, TA a, TB b, Target<T> target, TEpilogue epilogue)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TA : struct, IPanels<T>
        where TB : struct, IPanels<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        if (context.SummationOrder.Unfused)
        {
            OrderedParts<Unfused<TLanes, TVector, T>, TVector, Unfused<ScalarLane<T>, T, T>, T, TA, TB, TEpilogue>(
                context, a, b, target, epilogue);
        }
        else
        {
            OrderedParts<TLanes, TVector, ScalarLane<T>, T, TA, TB, TEpilogue>(context, a, b, target, epilogue);
        }
    }

    private static void OrderedParts<TLanes, TVector, TLane, T, TA, TB, TEpilogue>(
        OperatorContext context, TA a, TB b, Target<T> target, TEpilogue epilogue)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where TLane : struct, ILanes<T, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TA : struct, IPanels<T>
        where TB : struct, IPanels<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        SummationOrder order = context.SummationOrder;
        (int rows, int columns, int depth) = (target.Rows, target.Columns, target.Depth);
        bool biasFirst = order.BiasFirst && epilogue.HasBias;
        int[] places = order.Places(depth, biasFirst);
        Plan plan = new(order.Ends(depth, biasFirst), order.Pairwise, biasFirst);
        int terms = places.Length;
        int tileRows = TileRows<TLanes, TVector, T>();
        int tileColumns = 2 * TLanes.Count;
        void PackA(int lane, int lanes, Span<T> packed) =>
            PackOrdered(context, a, lane, lanes, depth, tileRows, places, packed, row => epilogue.BiasOfRow(row));
        void PackB(int lane, int lanes, Span<T> packed) =>
            PackOrdered(context, b, lane, lanes, depth, tileColumns, places, packed, column => epilogue.BiasOfColumn(column));

        // The smaller operand is packed whole, the larger one in blocks, as in Multiply.
        bool blocksOfB = rows <= columns;
        (int lanesOfWhole, int widthOfWhole) = blocksOfB ? (rows, tileRows) : (columns, tileColumns);
        (int lanesOfBlocks, int width) = blocksOfB ? (columns, tileColumns) : (rows, tileRows);
        int panelsOfWhole = Panels(lanesOfWhole, widthOfWhole);
        int panels = Panels(lanesOfBlocks, width);
        int block = Math.Clamp(OrderedBlock / Math.Max(1, width * terms), 1, BlockPanels);
        using AlignedBuffer<T> whole = context.Scratch<T>(checked(panelsOfWhole * widthOfWhole * terms));
        context.Split(panelsOfWhole, Math.Max(1, (1 << 16) / Math.Max(1, widthOfWhole * terms)), (first, last) =>
        {
            for (int panel = first; panel < last; panel++)
            {
                int lane = panel * widthOfWhole;
                int lanes = Math.Min(widthOfWhole, lanesOfWhole - lane);
                Span<T> packed = whole.Span.Slice(lane * terms, widthOfWhole * terms);
                if (blocksOfB)
                {
                    PackA(lane, lanes, packed);
                }
                else
                {
                    PackB(lane, lanes, packed);
                }
            }
        });

        int least = (int)Math.Clamp(WorthAThread / Math.Max(1L, lanesOfWhole * (long)terms), 1, int.MaxValue);
        context.Split(panels, Panels(least, width), (first, last) =>
        {
            using AlignedBuffer<T> packedBlock = context.Scratch<T>(checked(block * width * terms));
            using AlignedBuffer<T> tiles = context.Scratch<T>(plan.Tiles * MostTile);
            for (int start = first; start < last; start += block)
            {
                int count = Math.Min(block, last - start);
                int lane = start * width;
                int lanes = Math.Min(count * width, lanesOfBlocks - lane);
                if (blocksOfB)
                {
                    PackB(lane, lanes, packedBlock.Span);
                }
                else
                {
                    PackA(lane, lanes, packedBlock.Span);
                }

                // Panels of b outside: one of them stays near while those of a pass.
                ReadOnlySpan<T> packedA = blocksOfB ? whole.Span : packedBlock.Span;
                ReadOnlySpan<T> packedB = blocksOfB ? packedBlock.Span : whole.Span;
                (int panelsOfA, int row) = blocksOfB ? (panelsOfWhole, 0) : (count, lane);
                (int panelsOfB, int column) = blocksOfB ? (count, lane) : (panelsOfWhole, 0);
                for (int jr = 0; jr < panelsOfB; jr++)
                {
                    for (int ir = 0; ir < panelsOfA; ir++)
                    {
                        OrderedTile<TLanes, TVector, TLane, T, TEpilogue>(
                            packedA.Slice(ir * tileRows * terms, tileRows * terms), packedB.Slice(jr * tileColumns * terms, tileColumns * terms),
                            plan, row + (ir * tileRows), column + (jr * tileColumns), tiles.Span, target, in epilogue);
                    }
                }
            }
        });
    }

    // Some lanes with all of their depth, in the order's sequence: [panel][place][lane].
    private static void PackOrdered<T, TPanels>(
        OperatorContext context, TPanels source, int lane, int lanes, int depth, int width, int[] places, Span<T> packed,
        Func<int, T> bias)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TPanels : struct, IPanels<T>
    {
        if (context.SummationOrder.Terms == TermOrder.Ascending && places.Length == depth)
        {
            if (depth > 0)
            {
                source.Pack(lane, lanes, 0, depth, width, packed);
            }

            return;
        }

        int panels = Panels(lanes, width);
        using AlignedBuffer<T> buffer = context.Scratch<T>(panels * width * depth);
        Span<T> ascending = buffer.Span;
        if (depth > 0)
        {
            source.Pack(lane, lanes, 0, depth, width, ascending);
        }

        for (int panel = 0; panel < panels; panel++)
        {
            ReadOnlySpan<T> from = ascending.Slice(panel * width * depth, width * depth);
            Span<T> to = packed.Slice(panel * width * places.Length, width * places.Length);
            for (int place = 0; place < places.Length; place++)
            {
                Span<T> target = to.Slice(place * width, width);
                if (places[place] >= 0)
                {
                    from.Slice(places[place] * width, width).CopyTo(target);
                    continue;
                }

                int first = panel * width;
                for (int i = 0; i < width; i++)
                {
                    target[i] = first + i < lanes ? bias(lane + first + i) : T.Zero;
                }
            }
        }
    }

    private static void OrderedTile<TLanes, TVector, TLane, T, TEpilogue>(
        ReadOnlySpan<T> a, ReadOnlySpan<T> b, Plan plan, int row, int column, Span<T> tiles, Target<T> target, in TEpilogue epilogue)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where TLane : struct, ILanes<T, T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        int tileRows = TileRows<TLanes, TVector, T>();
        int tileColumns = 2 * TLanes.Count;
        int height = Math.Min(tileRows, target.Rows - row);
        int width = Math.Min(tileColumns, target.Columns - column);
        int size = height <= 6 ? 6 * tileColumns : tileRows * tileColumns;
        int start = 0;
        ReadAhead<T> ahead = default;
        for (int index = 0; index < plan.Ends.Length; index++)
        {
            int steps = plan.Ends[index] - start;
            ref T blockOfA = ref steps == 0 ? ref Unsafe.NullRef<T>() : ref Unsafe.AsRef(in a[start * tileRows]);
            ref T blockOfB = ref steps == 0 ? ref Unsafe.NullRef<T>() : ref Unsafe.AsRef(in b[start * tileColumns]);
            start += steps;

            // Two by two: as many tiles wait as the number of blocks before this one has ones in binary.
            int level = plan.Pairwise ? BitOperations.PopCount((uint)index) : 0;
            Span<T> tile = tiles.Slice(level * MostTile, MostTile);
            Tile<TLanes, TVector, T, NoEpilogue<T>, Packed>(
                steps, height <= 6 ? 6 : tileRows, in blockOfA, in blockOfB, in Unsafe.NullRef<int>(), ref tile[0], tileColumns,
                plan.Pairwise || index == 0 ? Turn.Waits : Turn.Adds | Turn.Waits, new NoEpilogue<T>(), row, column, 0, ref ahead);
            if (plan.Pairwise)
            {
                int waiting = BitOperations.PopCount((uint)index + 1);
                for (; level >= waiting || (index + 1 == plan.Ends.Length && level > 0); level--)
                {
                    AddTile<TLanes, TVector, T>(ref tiles[(level - 1) * MostTile], ref tiles[level * MostTile], size);
                }
            }
        }

        for (int r = 0; r < height; r++)
        {
            ReadOnlySpan<T> source = tiles.Slice(r * tileColumns, width);
            int at = target.Offset + ((row + r) * target.Stride) + column;
            Span<T> output = target.Output.AsSpan(at, width);
            int c = 0;
            for (; c + TLanes.Count <= width; c += TLanes.Count)
            {
                TVector sum = TLanes.Load(in source[c], 0);
                TLanes.Store(
                    plan.BiasFirst
                        ? epilogue.ApplyWithoutBias<TLanes, TVector>(sum, row + r, column + c, at + c)
                        : epilogue.Apply<TLanes, TVector>(sum, row + r, column + c, at + c),
                    ref output[c], 0);
            }

            for (; c < width; c++)
            {
                output[c] = plan.BiasFirst
                    ? epilogue.ApplyWithoutBias<TLane, T>(source[c], row + r, column + c, at + c)
                    : epilogue.Apply<TLane, T>(source[c], row + r, column + c, at + c);
            }
        }
    }

    private static void AddTile<TLanes, TVector, T>(ref T left, ref T right, int size)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < size; i += TLanes.Count)
        {
            TLanes.Store(TLanes.Add(TLanes.Load(ref left, (nuint)i), TLanes.Load(ref right, (nuint)i)), ref left, (nuint)i);
        }
    }

    // Where blocks end, how their sums are added, and whether the bias is the first term.
    private sealed record Plan(int[] Ends, bool Pairwise, bool BiasFirst)
    {
        // Pairs of pairs: as many tiles wait as the number of blocks has binary digits, and one is being made.
        public int Tiles => Pairwise ? BitOperations.Log2((uint)Ends.Length) + 2 : 1;
    }
}
