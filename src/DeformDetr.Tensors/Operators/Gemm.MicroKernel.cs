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
internal static partial class Gemm
{
    // 12 x 2 vectors want 27 registers: AVX-512 has 32. With 16 registers 6 x 2 is the largest that fits.
    private static int TileRows<TLanes, TVector, T>()
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Unsafe.SizeOf<TVector>() == 64 ? 12 : 6;

    private static void Tile<TLanes, TVector, T>(int depth, ref readonly T a, ref readonly T b, ref T tile)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (Unsafe.SizeOf<TVector>() == 64)
        {
            Tile12<TLanes, TVector, T>(depth, in a, in b, ref tile);
        }
        else
        {
            Tile6<TLanes, TVector, T>(depth, in a, in b, ref tile);
        }
    }

    // 12 rows of two vectors: 24 accumulators in named locals, so that the compiler keeps every one in a register.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile12<TLanes, TVector, T>(int depth, ref readonly T a, ref readonly T b, ref T tile)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
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
        ref T rowOfB = ref Unsafe.AsRef(in b);
        for (int k = 0; k < depth; k++)
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
            TVector a6 = TLanes.Broadcast(Unsafe.Add(ref rowOfA, 6));
            c60 = TLanes.MultiplyAdd(a6, b0, c60);
            c61 = TLanes.MultiplyAdd(a6, b1, c61);
            TVector a7 = TLanes.Broadcast(Unsafe.Add(ref rowOfA, 7));
            c70 = TLanes.MultiplyAdd(a7, b0, c70);
            c71 = TLanes.MultiplyAdd(a7, b1, c71);
            TVector a8 = TLanes.Broadcast(Unsafe.Add(ref rowOfA, 8));
            c80 = TLanes.MultiplyAdd(a8, b0, c80);
            c81 = TLanes.MultiplyAdd(a8, b1, c81);
            TVector a9 = TLanes.Broadcast(Unsafe.Add(ref rowOfA, 9));
            c90 = TLanes.MultiplyAdd(a9, b0, c90);
            c91 = TLanes.MultiplyAdd(a9, b1, c91);
            TVector aA = TLanes.Broadcast(Unsafe.Add(ref rowOfA, 10));
            cA0 = TLanes.MultiplyAdd(aA, b0, cA0);
            cA1 = TLanes.MultiplyAdd(aA, b1, cA1);
            TVector aB = TLanes.Broadcast(Unsafe.Add(ref rowOfA, 11));
            cB0 = TLanes.MultiplyAdd(aB, b0, cB0);
            cB1 = TLanes.MultiplyAdd(aB, b1, cB1);
            rowOfA = ref Unsafe.Add(ref rowOfA, 12);
            rowOfB = ref Unsafe.Add(ref rowOfB, 2 * TLanes.Count);
        }

        nuint width = (nuint)TLanes.Count;
        TLanes.Store(c00, ref tile, 0);
        TLanes.Store(c01, ref tile, width);
        TLanes.Store(c10, ref tile, 2 * width);
        TLanes.Store(c11, ref tile, 3 * width);
        TLanes.Store(c20, ref tile, 4 * width);
        TLanes.Store(c21, ref tile, 5 * width);
        TLanes.Store(c30, ref tile, 6 * width);
        TLanes.Store(c31, ref tile, 7 * width);
        TLanes.Store(c40, ref tile, 8 * width);
        TLanes.Store(c41, ref tile, 9 * width);
        TLanes.Store(c50, ref tile, 10 * width);
        TLanes.Store(c51, ref tile, 11 * width);
        TLanes.Store(c60, ref tile, 12 * width);
        TLanes.Store(c61, ref tile, 13 * width);
        TLanes.Store(c70, ref tile, 14 * width);
        TLanes.Store(c71, ref tile, 15 * width);
        TLanes.Store(c80, ref tile, 16 * width);
        TLanes.Store(c81, ref tile, 17 * width);
        TLanes.Store(c90, ref tile, 18 * width);
        TLanes.Store(c91, ref tile, 19 * width);
        TLanes.Store(cA0, ref tile, 20 * width);
        TLanes.Store(cA1, ref tile, 21 * width);
        TLanes.Store(cB0, ref tile, 22 * width);
        TLanes.Store(cB1, ref tile, 23 * width);
    }

    // 6 rows of two vectors: 12 accumulators in named locals, so that the compiler keeps every one in a register.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Tile6<TLanes, TVector, T>(int depth, ref readonly T a, ref readonly T b, ref T tile)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TVector c00 = TLanes.Zero, c01 = TLanes.Zero;
        TVector c10 = TLanes.Zero, c11 = TLanes.Zero;
        TVector c20 = TLanes.Zero, c21 = TLanes.Zero;
        TVector c30 = TLanes.Zero, c31 = TLanes.Zero;
        TVector c40 = TLanes.Zero, c41 = TLanes.Zero;
        TVector c50 = TLanes.Zero, c51 = TLanes.Zero;
        ref T rowOfA = ref Unsafe.AsRef(in a);
        ref T rowOfB = ref Unsafe.AsRef(in b);
        for (int k = 0; k < depth; k++)
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
            rowOfA = ref Unsafe.Add(ref rowOfA, 6);
            rowOfB = ref Unsafe.Add(ref rowOfB, 2 * TLanes.Count);
        }

        nuint width = (nuint)TLanes.Count;
        TLanes.Store(c00, ref tile, 0);
        TLanes.Store(c01, ref tile, width);
        TLanes.Store(c10, ref tile, 2 * width);
        TLanes.Store(c11, ref tile, 3 * width);
        TLanes.Store(c20, ref tile, 4 * width);
        TLanes.Store(c21, ref tile, 5 * width);
        TLanes.Store(c30, ref tile, 6 * width);
        TLanes.Store(c31, ref tile, 7 * width);
        TLanes.Store(c40, ref tile, 8 * width);
        TLanes.Store(c41, ref tile, 9 * width);
        TLanes.Store(c50, ref tile, 10 * width);
        TLanes.Store(c51, ref tile, 11 * width);
    }
}
