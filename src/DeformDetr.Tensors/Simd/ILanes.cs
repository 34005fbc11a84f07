using System.Numerics;

namespace DeformDetr.Tensors.Simd;

/// <summary>
/// The vector vocabulary: what a Simd body may do with a vector. A body is written once over <typeparamref name="TVector"/> and runs at
/// every width, where a lane means one output (or one element) and never the machine's width. Multiply-add is always fused.
/// </summary>
/// <typeparam name="TVector">A vector of <typeparamref name="T"/>.</typeparam>
/// <typeparam name="T">float or double.</typeparam>
public interface ILanes<TVector, T>
    where TVector : struct
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>How many lanes.</summary>
    static abstract int Count { get; }

    /// <summary>Zero in every lane.</summary>
    static abstract TVector Zero { get; }

    /// <summary>The same number in every lane.</summary>
    /// <param name="value">The number.</param>
    static abstract TVector Broadcast(T value);

    /// <summary>Consecutive elements from <paramref name="source"/> + <paramref name="offset"/> elements.</summary>
    /// <param name="source">Start of the data.</param>
    /// <param name="offset">How many elements further.</param>
    static abstract TVector Load(ref readonly T source, nuint offset);

    /// <summary>Stores consecutive elements.</summary>
    /// <param name="value">What to store.</param>
    /// <param name="destination">Start of the data.</param>
    /// <param name="offset">How many elements further.</param>
    static abstract void Store(TVector value, ref T destination, nuint offset);

    /// <summary>a · b + c, rounded once.</summary>
    /// <param name="a">A factor.</param>
    /// <param name="b">A factor.</param>
    /// <param name="c">The addend.</param>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>a + b.</summary>
    /// <param name="a">One addend.</param>
    /// <param name="b">The other.</param>
    static abstract TVector Add(TVector a, TVector b);

    /// <summary>a - b.</summary>
    /// <param name="a">The minuend.</param>
    /// <param name="b">The subtrahend.</param>
    static abstract TVector Subtract(TVector a, TVector b);

    /// <summary>a · b.</summary>
    /// <param name="a">One factor.</param>
    /// <param name="b">The other.</param>
    static abstract TVector Multiply(TVector a, TVector b);

    /// <summary>a / b.</summary>
    /// <param name="a">The dividend.</param>
    /// <param name="b">The divisor.</param>
    static abstract TVector Divide(TVector a, TVector b);

    /// <summary>The larger in each lane, as IEEE 754 maximum: NaN if either is NaN, +0 above -0.</summary>
    /// <param name="a">One.</param>
    /// <param name="b">The other.</param>
    static abstract TVector Max(TVector a, TVector b);

    /// <summary>The positive part of each lane: +0 where a is not above zero (-0 too), NaN where it is NaN.</summary>
    /// <param name="a">Any lanes.</param>
    static abstract TVector Positive(TVector a);
}
