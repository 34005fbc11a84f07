using System.Numerics;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Simd;
using FsCheck;
using FsCheck.Fluent;

namespace DeformDetr.Reference.Tests.Attention;

// The fast body beside its written order (docs/numerics.md) as plain scalar loops, bit for bit.
public class MSDeformAttnCoreSimdTests
{
    private static readonly Gen<CoreCase> Many =
        from n in Gen.Choose(1, 3)
        from lq in Gen.Elements(1, 2, 3, 7, 31, 32, 33, 127, 128, 129, 131, 257, 300)
        from m in Gen.Choose(1, 3)
        from d in Gen.Elements(1, 3, 8, 15, 16, 17, 32, 33, 64)
        from p in Gen.Choose(1, 4)
        from sizes in Gen.Elements<(int, int)[]>(
            [(1, 1)], [(5, 7), (2, 3)], [(20, 30), (1, 1)], [(1, 9), (9, 1), (1, 1), (2, 2)], [(11, 12)])
        from seed in Gen.Choose(0, int.MaxValue)
        select new CoreCase(n, lq, m, d, p, sizes, seed, 1);

    // Samples of a head that come to a multiple of sixteen.
    private static readonly Gen<CoreCase> Sixteens =
        from n in Gen.Choose(1, 2)
        from lq in Gen.Choose(1, 40)
        from m in Gen.Choose(1, 3)
        from d in Gen.Elements(1, 16, 32, 40)
        from shape in Gen.Elements((4, 4), (2, 8), (1, 16), (8, 2), (16, 1), (4, 8), (3, 16), (2, 16), (4, 12))
        from sizes in Gen.ArrayOf(Gen.Choose(1, 9), 2 * shape.Item1)
        from seed in Gen.Choose(0, int.MaxValue)
        select new CoreCase(n, lq, m, d, shape.Item2, [.. sizes.Chunk(2).Select(pair => (pair[0], pair[1]))], seed, 1);

    [Fact]
    public void It_is_the_written_order_bit_for_bit()
    {
        Properties.Holds(CoreCase.Any, Law<float>, 200, CoreCase.Shrink);
        Properties.Holds(CoreCase.Any, Law<double>, 100, CoreCase.Shrink);
        Properties.Holds(Many, Law<float>, 40, CoreCase.Shrink);
        Properties.Holds(Many, Law<double>, 20, CoreCase.Shrink);
        Properties.Holds(Sixteens, Law<float>, 150, CoreCase.Shrink);
        Properties.Holds(Sixteens, Law<double>, 20, CoreCase.Shrink);
    }

    // Tokens over 4 is where heads are laid apart: 35 + 6 tokens, so from 10 queries on.
    [Theory]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(41)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(129)]
    [InlineData(385)]
    public void Every_number_of_queries_and_threads_has_the_bits_of_the_written_order(int queries)
    {
        foreach (int channels in new[] { 5, 16, 32 })
        {
            CoreInputs<float> inputs = new CoreCase(3, queries, 2, channels, 3, [(5, 7), (2, 3)], queries, 1).Inputs<float>();
            Tensor<float> expected = Written(inputs);
            for (int threads = 1; threads <= 7; threads++)
            {
                Expect.SameBits(expected, inputs.Run(Kernels.Simd, threads), $"{channels} channels, {threads} threads");
            }
        }
    }

    [Fact]
    public void Many_samples_of_a_head_and_sizes_that_no_vector_divides()
    {
        foreach ((int levels, int points) in new[] { (1, 1), (1, 7), (1, 8), (1, 9), (3, 3), (4, 4), (5, 13), (2, 70) })
        {
            (int, int)[] sizes = [.. Enumerable.Range(0, levels).Select(level => (3 + level, 9 - level))];
            Law<float>(new CoreCase(2, 45, 2, 20, points, sizes, points, 1));
            Law<double>(new CoreCase(2, 5, 2, 20, points, sizes, points, 1));
        }
    }

    [Fact]
    public void Every_border_of_small_maps_has_the_bits_of_the_written_order()
    {
        // All multiples of 1/8 pixel from two pixels outside to two pixels outside, and their neighbours, in both directions.
        foreach ((int height, int width) in new[] { (1, 1), (1, 3), (3, 1), (2, 2), (4, 3) })
        {
            double[] xs = Places(width);
            double[] ys = Places(height);
            double[] points = [.. ys.SelectMany(y => xs.SelectMany(x => new[] { x, y }))];
            LevelLayout levels = Draw.Levels((height, width));
            foreach (int together in new[] { 1, 16 })
            {
                double[] whole = [.. points, .. points.Take(((2 * together) - (points.Length % (2 * together))) % (2 * together))];
                int queries = whole.Length / 2 / together;
                CoreInputs<float> inputs = new(
                    Draw.Numbers<float>(1, [1, height * width, 1, 16]), levels.SpatialShapes, levels.LevelStartIndex,
                    Draw.Of<float>([1, queries, 1, 1, together, 2], whole), Draw.Numbers<float>(2, [1, queries, 1, 1, together]), [(height, width)]);
                Expect.SameBits(Written(inputs), inputs.Run(Kernels.Simd, 2), $"{height} x {width}, {together} points");
            }
        }

        static double[] Places(int size) =>
        [
            .. Enumerable.Range(-16, (8 * size) + 33).Select(eighth => eighth / 8.0 / size)
                .SelectMany(place => new[] { place, MathF.BitIncrement((float)place), MathF.BitDecrement((float)place) }),
        ];
    }

    [Theory]
    [InlineData(0, 3, 2, 8, 2)]
    [InlineData(2, 0, 2, 8, 2)]
    [InlineData(2, 3, 0, 8, 2)]
    [InlineData(2, 3, 2, 0, 2)]
    [InlineData(2, 3, 2, 8, 0)]
    public void An_axis_of_nothing_gives_zeros_or_nothing(int n, int queries, int heads, int channels, int points)
    {
        CoreInputs<float> single = new CoreCase(n, queries, heads, channels, points, [(2, 3)], 1, 1).Inputs<float>();
        CoreInputs<double> twice = new CoreCase(n, queries, heads, channels, points, [(2, 3)], 1, 1).Inputs<double>();
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            Expect.SameBits(new Tensor<float>([n, queries, heads * channels]), single.Run(kernels), $"{kernels}");
            Expect.SameBits(new Tensor<double>([n, queries, heads * channels]), twice.Run(kernels), $"{kernels}, double");
        }
    }

    [Fact]
    public void Pairs_at_every_width_are_one_chain_per_query_and_channel()
    {
        Pairs<Lanes128<float>, Vector128<float>, float>();
        Pairs<Lanes256<float>, Vector256<float>, float>();
        Pairs<Lanes512<float>, Vector512<float>, float>();
        Pairs<Lanes128<double>, Vector128<double>, double>();
        Pairs<Lanes256<double>, Vector256<double>, double>();
        Pairs<Lanes512<double>, Vector512<double>, double>();

        static void Pairs<TLanes, TVector, T>()
            where TLanes : struct, ILanes<TVector, T>
            where TVector : struct
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Random random = new(4);
            for (int trial = 0; trial < 60; trial++)
            {
                int channels = 2 * TLanes.Count * random.Next(1, 4);
                Tensor<T> values = Draw.Numbers<T>(random, [9, channels + 10]);
                (int[] Offsets, T[] Weights) even = Corners(trial % 5 == 0 ? 0 : random.Next(20));
                (int[] Offsets, T[] Weights) odd = Corners(trial % 7 == 0 ? 0 : random.Next(20));
                T[] sums = new T[channels];
                T[] nextSums = new T[channels];
                Array.Fill(sums, T.NaN);
                Array.Fill(nextSums, T.NaN);
                MSDeformAttnCore.AccumulatePair<TLanes, TVector, T>(
                    values.AsReadOnlySpan(), even.Offsets, even.Weights, odd.Offsets, odd.Weights, sums, nextSums);
                Same(even, sums, "even");
                Same(odd, nextSums, "odd");

                // Lists have room for more corners than there are.
                (int[] Offsets, T[] Weights) Corners(int count) => (
                    [.. Enumerable.Range(0, count).Select(_ => ((channels + 10) * random.Next(9)) + random.Next(10))],
                    Draw.Numbers<T>(random, [count + 5]).AsSpan().ToArray());

                void Same((int[] Offsets, T[] Weights) corners, T[] actual, string what)
                {
                    Tensor<T> expected = new([channels]);
                    for (int channel = 0; channel < channels; channel++)
                    {
                        T sum = T.Zero;
                        for (int corner = 0; corner < corners.Offsets.Length; corner++)
                        {
                            sum = T.FusedMultiplyAdd(corners.Weights[corner], values.AsSpan()[corners.Offsets[corner] + channel], sum);
                        }

                        expected.AsSpan()[channel] = sum;
                    }

                    Expect.SameBits(expected, Tensor<T>.FromArray([channels], actual), $"{typeof(TVector)} trial {trial}, {what}");
                }
            }
        }
    }

    private static void Law<T>(CoreCase c)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // Locations that are no numbers, zeros of both signs and subnormal values among the others.
        CoreInputs<T> inputs = c.Inputs<T>();
        Random random = new(c.Seed);
        Sprinkle(
            inputs.SamplingLocations, 40, T.NaN, T.PositiveInfinity, T.NegativeInfinity, T.NegativeZero, T.Zero, T.One,
            T.BitDecrement(T.One));
        Sprinkle(inputs.Value, 20, T.NegativeZero, T.Epsilon, -T.Epsilon, T.Zero);
        Sprinkle(inputs.AttentionWeights, 20, T.NegativeZero, T.Epsilon, T.Zero);
        Expect.SameBits(Written(inputs), inputs.Run(Kernels.Simd, 1 + (c.Seed % 3)));

        void Sprinkle(Tensor<T> tensor, int oneIn, params T[] special)
        {
            foreach (ref T value in tensor.AsSpan())
            {
                value = random.Next(oneIn) == 0 ? special[random.Next(special.Length)] : value;
            }
        }
    }

    // Coordinates and corner weights in double, weights rounded to T; then one chain of fused multiply-adds in T: levels, points, corners.
    private static Tensor<T> Written<T>(CoreInputs<T> inputs)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TensorShape value = inputs.Value.Shape;
        TensorShape places = inputs.SamplingLocations.Shape;
        (int tokens, int heads, int channels) = (value[1], value[2], value[3]);
        (int queries, int levels, int points) = (places[1], places[3], places[4]);
        Tensor<T> output = new([value[0], queries, heads * channels]);
        for (int item = 0; item < value[0] * queries * heads; item++)
        {
            (int n, int head) = (item / heads / queries, item % heads);
            Span<T> sums = output.AsSpan().Slice(item * channels, channels);
            for (int sample = 0; sample < levels * points; sample++)
            {
                int level = sample / points;
                (int height, int width) = inputs.Levels[level];
                int at = (item * levels * points) + sample;
                double px = (double.CreateTruncating(inputs.SamplingLocations.AsReadOnlySpan()[2 * at]) * width) - 0.5;
                double py = (double.CreateTruncating(inputs.SamplingLocations.AsReadOnlySpan()[(2 * at) + 1]) * height) - 0.5;
                double attention = double.CreateTruncating(inputs.AttentionWeights.AsReadOnlySpan()[at]);
                (double left, double top) = (Math.Floor(px), Math.Floor(py));
                for (int corner = 0; corner < 4; corner++)
                {
                    (bool right, bool bottom) = (corner % 2 == 1, corner / 2 == 1);
                    double ix = left + (right ? 1 : 0);
                    double iy = top + (bottom ? 1 : 0);
                    if (ix >= 0 && ix < width && iy >= 0 && iy < height)
                    {
                        double bilinear = (right ? px - left : 1 - (px - left)) * (bottom ? py - top : 1 - (py - top));
                        T weight = T.CreateTruncating(attention * bilinear);
                        int token = (int)inputs.LevelStartIndex[level] + ((int)iy * width) + (int)ix;
                        for (int channel = 0; channel < channels; channel++)
                        {
                            T v = inputs.Value.AsReadOnlySpan()[(((((n * tokens) + token) * heads) + head) * channels) + channel];
                            sums[channel] = T.FusedMultiplyAdd(weight, v, sums[channel]);
                        }
                    }
                }
            }
        }

        return output;
    }
}
