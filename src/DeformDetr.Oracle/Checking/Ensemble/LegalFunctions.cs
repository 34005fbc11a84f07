using System.Numerics.Tensors;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle;

// float32 pieces that legal orders are made of.
internal static class LegalFunctions
{
    public static float Sum(ReadOnlySpan<float> terms, RowOrder order) => order switch
    {
        RowOrder.OneChain => Chain(terms),
        RowOrder.EightChains => EightChains(terms),
        _ => Pairwise(terms),
    };

    public static void Exp(ReadOnlySpan<float> x, Span<float> y, bool loose)
    {
        Elementary.Exp(x, y);
        Loosen(y[..x.Length], loose);
    }

    public static void Log(ReadOnlySpan<float> x, Span<float> y, bool loose)
    {
        Elementary.Log(x, y);
        Loosen(y[..x.Length], loose);
    }

    public static void Erf(ReadOnlySpan<float> x, Span<float> y, bool loose)
    {
        Elementary.Erf(x, y);
        Loosen(y[..x.Length], loose);
    }

    public static float MultiplyAdd(float a, float b, float c, bool fused) => fused ? MathF.FusedMultiplyAdd(a, b, c) : (a * b) + c;

    // y = x · factor + shift.
    public static void Affine(ReadOnlySpan<float> x, float factor, float shift, Span<float> y, bool fused)
    {
        for (int i = 0; i < x.Length; i++)
        {
            y[i] = MultiplyAdd(x[i], factor, shift, fused);
        }
    }

    // Moves a value to a neighbour in about half the cases, by its own bits. What a library has exact (0, 1) stays.
    private static void Loosen(Span<float> values, bool loose)
    {
        if (!loose)
        {
            return;
        }

        foreach (ref float value in values)
        {
            if (value is 0 or 1 or -1 || !float.IsNormal(value))
            {
                continue;
            }

            float moved = ((BitConverter.SingleToUInt32Bits(value) * 2654435761u) >> 30) switch
            {
                0 => float.BitDecrement(value),
                1 => float.BitIncrement(value),
                _ => value,
            };
            value = float.IsNormal(moved) ? moved : value;
        }
    }

    private static float Chain(ReadOnlySpan<float> terms)
    {
        float sum = 0;
        foreach (float term in terms)
        {
            sum += term;
        }

        return sum;
    }

    private static float EightChains(ReadOnlySpan<float> terms)
    {
        Span<float> sums = stackalloc float[8];
        int i = 0;
        for (; i + 8 <= terms.Length; i += 8)
        {
            TensorPrimitives.Add(sums, terms.Slice(i, 8), sums);
        }

        for (int lane = 0; i < terms.Length; i++, lane++)
        {
            sums[lane] += terms[i];
        }

        return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
    }

    private static float Pairwise(ReadOnlySpan<float> terms) =>
        terms.Length <= 8 ? Chain(terms) : Pairwise(terms[..(terms.Length / 2)]) + Pairwise(terms[(terms.Length / 2)..]);
}
