using System.Numerics;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors.Simd;

namespace DeformDetr.Tensors.Operators;

// Kernels times the windows of a map (Conv2d.Windows): the product of Multiply with the same tiles and the same order, but what stands in
// the place of the packed b is the map's own rows, a ninth of it for a 3x3 window.
internal static partial class Gemm
{
    // Lanes of one block of windows, about: more need fewer rows twice, fewer leave more of the cache to the kernels.
    private const int WindowLanes = 1024;

    public static void MultiplyWindows<T, TEpilogue>(
        OperatorContext context, LaneMajorPanels<T> kernels, Conv2d.Windows<T> windows, int rows, Place<T> output, TEpilogue epilogue)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        if (Vector512.IsHardwareAccelerated)
        {
            MultiplyWindows<Lanes512<T>, Vector512<T>, T, TEpilogue>(context, kernels, windows, rows, output, epilogue);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            MultiplyWindows<Lanes256<T>, Vector256<T>, T, TEpilogue>(context, kernels, windows, rows, output, epilogue);
        }
        else
        {
            MultiplyWindows<Lanes128<T>, Vector128<T>, T, TEpilogue>(context, kernels, windows, rows, output, epilogue);
        }
    }

    internal static void MultiplyWindows<TLanes, TVector, T, TEpilogue>(
        OperatorContext context, LaneMajorPanels<T> kernels, Conv2d.Windows<T> windows, int rows, Place<T> output, TEpilogue epilogue)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        int pixels = windows.OutputHeight * windows.OutputWidth;
        int depth = windows.Depth;
        if (rows == 0 || pixels == 0)
        {
            return;
        }

        Target<T> target = new(output, pixels, rows, pixels, depth);
        int tileRows = TileRows<TLanes, TVector, T>();
        int tileColumns = 2 * TLanes.Count;
        int most = WindowLanes / tileColumns;
        int bufferRows = windows.Rows(most * tileColumns);
        (int[] starts, int[] reaches, int[] steps) = windows.Walk(bufferRows, DepthBlock);
        int least = (int)Math.Clamp(WorthAThread / Math.Max(1L, rows * (long)depth), 1, int.MaxValue);
        int panelsOfKernels = Panels(rows, tileRows);
        using AlignedBuffer<T> whole = PackWhole<T, LaneMajorPanels<T>>(context, kernels, rows, depth, tileRows);
        context.Share(Panels(windows.Lanes, tileColumns), most, Panels(least, tileColumns), (thread, chunks) =>
        {
            using AlignedBuffer<T> block = context.Scratch<T>(windows.BufferLength(bufferRows, DepthBlock));
            Span<T> packedA = whole.Span;
            Span<T> buffer = block.Span;
            EarlyChunks mine = new(chunks);
            while (mine.Take(out int jc, out int last))
            {
                int top = jc * tileColumns / windows.Pitch;
                mine.TakeEarly(out int nextJc, out int nextLast);
                for (int pc = 0; pc < depth || pc == 0; pc += DepthBlock)
                {
                    int count = Math.Min(DepthBlock, depth - pc);
                    windows.Pack(pc, count, top, windows.Rows((last - jc) * tileColumns), bufferRows, buffer);
                    ReadAhead<T> ahead = After<T, Conv2d.Windows<T>>(
                        windows, jc * tileColumns, (last - jc) * tileColumns, nextJc * tileColumns, (nextLast - nextJc) * tileColumns, pc, depth,
                        (long)panelsOfKernels * (last - jc) * count);

                    // The farthest element that a tile will read is asked for once.
                    _ = buffer[reaches[pc / DepthBlock] + (last * tileColumns) - 1 - (top * windows.Pitch)];
                    for (int ir = 0; ir < panelsOfKernels; ir++)
                    {
                        ReadOnlySpan<T> a = packedA.Slice(((panelsOfKernels * pc) + (ir * count)) * tileRows, tileRows * count);
                        for (int jr = jc; jr < last; jr++)
                        {
                            int lane = jr * tileColumns;
                            TileOfWindows<TLanes, TVector, T, TEpilogue>(
                                a, buffer[(starts[pc / DepthBlock] + lane - (top * windows.Pitch))..], steps.AsSpan(pc, count), windows,
                                ir * tileRows, lane, pc, target, in epilogue, ref ahead);
                        }
                    }
                }
            }
        });
    }

    // One panel of kernels with the windows of one panel of lanes.
    private static void TileOfWindows<TLanes, TVector, T, TEpilogue>(
        ReadOnlySpan<T> a, ReadOnlySpan<T> windowsOfB, ReadOnlySpan<int> steps, in Conv2d.Windows<T> windows, int row, int lane, int pc,
        Target<T> target, in TEpilogue epilogue, scoped ref ReadAhead<T> ahead)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        int tileRows = TileRows<TLanes, TVector, T>();
        int tileColumns = 2 * TLanes.Count;
        int y = lane / windows.Pitch;
        int x = lane % windows.Pitch;
        int column = (y * windows.OutputWidth) + x;
        int height = Math.Min(tileRows, target.Rows - row);
        Turn turn = (pc > 0 ? Turn.Adds : Turn.Only) | (pc + steps.Length < target.Depth ? Turn.Waits : Turn.Only);
        if (x + tileColumns <= windows.OutputWidth && y < windows.OutputHeight)
        {
            int from = target.Offset + (row * target.Stride) + column;
            _ = target.Output[from + ((height - 1) * target.Stride) + tileColumns - 1];
            Tile<TLanes, TVector, T, TEpilogue, Stepping>(
                steps.Length, height, in a[0], in windowsOfB[0], in steps[0], ref target.Output[from], target.Stride, turn, in epilogue, row,
                column, from, ref ahead);
        }
        else
        {
            Span<T> tile = stackalloc T[MostTile];
            Tile<TLanes, TVector, T, NoEpilogue<T>, Stepping>(
                steps.Length, height, in a[0], in windowsOfB[0], in steps[0], ref tile[0], tileColumns, Turn.Waits, new NoEpilogue<T>(), row,
                column, 0, ref ahead);
            StorePixels<TLanes, TVector, T, TEpilogue>(tile, windows, lane, row, height, turn, target, in epilogue);
        }
    }

    // The lanes of a tile that are pixels.
    private static void StorePixels<TLanes, TVector, T, TEpilogue>(
        ReadOnlySpan<T> tile, in Conv2d.Windows<T> windows, int lane, int row, int height, Turn turn, Target<T> target, in TEpilogue epilogue)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        int tileColumns = 2 * TLanes.Count;
        int y = lane / windows.Pitch;
        int x = lane % windows.Pitch;
        for (int done = 0; done < tileColumns && y < windows.OutputHeight; done += windows.Pitch - x, y++, x = 0)
        {
            int width = Math.Min(tileColumns - done, windows.OutputWidth - x);
            for (int r = 0; r < height && width > 0; r++)
            {
                Store<TLanes, TVector, T, TEpilogue>(
                    tile.Slice((r * tileColumns) + done, width), turn, target, row + r, (y * windows.OutputWidth) + x, in epilogue);
            }
        }
    }
}
