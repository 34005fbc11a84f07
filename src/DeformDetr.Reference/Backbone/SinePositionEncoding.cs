// Equation: y′ = (Σ valid rows up to y − 0.5) / (valid rows + 1e-6) · 2π, likewise x′; channel 2i is sin(y′ / 10000^(2i/F)), 2i + 1 its
// cosine; the y half (F channels) stands before the x half.
// Mirrors PositionEmbeddingSine(normalize=True) in models/position_encoding.py.
using System.Numerics;
using System.Runtime.InteropServices;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Reference;

/// <summary>Sines and cosines of the position within the unpadded picture.</summary>
public static class SinePositionEncoding
{
    private const double Epsilon = 1e-6;

    /// <summary>Encodes every cell.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="mask">True is padding. Shape [N, H, W].</param>
    /// <param name="channels">C = 2 · F, a multiple of 4.</param>
    /// <returns>Shape [N, C, H, W]. Under the mask the numbers carry no information (the original divides by 1e-6 there).</returns>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<bool> mask, int channels)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.Rank("sine position encoding", nameof(mask), mask.Shape, "[N, H, W]", 3);
        ShapeGuard.That(
            channels > 0 && channels % 4 == 0, "sine position encoding", nameof(channels), $"holds {channels}; expected a multiple of 4.");
        int height = mask.Shape[1];
        int width = mask.Shape[2];
        int half = channels / 2;
        double[] dimT = Frequencies(half);
        double[] yEmbed = new double[height * width];
        double[] xEmbed = new double[height * width];
        Tensor<T> output = context.Rent<T>([mask.Shape[0], channels, height, width]);
        for (int n = 0; n < mask.Shape[0]; n++)
        {
            Positions(mask.AsReadOnlySpan().Slice(n * height * width, height * width), height, width, yEmbed, xEmbed);
            int item = n;
            context.Split(channels, 4, (first, last) =>
            {
                for (int channel = first; channel < last; channel++)
                {
                    ReadOnlySpan<long> embed = MemoryMarshal.Cast<double, long>(channel < half ? yEmbed : xEmbed);
                    int feature = channel % half;
                    Span<T> map = output.AsSpan().Slice(((item * channels) + channel) * height * width, height * width);
                    for (int row = 0; row < height; row++)
                    {
                        // Positions mostly repeat along a row (y) or from row to row (x); the same position (compared as
                        // bits, which is quicker) has the same encoding.
                        Span<T> cells = map.Slice(row * width, width);
                        ReadOnlySpan<long> positions = embed.Slice(row * width, width);
                        if (row > 0 && positions.SequenceEqual(embed.Slice((row - 1) * width, width)))
                        {
                            map.Slice((row - 1) * width, width).CopyTo(cells);
                            continue;
                        }

                        for (int done = 0; done < width;)
                        {
                            int alike = positions[done..].IndexOfAnyExcept(positions[done]);
                            alike = alike < 0 ? width - done : alike;
                            cells.Slice(done, alike).Fill(Round<T>(Wave(BitConverter.Int64BitsToDouble(positions[done]) / dimT[feature], feature)));
                            done += alike;
                        }
                    }
                }
            });
        }

        return output;
    }

    // T^(2·⌊i/2⌋/F): pairs of channels share a frequency.
    internal static double[] Frequencies(int features)
    {
        double[] dimT = new double[features];
        for (int feature = 0; feature < features; feature++)
        {
            dimT[feature] = Elementary.Pow(10000.0, 2.0 * (feature / 2) / features);
        }

        return dimT;
    }

    internal static double Wave(double argument, int feature) => feature % 2 == 0 ? Elementary.Sin(argument) : Elementary.Cos(argument);

    // Cumulative counts of valid cells, less a half, over the whole count, in [0, 2π].
    private static void Positions(ReadOnlySpan<bool> mask, int height, int width, double[] yEmbed, double[] xEmbed)
    {
        for (int column = 0; column < width; column++)
        {
            int count = 0;
            for (int row = 0; row < height; row++)
            {
                count += mask[(row * width) + column] ? 0 : 1;
                yEmbed[(row * width) + column] = count;
            }

            for (int row = 0; row < height; row++)
            {
                yEmbed[(row * width) + column] = (yEmbed[(row * width) + column] - 0.5) / (count + Epsilon) * (2 * Math.PI);
            }
        }

        for (int row = 0; row < height; row++)
        {
            int count = 0;
            for (int column = 0; column < width; column++)
            {
                count += mask[(row * width) + column] ? 0 : 1;
                xEmbed[(row * width) + column] = count;
            }

            for (int column = 0; column < width; column++)
            {
                xEmbed[(row * width) + column] = (xEmbed[(row * width) + column] - 0.5) / (count + Epsilon) * (2 * Math.PI);
            }
        }
    }
}
