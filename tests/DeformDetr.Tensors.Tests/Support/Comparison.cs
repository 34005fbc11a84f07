using System.Numerics;
using System.Runtime.InteropServices;
using DeformDetr.Independent;

namespace DeformDetr.Tensors.Tests.Support;

/// <summary>Comparison of tensors with an allowance for every element. Anything that is not known to be close is far.</summary>
internal static class Comparison
{
    /// <summary>The sentence that says where a tensor first goes wrong, or null. NaN and infinities agree with themselves only.</summary>
    public static string? Difference(TensorShape shape, DoubleDouble[] expected, double[] bound, TensorShape actualShape, double[] actual)
    {
        if (actualShape != shape)
        {
            return $"shape is {actualShape}; expected {shape}.";
        }

        if (expected.Length != shape.ElementCount || bound.Length != shape.ElementCount || actual.Length != shape.ElementCount)
        {
            return FormattableString.Invariant($"{actual.Length} values, {expected.Length} expected, {bound.Length} bounds; expected {shape.ElementCount} of each.");
        }

        int wrong = 0;
        int firstWrong = 0;
        for (int i = 0; i < actual.Length; i++)
        {
            double high = expected[i].High;
            double difference = Math.Abs((actual[i] - high) - expected[i].Low);
            bool agrees = double.IsFinite(high) ? difference <= bound[i] : actual[i].Equals(high);
            if (!agrees)
            {
                firstWrong = wrong++ == 0 ? i : firstWrong;
            }
        }

        return wrong == 0
            ? null
            : FormattableString.Invariant($"{wrong} of {actual.Length} differ, first at [{string.Join(", ", Layout.Indices(firstWrong, shape.Sizes))}] of {shape}: ")
                + FormattableString.Invariant($"{actual[firstWrong]:R}; expected {expected[firstWrong].High:R} +- {bound[firstWrong]:G3}.");
    }

    public static void Within<T>(TensorShape shape, DoubleDouble[] expected, double[] bound, Tensor<T> actual, string what = "")
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        string? difference = Difference(shape, expected, bound, actual.Shape, actual.Doubles());
        Assert.True(difference is null, $"{what} {typeof(T).Name}: {difference}");
    }

    /// <summary>Both tensors lie within the bound of each other.</summary>
    public static void Close<T>(Tensor<T> expected, double[] bound, Tensor<T> actual, string what = "")
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        Within(expected.Shape, expected.Doubles().Exactly(), bound, actual, what);

    /// <summary>
    /// The result is the exact value rounded once: within half a unit in the last place of T, a millionth more for rounding twice, and the given allowance for the arithmetic in double before.
    /// </summary>
    public static void RoundedOnce<T>(TensorShape shape, DoubleDouble[] exact, double[] noise, Tensor<T> actual, string what = "")
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        Within(shape, exact, [.. exact.Zip(noise, (value, more) => (HalfUlp<T>(value.High) * (1 + 1e-6)) + more)], actual, what);

    /// <summary>Half a unit in the last place of T at a value.</summary>
    public static double HalfUlp<T>(double value)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int fraction = typeof(T) == typeof(float) ? 23 : 52;
        int least = typeof(T) == typeof(float) ? -126 : -1022;
        int exponent = value == 0 || !double.IsFinite(value) ? least : Math.Max(least, Math.ILogB(value));
        return Math.ScaleB(0.5, exponent - fraction);
    }

    /// <summary>The same shape and the same bits, those of zeros and NaNs included.</summary>
    public static void SameBits<T>(Tensor<T> expected, Tensor<T> actual, string what = "")
        where T : unmanaged
    {
        Assert.True(expected.Shape == actual.Shape, $"{what}: shape is {actual.Shape}; expected {expected.Shape}.");
        SameBits(expected.AsReadOnlySpan(), actual.AsReadOnlySpan(), $"{what} {expected.Shape}");
    }

    public static void SameBits<T>(ReadOnlySpan<T> expected, ReadOnlySpan<T> actual, string what = "")
        where T : unmanaged
    {
        Assert.Equal(expected.Length, actual.Length);
        int size = expected.Length == 0 ? 1 : MemoryMarshal.AsBytes(expected).Length / expected.Length;
        int same = MemoryMarshal.AsBytes(expected).CommonPrefixLength(MemoryMarshal.AsBytes(actual)) / size;
        if (same < expected.Length)
        {
            Assert.Fail($"{what}: element {same} is {actual[same]}; expected the bits of {expected[same]}.");
        }
    }

    /// <summary>The same bits, where a NaN may be any NaN and nothing else: IEEE 754 leaves open which one several give.</summary>
    public static void SameNumbers<T>(ReadOnlySpan<T> expected, ReadOnlySpan<T> actual, string what = "")
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => SameBits<T>(OneNaN(expected), OneNaN(actual), what);

    public static void SameNumbers<T>(Tensor<T> expected, Tensor<T> actual, string what = "")
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Assert.True(expected.Shape == actual.Shape, $"{what}: shape is {actual.Shape}; expected {expected.Shape}.");
        SameNumbers(expected.AsReadOnlySpan(), actual.AsReadOnlySpan(), $"{what} {expected.Shape}");
    }

    private static T[] OneNaN<T>(ReadOnlySpan<T> values)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] copy = values.ToArray();
        foreach (ref T value in copy.AsSpan())
        {
            value = T.IsNaN(value) ? T.NaN : value;
        }

        return copy;
    }

    /// <summary>Simd bodies give the same bits whatever the number of threads.</summary>
    public static void SameBitsForThreads<T>(Func<OperatorContext, Tensor<T>> run)
        where T : unmanaged
    {
        Tensor<T> one = run(new OperatorContext(Kernels.Simd));
        foreach (int threads in new[] { 2, 3, 7 })
        {
            SameBits(one, run(new OperatorContext(Kernels.Simd, threads)), FormattableString.Invariant($"{threads} threads"));
        }
    }

    /// <summary>One image of a batch (or one row of many) gives the bits that it gives alone, at every place of the batch.</summary>
    public static void SameBitsAlone<T>(Tensor<T> batch, Func<OperatorContext, Tensor<T>, Tensor<T>> run)
        where T : unmanaged
    {
        OperatorContext context = new(Kernels.Simd, 2);
        Tensor<T> together = run(context, batch);
        int count = batch.Shape[0];
        for (int n = 0; n < count; n++)
        {
            Tensor<T> alone = run(context, Tensor<T>.Create(batch.Shape.With(0, 1), batch.AsReadOnlySpan().Slice(n * (batch.Length / count), batch.Length / count)));
            SameBits(alone.AsReadOnlySpan(), together.AsReadOnlySpan().Slice(n * (together.Length / count), together.Length / count), FormattableString.Invariant($"alone and at {n}"));
        }
    }
}
