using System.Numerics;
using System.Runtime.CompilerServices;

namespace DeformDetr.Tensors.Numerics;

/// <summary>How textbook bodies compute: widen to double, calculate, round once.</summary>
public static class Rounding
{
    /// <summary>The same number in double; exact.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="value">Any value.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Widen<T>(T value)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        typeof(T) == typeof(float) ? (float)(object)value : (double)(object)value;

    /// <summary>The nearest <typeparamref name="T"/>, ties to even.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="value">Any value.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Round<T>(double value)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        typeof(T) == typeof(float) ? (T)(object)(float)value : (T)(object)value;
}
