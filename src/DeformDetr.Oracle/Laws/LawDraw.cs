using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Tensors from a case's seed.
internal static class LawDraw
{
    public static OperatorContext Context => new(Kernels.Simd);

    public static Tensor<float> Fill(TensorShape shape, Func<int, double> next)
    {
        Tensor<float> tensor = new(shape);
        for (int i = 0; i < tensor.Length; i++)
        {
            tensor.AsSpan()[i] = (float)next(i);
        }

        return tensor;
    }

    public static Tensor<float> Constant(TensorShape shape, double value) => Fill(shape, _ => value);

    // Numbers of a family; rows lie along the last axis.
    public static Tensor<float> Numbers(Random random, TensorShape shape, LawNumbers family = LawNumbers.Plain)
    {
        int width = shape.Rank == 0 ? 1 : Math.Max(1, shape[^1]);
        double level = 0;
        return Fill(shape, i =>
        {
            level = i % width == 0 ? 2 * Normal(random) : level;
            return family switch
            {
                LawNumbers.NearlyConstant => level + (1e-3 * Normal(random)),
                LawNumbers.Huge => 1e8 * Normal(random),
                LawNumbers.Tiny => 1e-8 * Normal(random),
                LawNumbers.Equal => 0.5 * random.Next(-2, 3),
                _ => Normal(random),
            };
        });
    }

    // Multiples of 1/64 up to 4: sums and differences of a few of them, and halves, are exact in float32.
    public static Tensor<float> Exact(Random random, TensorShape shape) => Fill(shape, _ => random.Next(-256, 257) / 64.0);

    public static Tensor<float> Between(Random random, TensorShape shape, double least, double most) =>
        Fill(shape, _ => least + ((most - least) * random.NextDouble()));

    // Another order of all indices.
    public static int[] Order(Random random, int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        random.Shuffle(order);
        return order;
    }

    // A position along a side, in pixels whose centres are the whole numbers.
    public static double Pixel(Random random, int size, LawPoints points)
    {
        switch (points)
        {
            case LawPoints.Centres: return random.Next(size);
            case LawPoints.HalfWay: return random.Next(size + 1) - 0.5;
            case LawPoints.Borders: return random.Next(4) switch { 0 => -0.5, 1 => size - 0.5, 2 => 0, _ => size - 1 };
            case LawPoints.Beyond: return random.Next(2) == 0 ? -2.5 + (2 * random.NextDouble()) : size - 0.5 + (2 * random.NextDouble());
            case LawPoints.Far: return (random.Next(2) == 0 ? -1 : 1) * size * (10 + (1e5 * random.NextDouble()));
            case LawPoints.Mixed: return Pixel(random, size, (LawPoints)random.Next((int)LawPoints.Mixed));
            default: return -0.5 + (size * random.NextDouble());
        }
    }

    // Fractions [.., L, P, 2] of padded levels.
    public static Tensor<float> Locations(Random random, TensorShape shape, IReadOnlyList<(int Height, int Width)> levels, LawPoints points)
    {
        int perLevel = shape[^2];
        return Fill(shape, i =>
        {
            (int height, int width) = levels[i / 2 / perLevel % levels.Count];
            int size = i % 2 == 0 ? width : height;
            return (Pixel(random, size, points) + 0.5) / size;
        });
    }

    public static Tensor<long> Shapes(IReadOnlyList<(int Height, int Width)> levels)
    {
        Tensor<long> shapes = new([levels.Count, 2]);
        for (int level = 0; level < levels.Count; level++)
        {
            shapes[level, 0] = levels[level].Height;
            shapes[level, 1] = levels[level].Width;
        }

        return shapes;
    }

    // How much of each level of each picture is no padding.
    public static (int Height, int Width)[][] Valid(Random random, int pictures, IReadOnlyList<(int Height, int Width)> levels, LawMasks masks) =>
        [.. Enumerable.Range(0, pictures).Select(_ => levels.Select(level => masks switch
        {
            LawMasks.Ragged => (random.Next(1, level.Height + 1), random.Next(1, level.Width + 1)),
            LawMasks.AllButOne => (1, 1),
            _ => level,
        }).ToArray())];

    // True beyond (h, w) of each picture.
    public static Tensor<bool> Mask((int Height, int Width) level, IEnumerable<(int Height, int Width)> valid)
    {
        (int Height, int Width)[] all = [.. valid];
        Tensor<bool> mask = new([all.Length, level.Height, level.Width]);
        for (int i = 0; i < mask.Length; i++)
        {
            (int height, int width) = all[i / (level.Height * level.Width)];
            mask.AsSpan()[i] = i / level.Width % level.Height >= height || i % level.Width >= width;
        }

        return mask;
    }

    // The masks of all levels as tokens [N, S].
    public static Tensor<bool> TokenMask(IReadOnlyList<(int Height, int Width)> levels, (int Height, int Width)[][] valid) =>
        (Tensor<bool>)Moves.Concat(
            Context,
            [.. levels.Select((level, l) => Mask(level, valid.Select(picture => picture[l])).Reshape([valid.Length, level.Height * level.Width]))], 1);

    // Twelve uniform numbers: normal enough.
    public static double Normal(Random random)
    {
        double sum = -6;
        for (int i = 0; i < 12; i++)
        {
            sum += random.NextDouble();
        }

        return sum;
    }
}
