using System.Numerics;
using System.Runtime.CompilerServices;
using DeformDetr.Tensors.Simd;

namespace DeformDetr.Tensors.Operators;

// The only tile code there is. A tile is a small block of the product, kept in registers while k runs over one block of the depth:
//
//      packed b:  [k][2 vectors]        b0 b1
//      packed a:  [k][rows]      a0     c00 c01      every lane is one output; every output is one chain of fused
//                                a1     c10 c11      multiply-adds, k ascending, from zero
//                                ..     ..
//
// A finished tile goes from the registers to the output: added to what earlier depth blocks left there, and after the last of them
// through the epilogue. Rows that it lacks are multiplied (they are zero) and not stored. Every few steps it asks for a cache line of what
// is packed next (ReadAhead).
internal static partial class Gemm
{
    // Where a depth block stands among those of an output.
    [Flags]
    private enum Turn
    {
        Only = 0,

        // Earlier blocks left a sum in the output.
        Adds = 1,

        // Later blocks will add theirs: no epilogue yet.
        Waits = 2,
    }

    // How a tile goes from one k to the next in its b.
    private interface IWalk
    {
        static abstract ref T Next<T>(ref T b, int width, scoped ref readonly int steps, int k)
            where T : unmanaged;
    }

    // A packed panel: the next row of it.
    private readonly struct Packed : IWalk
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static ref T Next<T>(ref T b, int width, scoped ref readonly int steps, int k)
            where T : unmanaged => ref Unsafe.Add(ref b, width);
    }

    // Windows of a map: as far as it says.
    private readonly struct Stepping : IWalk
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static ref T Next<T>(ref T b, int width, scoped ref readonly int steps, int k)
            where T : unmanaged => ref Unsafe.Add(ref b, Unsafe.Add(ref Unsafe.AsRef(in steps), k));
    }

    // 12 x 2 vectors want 27 registers: AVX-512 has 32. With 16 registers 6 x 2 is the largest that fits.
    private static int TileRows<TLanes, TVector, T>()
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Unsafe.SizeOf<TVector>() == 64 ? 12 : 6;

    // The last tile of 64, 128 or 256 rows holds few: up to 6 rows take the small tile at every width.
    private static void Tile<TLanes, TVector, T, TEpilogue, TWalk>(
        int depth, int height, ref readonly T a, ref readonly T b, ref readonly int steps, ref T output, nint stride, Turn turn,
        in TEpilogue epilogue, int row, int column, int at, scoped ref ReadAhead<T> ahead)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
        where TWalk : struct, IWalk
    {
        if (Unsafe.SizeOf<TVector>() == 64 && height > 6)
        {
            Tile12<TLanes, TVector, T, TEpilogue, TWalk>(
                depth, height, in a, in a, in b, in steps, ref output, stride, turn, in epilogue, row, column, at, ref ahead);
        }
        else
        {
            Tile6<TLanes, TVector, T, TEpilogue, TWalk>(
                depth, height, in a, in b, in steps, ref output, stride, turn, in epilogue, row, column, at, ref ahead);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish<TLanes, TVector, T, TEpilogue>(
        TVector left, TVector right, ref T output, Turn turn, in TEpilogue epilogue, int row, int column, int at)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
    {
        if ((turn & Turn.Adds) != 0)
        {
            left = TLanes.Add(TLanes.Load(ref output, 0), left);
            right = TLanes.Add(TLanes.Load(ref output, (nuint)TLanes.Count), right);
        }

        if ((turn & Turn.Waits) == 0)
        {
            epilogue.ApplyBoth<TLanes, TVector>(ref left, ref right, row, column, at);
        }

        TLanes.Store(left, ref output, 0);
        TLanes.Store(right, ref output, (nuint)TLanes.Count);
    }

    // 12 rows of two vectors: 24 accumulators in named locals, so that the compiler keeps every one in a register. twin is a once more: an
    // element that is read once by each name is broadcast by the multiply-add itself, one instruction fewer where a core shares its front
    // end. Not for the first two rows: there are two loads to a cycle, and the vectors of b want theirs.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile12<TLanes, TVector, T, TEpilogue, TWalk>(
        int depth, int height, ref readonly T a, ref readonly T twin, ref readonly T b, ref readonly int steps, ref T output, nint stride, Turn turn,
        in TEpilogue epilogue, int row, int column, int at, scoped ref ReadAhead<T> ahead)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
        where TWalk : struct, IWalk
    {
        TVector c00 = TLanes.Zero, c01 = TLanes.Zero;
        TVector c10 = TLanes.Zero, c11 = TLanes.Zero;
        TVector c20 = TLanes.Zero, c21 = TLanes.Zero;
        TVector c30 = TLanes.Zero, c31 = TLanes.Zero;
        TVector c40 = TLanes.Zero, c41 = TLanes.Zero;
        TVector c50 = TLanes.Zero, c51 = TLanes.Zero;
        TVector c60 = TLanes.Zero, c61 = TLanes.Zero;
        TVector c70 = TLanes.Zero, c71 = TLanes.Zero;
        TVector c80 = TLanes.Zero, c81 = TLanes.Zero;
        TVector c90 = TLanes.Zero, c91 = TLanes.Zero;
        TVector cA0 = TLanes.Zero, cA1 = TLanes.Zero;
        TVector cB0 = TLanes.Zero, cB1 = TLanes.Zero;
        ref T rowOfA = ref Unsafe.AsRef(in a);
        ref T twinOfA = ref Unsafe.AsRef(in twin);
        ref T rowOfB = ref Unsafe.AsRef(in b);
        for (int k = 0; k < depth;)
        {
            int until = ahead.Ask(k, depth);
            for (; k < until; k++)
            {
                TVector b0 = TLanes.Load(ref rowOfB, 0);
                TVector b1 = TLanes.Load(ref rowOfB, (nuint)TLanes.Count);
                TVector a0 = TLanes.Broadcast(rowOfA);
                c00 = TLanes.MultiplyAdd(a0, b0, c00);
                c01 = TLanes.MultiplyAdd(a0, b1, c01);
                TVector a1 = TLanes.Broadcast(Unsafe.Add(ref rowOfA, 1));
                c10 = TLanes.MultiplyAdd(a1, b0, c10);
                c11 = TLanes.MultiplyAdd(a1, b1, c11);
                c20 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref rowOfA, 2)), b0, c20);
                c21 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref twinOfA, 2)), b1, c21);
                c30 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref rowOfA, 3)), b0, c30);
                c31 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref twinOfA, 3)), b1, c31);
                c40 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref rowOfA, 4)), b0, c40);
                c41 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref twinOfA, 4)), b1, c41);
                c50 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref rowOfA, 5)), b0, c50);
                c51 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref twinOfA, 5)), b1, c51);
                c60 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref rowOfA, 6)), b0, c60);
                c61 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref twinOfA, 6)), b1, c61);
                c70 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref rowOfA, 7)), b0, c70);
                c71 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref twinOfA, 7)), b1, c71);
                c80 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref rowOfA, 8)), b0, c80);
                c81 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref twinOfA, 8)), b1, c81);
                c90 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref rowOfA, 9)), b0, c90);
                c91 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref twinOfA, 9)), b1, c91);
                cA0 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref rowOfA, 10)), b0, cA0);
                cA1 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref twinOfA, 10)), b1, cA1);
                cB0 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref rowOfA, 11)), b0, cB0);
                cB1 = TLanes.MultiplyAdd(TLanes.Broadcast(Unsafe.Add(ref twinOfA, 11)), b1, cB1);
                rowOfA = ref Unsafe.Add(ref rowOfA, TileRows<TLanes, TVector, T>());
                twinOfA = ref Unsafe.Add(ref twinOfA, TileRows<TLanes, TVector, T>());
                rowOfB = ref TWalk.Next(ref rowOfB, 2 * TLanes.Count, in steps, k);
            }
        }

        Finish<TLanes, TVector, T, TEpilogue>(c00, c01, ref output, turn, in epilogue, row, column, at);
        Finish<TLanes, TVector, T, TEpilogue>(c10, c11, ref Unsafe.Add(ref output, stride), turn, in epilogue, row + 1, column, at + (int)stride);
        Finish<TLanes, TVector, T, TEpilogue>(c20, c21, ref Unsafe.Add(ref output, 2 * stride), turn, in epilogue, row + 2, column, at + (2 * (int)stride));
        Finish<TLanes, TVector, T, TEpilogue>(c30, c31, ref Unsafe.Add(ref output, 3 * stride), turn, in epilogue, row + 3, column, at + (3 * (int)stride));
        Finish<TLanes, TVector, T, TEpilogue>(c40, c41, ref Unsafe.Add(ref output, 4 * stride), turn, in epilogue, row + 4, column, at + (4 * (int)stride));
        Finish<TLanes, TVector, T, TEpilogue>(c50, c51, ref Unsafe.Add(ref output, 5 * stride), turn, in epilogue, row + 5, column, at + (5 * (int)stride));
        Finish<TLanes, TVector, T, TEpilogue>(c60, c61, ref Unsafe.Add(ref output, 6 * stride), turn, in epilogue, row + 6, column, at + (6 * (int)stride));
        if (height == 7)
        {
            return;
        }

        Finish<TLanes, TVector, T, TEpilogue>(c70, c71, ref Unsafe.Add(ref output, 7 * stride), turn, in epilogue, row + 7, column, at + (7 * (int)stride));
        if (height == 8)
        {
            return;
        }

        Finish<TLanes, TVector, T, TEpilogue>(c80, c81, ref Unsafe.Add(ref output, 8 * stride), turn, in epilogue, row + 8, column, at + (8 * (int)stride));
        if (height == 9)
        {
            return;
        }

        Finish<TLanes, TVector, T, TEpilogue>(c90, c91, ref Unsafe.Add(ref output, 9 * stride), turn, in epilogue, row + 9, column, at + (9 * (int)stride));
        if (height == 10)
        {
            return;
        }

        Finish<TLanes, TVector, T, TEpilogue>(cA0, cA1, ref Unsafe.Add(ref output, 10 * stride), turn, in epilogue, row + 10, column, at + (10 * (int)stride));
        if (height == 11)
        {
            return;
        }

        Finish<TLanes, TVector, T, TEpilogue>(cB0, cB1, ref Unsafe.Add(ref output, 11 * stride), turn, in epilogue, row + 11, column, at + (11 * (int)stride));
    }

    // 6 rows of two vectors: 12 accumulators in named locals, so that the compiler keeps every one in a register.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6<TLanes, TVector, T, TEpilogue, TWalk>(
        int depth, int height, ref readonly T a, ref readonly T b, ref readonly int steps, ref T output, nint stride, Turn turn,
        in TEpilogue epilogue, int row, int column, int at, scoped ref ReadAhead<T> ahead)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TEpilogue : struct, IEpilogue<T>
        where TWalk : struct, IWalk
    {
        TVector c00 = TLanes.Zero, c01 = TLanes.Zero;
        TVector c10 = TLanes.Zero, c11 = TLanes.Zero;
        TVector c20 = TLanes.Zero, c21 = TLanes.Zero;
        TVector c30 = TLanes.Zero, c31 = TLanes.Zero;
        TVector c40 = TLanes.Zero, c41 = TLanes.Zero;
        TVector c50 = TLanes.Zero, c51 = TLanes.Zero;
        ref T rowOfA = ref Unsafe.AsRef(in a);
        ref T rowOfB = ref Unsafe.AsRef(in b);
        for (int k = 0; k < depth;)
        {
            int until = ahead.Ask(k, depth);
            for (; k < until; k++)
            {
                TVector b0 = TLanes.Load(ref rowOfB, 0);
                TVector b1 = TLanes.Load(ref rowOfB, (nuint)TLanes.Count);
                TVector a0 = TLanes.Broadcast(rowOfA);
                c00 = TLanes.MultiplyAdd(a0, b0, c00);
                c01 = TLanes.MultiplyAdd(a0, b1, c01);
                TVector a1 = TLanes.Broadcast(Unsafe.Add(ref rowOfA, 1));
                c10 = TLanes.MultiplyAdd(a1, b0, c10);
                c11 = TLanes.MultiplyAdd(a1, b1, c11);
                TVector a2 = TLanes.Broadcast(Unsafe.Add(ref rowOfA, 2));
                c20 = TLanes.MultiplyAdd(a2, b0, c20);
                c21 = TLanes.MultiplyAdd(a2, b1, c21);
                TVector a3 = TLanes.Broadcast(Unsafe.Add(ref rowOfA, 3));
                c30 = TLanes.MultiplyAdd(a3, b0, c30);
                c31 = TLanes.MultiplyAdd(a3, b1, c31);
                TVector a4 = TLanes.Broadcast(Unsafe.Add(ref rowOfA, 4));
                c40 = TLanes.MultiplyAdd(a4, b0, c40);
                c41 = TLanes.MultiplyAdd(a4, b1, c41);
                TVector a5 = TLanes.Broadcast(Unsafe.Add(ref rowOfA, 5));
                c50 = TLanes.MultiplyAdd(a5, b0, c50);
                c51 = TLanes.MultiplyAdd(a5, b1, c51);
                rowOfA = ref Unsafe.Add(ref rowOfA, TileRows<TLanes, TVector, T>());
                rowOfB = ref TWalk.Next(ref rowOfB, 2 * TLanes.Count, in steps, k);
            }
        }

        Finish<TLanes, TVector, T, TEpilogue>(c00, c01, ref output, turn, in epilogue, row, column, at);
        if (height == 1)
        {
            return;
        }

        Finish<TLanes, TVector, T, TEpilogue>(c10, c11, ref Unsafe.Add(ref output, stride), turn, in epilogue, row + 1, column, at + (int)stride);
        if (height == 2)
        {
            return;
        }

        Finish<TLanes, TVector, T, TEpilogue>(c20, c21, ref Unsafe.Add(ref output, 2 * stride), turn, in epilogue, row + 2, column, at + (2 * (int)stride));
        if (height == 3)
        {
            return;
        }

        Finish<TLanes, TVector, T, TEpilogue>(c30, c31, ref Unsafe.Add(ref output, 3 * stride), turn, in epilogue, row + 3, column, at + (3 * (int)stride));
        if (height == 4)
        {
            return;
        }

        Finish<TLanes, TVector, T, TEpilogue>(c40, c41, ref Unsafe.Add(ref output, 4 * stride), turn, in epilogue, row + 4, column, at + (4 * (int)stride));
        if (height == 5)
        {
            return;
        }

        Finish<TLanes, TVector, T, TEpilogue>(c50, c51, ref Unsafe.Add(ref output, 5 * stride), turn, in epilogue, row + 5, column, at + (5 * (int)stride));
    }
}
