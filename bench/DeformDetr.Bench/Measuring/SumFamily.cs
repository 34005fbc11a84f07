namespace DeformDetr.Bench;

/// <summary>Factors whose products are the terms of sums.</summary>
/// <param name="Name">What the data are.</param>
/// <param name="Made">Whether it is made to go wrong: rounding errors of one sign, which no constant times √K bounds.</param>
/// <param name="Fill">Sets one row of inputs and one row of weights, K of each.</param>
internal sealed record SumFamily(string Name, bool Made, SumFamily.Row Fill)
{
    public delegate void Row(Random random, Span<float> inputs, Span<float> weights);

    public static IReadOnlyList<SumFamily> All { get; } =
    [
        new("one sign", false, (random, x, w) =>
        {
            Uniform(random, x, 0, 1);
            Uniform(random, w, 0, 1);
        }),
        new("zero mean", false, (random, x, w) =>
        {
            Uniform(random, x, -1, 1);
            Uniform(random, w, -1, 1);
        }),
        new("ReLU times zero mean", false, (random, x, w) =>
        {
            Normal(random, x);
            foreach (ref float value in x)
            {
                value = MathF.Max(value, 0);
            }

            Normal(random, w);
        }),
        new("magnitudes over fifteen decades", false, (random, x, w) =>
        {
            Wide(random, x);
            Wide(random, w);
        }),
        new("ascending, one sign", false, (random, x, w) =>
        {
            Uniform(random, x, 0, 1);
            x.Sort();
            Uniform(random, w, 0.5, 1);
        }),
        new("descending, one sign", false, (random, x, w) =>
        {
            Uniform(random, x, 0, 1);
            x.Sort();
            x.Reverse();
            Uniform(random, w, 0.5, 1);
        }),
        new("ascending from -1 to 1", false, (random, x, w) =>
        {
            Uniform(random, x, -1, 1);
            x.Sort();
            Uniform(random, w, 0.5, 1);
        }),
        new("bytes / 255 times zero mean", false, (random, x, w) =>
        {
            foreach (ref float value in x)
            {
                value = random.Next(256) / 255f;
            }

            Normal(random, w);
        }),
        new("a dominating term first, zero mean", false, (random, x, w) =>
        {
            Uniform(random, x, -1, 1);
            Uniform(random, w, -1, 1);
            Dominate(random, x, w, 0);
        }),
        new("a dominating term anywhere, zero mean", false, (random, x, w) =>
        {
            Uniform(random, x, -1, 1);
            Uniform(random, w, -1, 1);
            Dominate(random, x, w, random.Next(x.Length));
        }),
        new("a dominating term first, one sign", true, (random, x, w) =>
        {
            Uniform(random, x, 0, 1);
            Uniform(random, w, 0, 1);
            Dominate(random, x, w, 0);
        }),
        new("a dominating term last, one sign", true, (random, x, w) =>
        {
            Uniform(random, x, 0, 1);
            Uniform(random, w, 0, 1);
            Dominate(random, x, w, x.Length - 1);
        }),
        new("all terms equal", true, (random, x, w) =>
        {
            x.Fill(random.NextSingle());
            w.Fill(random.NextSingle());
        }),
    ];

    public override string ToString() => Name;

    private static void Uniform(Random random, Span<float> values, double least, double most)
    {
        foreach (ref float value in values)
        {
            value = (float)(least + (random.NextDouble() * (most - least)));
        }
    }

    // Nearly normal: the sum of twelve uniform numbers.
    private static void Normal(Random random, Span<float> values)
    {
        foreach (ref float value in values)
        {
            double sum = -6;
            for (int i = 0; i < 12; i++)
            {
                sum += random.NextDouble();
            }

            value = (float)sum;
        }
    }

    // Either sign, a magnitude of 2^-13 to 2^13.
    private static void Wide(Random random, Span<float> values)
    {
        foreach (ref float value in values)
        {
            value = (float)(((2 * random.NextDouble()) - 1) * Math.ScaleB(1, random.Next(-13, 14)));
        }
    }

    // Larger than all others together, up to 2^24 times as large as one of them.
    private static void Dominate(Random random, Span<float> x, Span<float> w, int at)
    {
        x[at] = (float)Math.ScaleB(1 + random.NextDouble(), random.Next(24));
        w[at] = 1;
    }
}
