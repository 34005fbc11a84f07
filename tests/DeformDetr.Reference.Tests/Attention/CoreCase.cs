using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeformDetr.Reference.Tests.Attention;

// Sizes, a seed and the spread of the values: what a failing property prints.
internal sealed record CoreCase(int N, int Lq, int M, int D, int P, (int Height, int Width)[] Sizes, int Seed, double Scale)
{
    // Sizes pairwise different where it matters (heads, levels, points, channels), so that exchanged axes do not fit.
    public static Gen<CoreCase> Any { get; } =
        from n in Gen.Choose(1, 3)
        from lq in Gen.Choose(1, 6)
        from m in Gen.Choose(1, 5)
        from d in Gen.Elements(1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 19, 31, 32, 33, 40, 67)
        from p in Gen.Choose(1, 5)
        from sizes in Gen.ArrayOf(Gen.Choose(1, 7)).Where(a => a.Length >= 2).Select(a => a.Chunk(2).Where(pair => pair.Length == 2).Take(4).Select(pair => (pair[0], pair[1])).ToArray())
        from seed in Gen.Choose(0, int.MaxValue)
        from scale in Gen.Elements(1.0, 1.0, 1.0, 1e-3, 1e-30, 1e30)
        where m != d && m != p && d != p && sizes.Length != m && sizes.Length != d && sizes.Length != p
        select new CoreCase(n, lq, m, d, p, sizes, seed, scale);

    public static IEnumerable<CoreCase> Shrink(CoreCase c)
    {
        foreach (CoreCase smaller in new[]
        {
            c with { N = 1 }, c with { Lq = 1 }, c with { M = 1 }, c with { D = 1 }, c with { P = 1 }, c with { Scale = 1 },
            c with { Sizes = c.Sizes[..^1] }, c with { Sizes = c.Sizes[1..] }, c with { Sizes = [.. c.Sizes.Select(s => (Math.Min(2, s.Height), s.Width))] },
            c with { Sizes = [.. c.Sizes.Select(s => (s.Height, Math.Min(2, s.Width)))] },
        })
        {
            if (smaller.Sizes.Length > 0 && (smaller.Sizes.Length != c.Sizes.Length || !smaller.Sizes.SequenceEqual(c.Sizes) || smaller with { Sizes = c.Sizes } != c))
            {
                yield return smaller;
            }
        }
    }

    public override string ToString() => FormattableString.Invariant(
        $"N {N}, Lq {Lq}, M {M}, D {D}, P {P}, levels {string.Join(" ", Sizes.Select(s => $"{s.Height}x{s.Width}"))}, seed {Seed}, scale {Scale}");

    public CoreInputs<T> Inputs<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Random random = new(Seed);
        LevelLayout levels = Draw.Levels(Sizes);
        int tokens = Sizes.Sum(size => size.Height * size.Width);
        int l = Sizes.Length;
        Tensor<T> locations = new([N, Lq, M, l, P, 2]);
        for (int sample = 0; sample < locations.Length / 2; sample++)
        {
            (int height, int width) = Sizes[sample / P % l];
            locations.AsSpan()[2 * sample] = T.CreateTruncating(Place(random, width));
            locations.AsSpan()[(2 * sample) + 1] = T.CreateTruncating(Place(random, height));
        }

        return new CoreInputs<T>(
            Draw.Numbers<T>(random, [N, tokens, M, D], Scale), levels.SpatialShapes, levels.LevelStartIndex, locations, Draw.Numbers<T>(random, [N, Lq, M, l, P]), Sizes);
    }

    // Inside, on centres, half-way between them (borders too), a pixel or half a pixel outside, outside, far outside.
    private static double Place(Random random, int size) => random.Next(14) switch
    {
        < 5 => -0.1 + (1.2 * random.NextDouble()),
        5 or 6 => (random.Next(size) + 0.5) / size,
        7 or 8 => (double)random.Next(size + 1) / size,
        9 => -0.5 / size,
        10 => (size + 0.5) / size,
        11 => -1 + (3 * random.NextDouble()),
        12 => (random.Next(2) == 0 ? 1 : -1) * (10 + (1e6 * random.NextDouble())),
        _ => random.Next(3) switch { 0 => 1e30, 1 => -1e30, _ => 1e-30 },
    };
}

internal sealed record CoreInputs<T>(
    Tensor<T> Value, Tensor<long> SpatialShapes, Tensor<long> LevelStartIndex, Tensor<T> SamplingLocations, Tensor<T> AttentionWeights, (int Height, int Width)[] Levels)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public SamplingSizes Sizes => new(
        Value.Shape[0], SamplingLocations.Shape[1], Value.Shape[2], Value.Shape[3], SamplingLocations.Shape[4], Level.Of(Levels));

    public Tensor<T> Run(Kernels kernels = Kernels.Textbook, int threads = 1) =>
        MSDeformAttnCore.Forward(new OperatorContext(kernels, threads), Value, SpatialShapes, LevelStartIndex, SamplingLocations, AttentionWeights);

    public MSDeformAttnGradients<T> Back(Tensor<T> gradOutput, Kernels kernels = Kernels.Textbook, int threads = 1) =>
        MSDeformAttnCore.Backward(new OperatorContext(kernels, threads), Value, SpatialShapes, LevelStartIndex, SamplingLocations, AttentionWeights, gradOutput);

    public (double[] Output, double[] Magnitude) Independent() =>
        DeformableSampling.Forward(Sizes, Value.Doubles(), SamplingLocations.Doubles(), AttentionWeights.Doubles());

    public double[] GeometryAllowance() => DeformableSampling.GeometryAllowance(Sizes, Value.Doubles(), AttentionWeights.Doubles());
}
