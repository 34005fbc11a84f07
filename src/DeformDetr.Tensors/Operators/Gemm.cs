using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using CommunityToolkit.HighPerformance.Buffers;
using DeformDetr.Tensors.Simd;

namespace DeformDetr.Tensors.Operators;

// The product that linear layers, matrix products and convolutions share: output[row, column] = sum over k of a[row, k] · b[column, k].
//
// The smaller operand is packed whole, once. The larger one is cut into blocks, a static part of them for each thread; a block is packed
// one depth block at a time and multiplied with every panel of the other operand while it stays in the cache:
//
//      parts of the larger operand, one a thread
//        blocks of the larger operand            (a few panels; stays in L2)
//          pc: depth in steps of 256             (a constant of the numerics: a fresh accumulator for each)
//            jr: panels of b  (2 vectors)        (stays in L1)
//              ir: panels of a  (6 or 12 rows)
//                tile in registers, then output = output + tile
internal static partial class Gemm
{
    // Part of the contract (docs/numerics.md): sums are taken in blocks of this many terms, block sums added in ascending order.
    public const int DepthBlock = 256;

    private const int BlockPanels = 8;

    // Products below this many multiply-adds aren't worth a second thread.
    private const long WorthAThread = 1L << 18;

    public static void Multiply<T, TA, TB, TEpilogue>(
        OperatorContext context, TA a, TB b, int rows, int columns, int depth, T[] output, int offset, int stride, TEpilogue epilogue)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TA : struct, IPanels<T>
        where TB : struct, IPanels<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Multiply<Lanes512<T>, Vector512<T>, T, TA, TB, TEpilogue>(
                context, a, b, rows, columns, depth, output, offset, stride, epilogue);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            Multiply<Lanes256<T>, Vector256<T>, T, TA, TB, TEpilogue>(
                context, a, b, rows, columns, depth, output, offset, stride, epilogue);
        }
        else
        {
            Multiply<Lanes128<T>, Vector128<T>, T, TA, TB, TEpilogue>(
                context, a, b, rows, columns, depth, output, offset, stride, epilogue);
        }
    }

    internal static void Multiply<TLanes, TVector, T, TA, TB, TEpilogue>(
        OperatorContext context, TA a, TB b, int rows, int columns, int depth, T[] output, int offset, int stride, TEpilogue epilogue)
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

        int tileRows = TileRows<TLanes, TVector, T>();
        int tileColumns = 2 * TLanes.Count;
        int least = (int)Math.Clamp(WorthAThread / Math.Max(1L, Math.Min(rows, columns) * (long)depth), 1, int.MaxValue);
        if (rows <= columns)
        {
            int panels = Panels(rows, tileRows);
            using MemoryOwner<T> whole = PackWhole<T, TA>(context, a, rows, depth, tileRows);
            T[] packedA = Array(whole);
            context.Split(Panels(columns, tileColumns), Panels(least, tileColumns), (first, last) =>
            {
                using MemoryOwner<T> block = MemoryOwner<T>.Allocate(BlockPanels * tileColumns * DepthBlock);
                T[] packedB = Array(block);
                Span<T> tile = stackalloc T[tileRows * tileColumns];
                for (int from = first; from < last; from += BlockPanels)
                {
                    int count = Math.Min(BlockPanels, last - from);
                    for (int k = 0; k < depth || k == 0; k += DepthBlock)
                    {
                        int steps = Math.Min(DepthBlock, depth - k);
                        PackBlock<T, TB>(b, from, count, columns, k, steps, tileColumns, packedB);
                        for (int jr = 0; jr < count; jr++)
                        {
                            for (int ir = 0; ir < panels; ir++)
                            {
                                Tile<TLanes, TVector, T>(
                                    steps, in packedA[(panels * tileRows * k) + (ir * tileRows * steps)],
                                    in packedB[jr * tileColumns * steps], ref tile[0]);
                                Merge<TLanes, TVector, T, TEpilogue>(
                                    tile, ir * tileRows, (from + jr) * tileColumns, rows, columns, k == 0, k + steps == depth, output,
                                    offset, stride, epilogue);
                            }
                        }
                    }
                }
            });
        }
        else
        {
            int panels = Panels(columns, tileColumns);
            using MemoryOwner<T> whole = PackWhole<T, TB>(context, b, columns, depth, tileColumns);
            T[] packedB = Array(whole);
            context.Split(Panels(rows, tileRows), Panels(least, tileRows), (first, last) =>
            {
                using MemoryOwner<T> block = MemoryOwner<T>.Allocate(BlockPanels * tileRows * DepthBlock);
                T[] packedA = Array(block);
                Span<T> tile = stackalloc T[tileRows * tileColumns];
                for (int from = first; from < last; from += BlockPanels)
                {
                    int count = Math.Min(BlockPanels, last - from);
                    for (int k = 0; k < depth || k == 0; k += DepthBlock)
                    {
                        int steps = Math.Min(DepthBlock, depth - k);
                        PackBlock<T, TA>(a, from, count, rows, k, steps, tileRows, packedA);
                        for (int jr = 0; jr < panels; jr++)
                        {
                            for (int ir = 0; ir < count; ir++)
                            {
                                Tile<TLanes, TVector, T>(
                                    steps, in packedA[ir * tileRows * steps],
                                    in packedB[(panels * tileColumns * k) + (jr * tileColumns * steps)], ref tile[0]);
                                Merge<TLanes, TVector, T, TEpilogue>(
                                    tile, (from + ir) * tileRows, jr * tileColumns, rows, columns, k == 0, k + steps == depth, output,
                                    offset, stride, epilogue);
                            }
                        }
                    }
                }
            });
        }
    }

    // The tile's part that lies inside the output: stored by the first depth block, added by the others, finished by the last.
    private static void Merge<TLanes, TVector, T, TEpilogue>(
        ReadOnlySpan<T> tile, int row, int column, int rows, int columns, bool first, bool last, T[] output, int offset, int stride,
        TEpilogue epilogue)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        int tileColumns = 2 * TLanes.Count;
        int width = Math.Min(tileColumns, columns - column);
        int height = Math.Min(TileRows<TLanes, TVector, T>(), rows - row);
        for (int r = 0; r < height; r++)
        {
            ref readonly T source = ref tile[r * tileColumns];
            Span<T> target = output.AsSpan(offset + ((row + r) * stride) + column, width);
            int c = 0;
            for (; c + TLanes.Count <= width; c += TLanes.Count)
            {
                TVector sum = TLanes.Load(in source, (nuint)c);
                if (!first)
                {
                    sum = TLanes.Add(TLanes.Load(ref target[0], (nuint)c), sum);
                }

                if (last)
                {
                    sum = epilogue.Apply<TLanes, TVector>(sum, row + r, column + c);
                }

                TLanes.Store(sum, ref target[0], (nuint)c);
            }

            for (; c < width; c++)
            {
                T sum = Unsafe.Add(ref Unsafe.AsRef(in source), c);
                if (!first)
                {
                    sum = target[c] + sum;
                }

                target[c] = last ? epilogue.Apply(sum, row + r, column + c) : sum;
            }
        }
    }

    // All panels of an operand: [depth block][panel][k][width].
    private static MemoryOwner<T> PackWhole<T, TPanels>(OperatorContext context, TPanels source, int lanes, int depth, int width)
        where T : unmanaged
        where TPanels : struct, IPanels<T>
    {
        int panels = Panels(lanes, width);
        MemoryOwner<T> owner = MemoryOwner<T>.Allocate(Math.Max(1, checked(panels * width * depth)));
        T[] packed = Array(owner);
        context.Split(panels, Math.Max(1, (1 << 16) / Math.Max(1, width * depth)), (first, last) =>
        {
            for (int k = 0; k < depth; k += DepthBlock)
            {
                int steps = Math.Min(DepthBlock, depth - k);
                for (int panel = first; panel < last; panel++)
                {
                    int lane = panel * width;
                    source.Pack(lane, Math.Min(width, lanes - lane), k, steps, width,
                        packed.AsSpan((panels * width * k) + (panel * width * steps), width * steps));
                }
            }
        });
        return owner;
    }

    private static void PackBlock<T, TPanels>(TPanels source, int from, int count, int lanes, int k, int steps, int width, T[] packed)
        where T : unmanaged
        where TPanels : struct, IPanels<T>
    {
        for (int panel = 0; panel < count; panel++)
        {
            int lane = (from + panel) * width;
            source.Pack(lane, Math.Min(width, lanes - lane), k, steps, width, packed.AsSpan(panel * width * steps, width * steps));
        }
    }

    private static int Panels(int lanes, int width) => (lanes + width - 1) / width;

    private static T[] Array<T>(MemoryOwner<T> owner) => owner.DangerousGetArray().Array!;
}
