using System.Numerics;
using System.Runtime.InteropServices;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests;

// Comparisons that name the first element that is wrong.
internal static class Expect
{
    public static void SameBits(Tensor expected, Tensor actual, string what = "tensor")
    {
        Assert.True(expected.Shape == actual.Shape, $"{what}: shape {actual.Shape}, expected {expected.Shape}");
        switch (expected)
        {
            case Tensor<float> t: Bits(t, (Tensor<float>)actual, what); break;
            case Tensor<double> t: Bits(t, (Tensor<double>)actual, what); break;
            case Tensor<long> t: Bits(t, (Tensor<long>)actual, what); break;
            case Tensor<bool> t: Bits(t, (Tensor<bool>)actual, what); break;
            default: Assert.Fail($"{what}: elements of {expected.ElementType}"); break;
        }
    }

    // The same bits, where a NaN may be any NaN and nothing else.
    public static void SameNumbers<T>(Tensor<T> expected, Tensor<T> actual, string what = "tensor")
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => SameBits(OneNaN(expected), OneNaN(actual), what);

    private static Tensor<T> OneNaN<T>(Tensor<T> tensor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> copy = tensor.Clone();
        foreach (ref T value in copy.AsSpan())
        {
            value = T.IsNaN(value) ? T.NaN : value;
        }

        return copy;
    }

    // |actual - expected| within the allowance of each element; infinities and NaN at the same places.
    public static void Close(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, Func<int, double> allowance, string what = "tensor")
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            bool same = double.IsFinite(expected[i]) ? Math.Abs(actual[i] - expected[i]) <= allowance(i) : expected[i].Equals(actual[i]);
            if (!same)
            {
                Assert.Fail(FormattableString.Invariant($"{what}: element {i} is {actual[i]:R}, expected {expected[i]:R} within {allowance(i):E2}"));
            }
        }
    }

    // All elements within relative times the largest finite magnitude expected.
    public static void Close(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double relative, string what = "tensor")
    {
        double scale = 0;
        foreach (double value in expected)
        {
            scale = double.IsFinite(value) ? Math.Max(scale, Math.Abs(value)) : scale;
        }

        Close(expected, actual, _ => relative * scale, what);
    }

    // This text, in one line.
    public static void Refusal<TException>(string message, Func<object?> action)
        where TException : Exception
    {
        TException exception = Assert.Throws<TException>(() => { action(); });
        Assert.Equal(message, exception.Message);
        Assert.DoesNotContain('\n', exception.Message);
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

    private static void Bits<T>(Tensor<T> expected, Tensor<T> actual, string what)
        where T : unmanaged
    {
        ReadOnlySpan<byte> left = MemoryMarshal.AsBytes(expected.AsReadOnlySpan());
        ReadOnlySpan<byte> right = MemoryMarshal.AsBytes(actual.AsReadOnlySpan());
        int at = left.CommonPrefixLength(right);
        if (at < left.Length)
        {
            int i = at / System.Runtime.CompilerServices.Unsafe.SizeOf<T>();
            Assert.Fail(FormattableString.Invariant($"{what} {expected.Shape}: element {i} is {actual.AsReadOnlySpan()[i]}, expected the bits of {expected.AsReadOnlySpan()[i]}"));
        }
    }
}
