using System.Globalization;
using System.Numerics;
using DeformDetr.Tensors;

namespace DeformDetr.Bench;

// Verify, then time: a benchmark of something that computes another result says nothing.
internal static class Agreement
{
    public static void Require<T>(Tensor<T> textbook, Tensor<T> simd)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (textbook.Shape != simd.Shape)
        {
            throw new InvalidOperationException($"the two bodies give {textbook.Shape} and {simd.Shape}; expected one shape.");
        }

        double scale = 0;
        double error = 0;
        for (int i = 0; i < textbook.Length; i++)
        {
            double expected = double.CreateTruncating(textbook.AsReadOnlySpan()[i]);
            scale = Math.Max(scale, Math.Abs(expected));
            error = Math.Max(error, Math.Abs(expected - double.CreateTruncating(simd.AsReadOnlySpan()[i])));
        }

        if (!(error <= (typeof(T) == typeof(float) ? 1e-4 : 1e-12) * scale))
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture,
                $"the two bodies differ by {error:G3} on a scale of {scale:G3}; expected agreement before timing."));
        }
    }

    public static Tensor<T> Random<T>(int seed, TensorShape shape, double least = -1, double most = 1)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Random random = new(seed);
        Tensor<T> tensor = new(shape);
        foreach (ref T value in tensor.AsSpan())
        {
            value = T.CreateTruncating(least + (random.NextDouble() * (most - least)));
        }

        return tensor;
    }

    public static Tensor<float> Random(int seed, TensorShape shape, double least = -1, double most = 1) =>
        Random<float>(seed, shape, least, most);
}
