using System.Numerics;
using DeformDetr.Independent;

namespace DeformDetr.Tensors.Tests.Support;

/// <summary>What numbers a case is filled with. The distribution decides what a test can see: an epsilon in the wrong place shows only where rows are nearly constant.</summary>
internal enum Family
{
    Plain,
    NearConstant,
    Huge,
    Tiny,
    AllEqual,
    Zeros,
}

internal static class Values
{
    /// <summary>Values of a family, the innermost axis being a row.</summary>
    public static Tensor<T> Draw<T>(Random random, Family family, params ReadOnlySpan<int> sizes)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TensorShape shape = TensorShape.Create(sizes);
        Tensor<T> tensor = new(shape);
        int width = shape.Rank == 0 ? 1 : Math.Max(1, shape[^1]);
        double level = Signed(random);
        for (int i = 0; i < tensor.Length; i++)
        {
            if (i % width == 0 && family == Family.NearConstant)
            {
                level = 4 * Signed(random);
            }

            tensor.AsSpan()[i] = T.CreateTruncating(family switch
            {
                Family.NearConstant => level * (1 + (1e-4 * Signed(random))),
                Family.Huge => 1e12 * Signed(random),
                Family.Tiny => 1e-12 * Signed(random),
                Family.AllEqual => level,
                Family.Zeros => 0.0,
                _ => 2 * Signed(random),
            });
        }

        return tensor;
    }

    /// <summary>Ordinary values between -2 and 2.</summary>
    public static Tensor<T> Draw<T>(Random random, params ReadOnlySpan<int> sizes)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Draw<T>(random, Family.Plain, sizes);

    public static Tensor<T> Of<T>(TensorShape shape, params ReadOnlySpan<double> values)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] rounded = new T[values.Length];
        for (int i = 0; i < rounded.Length; i++)
        {
            rounded[i] = T.CreateTruncating(values[i]);
        }

        return Tensor<T>.FromArray(shape, rounded);
    }

    /// <summary>0, 1, 2 …: every element tells where it stood.</summary>
    public static Tensor<T> Counting<T>(params ReadOnlySpan<int> sizes)
        where T : unmanaged, INumberBase<T>
    {
        Tensor<T> tensor = new(TensorShape.Create(sizes));
        for (int i = 0; i < tensor.Length; i++)
        {
            tensor.AsSpan()[i] = T.CreateTruncating(i);
        }

        return tensor;
    }

    public static double[] Doubles<T>(this Tensor<T> tensor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double[] values = new double[tensor.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = double.CreateTruncating(tensor.AsReadOnlySpan()[i]);
        }

        return values;
    }

    /// <summary>The magnitudes of a tensor's elements.</summary>
    public static Tensor<T> Magnitudes<T>(this Tensor<T> tensor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> result = tensor.Clone();
        foreach (ref T value in result.AsSpan())
        {
            value = T.Abs(value);
        }

        return result;
    }

    /// <summary>About one element in so many becomes a zero, a subnormal or, unless all must be finite, NaN or infinite.</summary>
    public static Tensor<T> WithSpecials<T>(this Tensor<T> tensor, Random random, int oneIn, bool finite = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] special =
        [
            T.NegativeZero, T.Zero, T.Epsilon, -T.Epsilon, T.Epsilon * T.CreateTruncating(12345), T.CreateTruncating(-1e-38),
            T.NaN, T.PositiveInfinity, T.NegativeInfinity, T.BitDecrement(T.PositiveInfinity),
        ];
        foreach (ref T value in tensor.AsSpan())
        {
            value = random.Next(oneIn) == 0 ? special[random.Next(finite ? 6 : special.Length)] : value;
        }

        return tensor;
    }

    public static DoubleDouble[] Exactly(this double[] values) => [.. values.Select(value => (DoubleDouble)value)];

    private static double Signed(Random random) => (2 * random.NextDouble()) - 1;
}
