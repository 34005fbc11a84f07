using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeformDetr.Tensors.Simd;

/// <summary>Loads and stores of double lanes over tensors of float or double.</summary>
public static class Lanes
{
    /// <summary>Consecutive elements, widened to double where they are float.</summary>
    /// <typeparam name="TLanes">The vocabulary.</typeparam>
    /// <typeparam name="TVector">A vector of double.</typeparam>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="source">Start of the data.</param>
    /// <param name="offset">How many elements further.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector, T>(ref readonly T source, nuint offset)
        where TLanes : struct, IDoubleLanes<TVector>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        typeof(T) == typeof(float)
            ? TLanes.Load(in Unsafe.As<T, float>(ref Unsafe.AsRef(in source)), offset)
            : TLanes.Load(in Unsafe.As<T, double>(ref Unsafe.AsRef(in source)), offset);

    /// <summary>Stores consecutive elements, rounded once where they are float.</summary>
    /// <typeparam name="TLanes">The vocabulary.</typeparam>
    /// <typeparam name="TVector">A vector of double.</typeparam>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="value">What to store.</param>
    /// <param name="destination">Start of the data.</param>
    /// <param name="offset">How many elements further.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLanes, TVector, T>(TVector value, ref T destination, nuint offset)
        where TLanes : struct, IDoubleLanes<TVector>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float))
        {
            TLanes.Store(value, ref Unsafe.As<T, float>(ref destination), offset);
        }
        else
        {
            TLanes.Store(value, ref Unsafe.As<T, double>(ref destination), offset);
        }
    }
}
