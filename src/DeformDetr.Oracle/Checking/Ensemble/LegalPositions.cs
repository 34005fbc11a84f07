using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle;

// Position encodings and proposals as the original has them, every step in float32.
internal static class LegalPositions
{
    private const float Turn = (float)(2 * Math.PI);

    // The encoding of a proposal's four numbers.
    private const int Features = 128;

    // Masks [N, H, W], true where padded, to [N, C, H, W]: y in the first half of the channels, x in the second.
    public static Tensor<float> Sine(OperatorContext context, Tensor<bool> mask, int channels)
    {
        (int n, int height, int width) = (mask.Shape[0], mask.Shape[1], mask.Shape[2]);
        int pixels = height * width;
        int half = channels / 2;
        float[] divisors = Divisors(half);
        Tensor<float> output = context.Rent<float>([n, channels, height, width]);
        context.Split(n, 1, (first, last) =>
        {
            for (int item = first; item < last; item++)
            {
                float[] y = new float[pixels];
                float[] x = new float[pixels];
                ReadOnlySpan<bool> masked = mask.AsReadOnlySpan().Slice(item * pixels, pixels);
                for (int column = 0; column < width; column++)
                {
                    Embed(masked, y, column, width, height);
                }

                for (int row = 0; row < height; row++)
                {
                    Embed(masked, x, row * width, 1, width);
                }

                for (int channel = 0; channel < channels; channel++)
                {
                    int feature = channel % half;
                    float[] embed = channel < half ? y : x;
                    Span<float> map = output.AsSpan().Slice(((item * channels) + channel) * pixels, pixels);
                    for (int i = 0; i < pixels; i++)
                    {
                        map[i] = Wave(embed[i], feature, divisors);
                    }
                }
            }
        });
        return output;
    }

    // Fractions of the picture [N, Q, 4] to [N, Q, 512].
    public static Tensor<float> Proposals(OperatorContext context, Tensor<float> fractions)
    {
        float[] divisors = Divisors(Features);
        Tensor<float> output = context.Rent<float>([fractions.Shape[0], fractions.Shape[1], 4 * Features]);
        context.Split(fractions.Length, 64, (first, last) =>
        {
            for (int i = first * Features; i < last * Features; i++)
            {
                output.AsSpan()[i] = Wave(fractions.AsReadOnlySpan()[i / Features] * Turn, i % Features, divisors);
            }
        });
        return output;
    }

    // The logit of the rounded fraction that a proposal's logit stands for; +inf stays.
    public static void Logits(LogisticOrder order, Span<float> logits)
    {
        foreach (ref float y in logits)
        {
            if (float.IsFinite(y))
            {
                float p = (float)Elementary.Sigmoid((double)y);
                y = order == LogisticOrder.Difference ? Elementary.Log(p) - Elementary.Log(1 - p) : Elementary.Log(p / (1 - p));
            }
        }
    }

    // How many pixels up to here aren't padded, of all in the line, as an angle.
    private static void Embed(ReadOnlySpan<bool> masked, Span<float> embed, int start, int step, int length)
    {
        float total = 0;
        for (int at = 0; at < length; at++)
        {
            total += masked[start + (at * step)] ? 0 : 1;
            embed[start + (at * step)] = total;
        }

        for (int at = 0; at < length; at++)
        {
            embed[start + (at * step)] = (embed[start + (at * step)] - 0.5f) / (total + 1e-6f) * Turn;
        }
    }

    private static float[] Divisors(int features) =>
        [.. Enumerable.Range(0, features).Select(feature => Elementary.Pow(10000f, 2f * (feature / 2) / features))];

    private static float Wave(float embed, int feature, float[] divisors)
    {
        float argument = embed / divisors[feature];
        return feature % 2 == 0 ? Elementary.Sin(argument) : Elementary.Cos(argument);
    }
}
