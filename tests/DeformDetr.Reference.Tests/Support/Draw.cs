using System.Numerics;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests;

// Tensors from a seed.
internal static class Draw
{
    // Standard normal numbers times scale, of both signs.
    public static Tensor<T> Numbers<T>(Random random, TensorShape shape, double scale = 1)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Fill<T>(shape, () => scale * Normal(random));

    public static Tensor<T> Numbers<T>(int seed, TensorShape shape, double scale = 1)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Numbers<T>(new Random(seed), shape, scale);

    public static Tensor<T> Between<T>(Random random, TensorShape shape, double least, double most)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Fill<T>(shape, () => least + ((most - least) * random.NextDouble()));

    public static Tensor<T> Fill<T>(TensorShape shape, Func<double> next)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> tensor = new(shape);
        foreach (ref T element in tensor.AsSpan())
        {
            element = T.CreateTruncating(next());
        }

        return tensor;
    }

    public static Tensor<T> Constant<T>(TensorShape shape, double value)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Fill<T>(shape, () => value);

    public static Tensor<T> Of<T>(TensorShape shape, params double[] values)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Tensor<T>.FromArray(shape, [.. values.Select(T.CreateTruncating)]);

    // A mask over a map that is picture in its upper left corner.
    public static Tensor<bool> Mask(int height, int width, params (int Height, int Width)[] valid)
    {
        Tensor<bool> mask = new([valid.Length, height, width]);
        for (int n = 0; n < valid.Length; n++)
        {
            for (int row = 0; row < height; row++)
            {
                for (int column = 0; column < width; column++)
                {
                    mask[n, row, column] = row >= valid[n].Height || column >= valid[n].Width;
                }
            }
        }

        return mask;
    }

    public static LevelLayout Levels(params (int Height, int Width)[] sizes)
    {
        Tensor<long> shapes = new([sizes.Length, 2]);
        Tensor<long> starts = new([sizes.Length]);
        long start = 0;
        for (int level = 0; level < sizes.Length; level++)
        {
            shapes[level, 0] = sizes[level].Height;
            shapes[level, 1] = sizes[level].Width;
            starts[level] = start;
            start += sizes[level].Height * sizes[level].Width;
        }

        return new LevelLayout(shapes, starts);
    }

    private static double Normal(Random random)
    {
        // Twelve uniform numbers: normal enough.
        double sum = -6;
        for (int i = 0; i < 12; i++)
        {
            sum += random.NextDouble();
        }

        return sum;
    }
}
