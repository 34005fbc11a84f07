using System.Numerics;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors.Simd;

namespace DeformDetr.Tensors.Operators;

// Two products one after another, the rows of the first being the depth of the second, as in a feed-forward block. What lies between is
// made one depth block of the second product at a time, and used up before the next one is made:
//
//        ic: blocks of 16 panels of a                       (packed: 196 KB at a depth of 256)
//          hc: what lies between in steps of 256            (192 x 256: 196 KB, stays in L2; all of it, 786 KB, would not)
//            columns hc to hc + 256 of a · b, through the first epilogue
//            packed, and times depth hc to hc + 256 of c    (added to what earlier steps left in the output)
//
// Every element is summed as in two whole products.
internal static partial class Gemm
{
    // On the calling thread. b and c: packed by PackColumns.
    public static void MultiplyTwice<T, TA, TFirst, TSecond>(
        OperatorContext context, TA a, AlignedBuffer<T> b, AlignedBuffer<T> c, int rows, int depth, int hidden, int columns, Place<T> output,
        TFirst first, TSecond second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TA : struct, IPanels<T>
        where TFirst : struct, IEpilogue<T>
        where TSecond : struct, IEpilogue<T>
    {
        Target<T> target = new(output, columns, rows, columns, hidden);
        if (Vector512.IsHardwareAccelerated)
        {
            MultiplyTwice<Lanes512<T>, Vector512<T>, T, TA, TFirst, TSecond>(context, a, b, c, depth, target, first, second);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            MultiplyTwice<Lanes256<T>, Vector256<T>, T, TA, TFirst, TSecond>(context, a, b, c, depth, target, first, second);
        }
        else
        {
            MultiplyTwice<Lanes128<T>, Vector128<T>, T, TA, TFirst, TSecond>(context, a, b, c, depth, target, first, second);
        }
    }

    private static void MultiplyTwice<TLanes, TVector, T, TA, TFirst, TSecond>(
        OperatorContext context, TA a, AlignedBuffer<T> b, AlignedBuffer<T> c, int depth, Target<T> target, TFirst first, TSecond second)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TA : struct, IPanels<T>
        where TFirst : struct, IEpilogue<T>
        where TSecond : struct, IEpilogue<T>
    {
        int tileRows = TileRows<TLanes, TVector, T>();
        ReadAhead<T> none = default;
        int most = Math.Min(RowPanels, Panels(target.Rows, tileRows)) * tileRows;
        using AlignedBuffer<T> packedA = context.Scratch<T>(most * depth);
        using AlignedBuffer<T> between = context.Scratch<T>(most * DepthBlock);
        using AlignedBuffer<T> packedBetween = context.Scratch<T>(most * DepthBlock);
        LaneMajorPanels<T> made = new(between.At(), DepthBlock);
        for (int ic = 0; ic < target.Rows && target.Columns > 0; ic += most)
        {
            int rows = Math.Min(most, target.Rows - ic);
            int panels = Panels(rows, tileRows);
            for (int pc = 0; pc < depth; pc += DepthBlock)
            {
                int steps = Math.Min(DepthBlock, depth - pc);
                a.Pack(ic, rows, pc, steps, tileRows, packedA.Span.Slice(panels * tileRows * pc, panels * tileRows * steps));
            }

            for (int hc = 0; hc < target.Depth || hc == 0; hc += DepthBlock)
            {
                int width = Math.Min(DepthBlock, target.Depth - hc);

                // A row of what lies between starts with column hc.
                Target<T> part = new(between.At(-hc), DepthBlock, rows, hc + width, depth);
                for (int pc = 0; width > 0 && (pc < depth || pc == 0); pc += DepthBlock)
                {
                    DepthOf<TLanes, TVector, T, TFirst>(
                        packedA.Span[(panels * tileRows * pc)..], panels, 0, b.Span, target.Depth, hc, pc, part, in first, ref none);
                }

                made.Pack(0, rows, 0, width, tileRows, packedBetween.Span);
                DepthOf<TLanes, TVector, T, TSecond>(
                    packedBetween.Span, panels, ic, c.Span, target.Columns, 0, hc, target, in second, ref none);
            }
        }
    }
}
