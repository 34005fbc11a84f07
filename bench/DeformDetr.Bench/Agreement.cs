using DeformDetr.Tensors;

namespace DeformDetr.Bench;

// Verify, then time: a benchmark of something that computes another result says nothing.
internal static class Agreement
{
    public static void Require(Tensor<float> textbook, Tensor<float> simd)
    {
        double scale = 0;
        double error = 0;
        for (int i = 0; i < textbook.Length; i++)
        {
            scale = Math.Max(scale, Math.Abs(textbook.AsReadOnlySpan()[i]));
            error = Math.Max(error, Math.Abs((double)textbook.AsReadOnlySpan()[i] - simd.AsReadOnlySpan()[i]));
        }

        if (!(error <= 1e-4 * scale))
        {
            throw new InvalidOperationException(string.Create(
                System.Globalization.CultureInfo.InvariantCulture, $"the two bodies differ by {error:G3} on a scale of {scale:G3}; expected agreement before timing."));
        }
    }

    public static Tensor<float> Random(int seed, TensorShape shape, float least = -1, float most = 1)
    {
        Random random = new(seed);
        Tensor<float> tensor = new(shape);
        foreach (ref float value in tensor.AsSpan())
        {
            value = least + (random.NextSingle() * (most - least));
        }

        return tensor;
    }
}
