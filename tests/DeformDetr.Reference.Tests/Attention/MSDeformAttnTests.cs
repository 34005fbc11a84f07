using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Attention;

public class MSDeformAttnTests
{
    private const int Channels = 12;
    private const int Heads = 3;
    private const int Points = 5;

    private static readonly (int Height, int Width)[] Sizes = [(3, 5), (2, 4)];

    [Theory]
    [InlineData(2, Kernels.Textbook)]
    [InlineData(2, Kernels.Simd)]
    [InlineData(4, Kernels.Textbook)]
    [InlineData(4, Kernels.Simd)]
    public void Every_step_agrees_with_independent_formulas(int size, Kernels kernels)
    {
        Compare<float>(size, kernels, 4e-6);
        Compare<double>(size, kernels, 1e-13);
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void Values_of_padding_are_exactly_zero_whatever_stands_there(Kernels kernels)
    {
        Setup<float> setup = new(2);
        RecordingSink clean = new();
        Tensor<float> output = setup.Run(kernels, clean);
        Assert.Contains(true, setup.Mask.AsSpan().ToArray());
        for (int token = 0; token < setup.Mask.Length; token++)
        {
            if (setup.Mask.AsSpan()[token])
            {
                Assert.All(clean.Of<float>("value").AsSpan().Slice(token * Channels, Channels).ToArray(), value => Assert.Equal(0, BitConverter.SingleToInt32Bits(value)));
                setup.Input.AsSpan().Slice(token * Channels, Channels).Fill(token % 2 == 0 ? float.NaN : float.PositiveInfinity);
            }
        }

        RecordingSink spoilt = new();
        Expect.SameBits(output, setup.Run(kernels, spoilt), "output");
        Expect.SameBits(clean.Of<float>("value"), spoilt.Of<float>("value"), "value");
    }

    // Few queries, so that values of tokens that no sample reads are left out unless somebody listens; a run before has left NaN in the
    // buffers.
    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Values_that_are_made_only_where_they_are_read_give_the_same_bits(int size)
    {
        foreach (SummationOrder order in new[] { SummationOrder.House, new SummationOrder { Terms = TermOrder.Descending } })
        {
            foreach (int threads in new[] { 1, 2, 3 })
            {
                OnlyWhereRead<float>(size, order, threads);
                OnlyWhereRead<double>(size, order, threads);
            }
        }
    }

    [Fact]
    public void Threads_that_make_values_at_the_same_time_keep_their_rows_apart()
    {
        // So many tokens that are read that several threads have groups of them, and others that are not.
        (int, int)[] sizes = [(200, 100), (50, 40)];
        LevelLayout levels = Draw.Levels(sizes);
        Setup<float> setup = new(2, tokens: 22_000, queries: 1000);
        foreach (ref float reference in setup.Reference.AsSpan())
        {
            reference *= 0.6f;
        }

        Tensor<float> expected = Forward(1, new Listener(_ => true));
        for (int threads = 1; threads <= 7; threads++)
        {
            Expect.SameBits(expected, Forward(threads, null), $"{threads} threads");
        }

        Tensor<float> Forward(int threads, ITapSink? sink) => setup.Attention.Forward(
            new ForwardPass(Kernels.Simd, threads, sink), setup.Query, setup.Reference, setup.Input, levels.SpatialShapes, levels.LevelStartIndex,
            setup.Mask);
    }

    [Fact]
    public void Without_a_mask_padding_is_read()
    {
        Setup<double> setup = new(2);
        double[] masked = setup.Run(Kernels.Textbook, null).Doubles();
        double[] whole = setup.Run(Kernels.Textbook, null, masked: false).Doubles();
        Assert.Contains(masked.Zip(whole), pair => Math.Abs(pair.First - pair.Second) > 1e-3);
    }

    [Fact]
    public void Weights_of_a_head_sum_to_one_over_levels_and_points()
    {
        Setup<double> setup = new(2);
        RecordingSink sink = new();
        setup.Run(Kernels.Simd, sink);
        double[] weights = sink.Of<double>("attention_weights").Doubles();
        foreach (double[] head in weights.Chunk(Sizes.Length * Points))
        {
            Assert.Equal(1, head.Sum(), 1e-14);
            Assert.All(head, weight => Assert.InRange(weight, 0, 1));
        }
    }

    [Fact]
    public void Names_are_those_of_the_module_path()
    {
        RecordingSink alone = new();
        new Setup<float>(2).Run(Kernels.Simd, alone);
        Assert.Equal(["value", "sampling_offsets", "attention_logits", "attention_weights", "sampling_locations", "sampled", "output"], alone.Names);

        RecordingSink named = new();
        new Setup<float>(2, "transformer.encoder.layers.3.self_attn").Run(Kernels.Simd, named);
        Assert.Equal(
            [.. alone.Names.Select(name => name == "output" ? "transformer.encoder.layers.3.self_attn" : $"transformer.encoder.layers.3.self_attn.{name}")], named.Names);
        Assert.Equal([2, 4, 3, 2, 5, 2], named.Of<float>("transformer.encoder.layers.3.self_attn.sampling_locations").Shape);
        Assert.Equal([2, 23, 3, 4], named.Of<float>("transformer.encoder.layers.3.self_attn.value").Shape);
        Assert.Equal([2, 4, 30], named.Of<float>("transformer.encoder.layers.3.self_attn.attention_logits").Shape);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        MadeWeights<float> weights = new();
        Expect.Refusal<ArgumentException>(
            "ms_deform_attn: hidden_dim holds 10; expected a multiple of nheads = 4.", () => new MSDeformAttn<float>(weights, "", 10, 2, 4, 1));
        Setup<float> setup = new(2);
        LevelLayout levels = Draw.Levels(Sizes);
        Expect.Refusal<ArgumentException>(
            "ms_deform_attn: input_spatial_shapes holds [1, 2]; expected [L, 2] = [2, 2].",
            () => setup.Attention.Forward(new ForwardPass(), setup.Query, setup.Reference, setup.Input, Draw.Levels((1, 23)).SpatialShapes, levels.LevelStartIndex, null));
        Expect.Refusal<ArgumentException>(
            "ms_deform_attn: query holds [8, 12]; expected [N, Lq, C], 3 axes.",
            () => setup.Attention.Forward(new ForwardPass(), setup.Query.Reshape([8, 12]), setup.Reference, setup.Input, levels.SpatialShapes, levels.LevelStartIndex, null));
        foreach (Kernels kernels in new[] { Kernels.Textbook, Kernels.Simd })
        {
            foreach (int tokens in new[] { 22, 24 })
            {
                Expect.Refusal<ArgumentException>(
                    $"ms_deform_attn: padding_mask holds [2, {tokens}]; expected [N, S] = [2, 23].",
                    () => setup.Attention.Forward(
                        new ForwardPass(kernels), setup.Query, setup.Reference, setup.Input, levels.SpatialShapes, levels.LevelStartIndex, new Tensor<bool>([2, tokens])));
            }
        }
    }

    private static void OnlyWhereRead<T>(int size, SummationOrder order, int threads)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int seed = 0; seed < 6; seed++)
        {
            // So few tokens that nearly all are read; some; and so many queries and groups of rows that all threads have some.
            (int, int)[] sizes = (seed % 3) switch { 0 => Sizes, 1 => [(9 + seed, 21), (3, 4 + seed)], _ => [(120, 40), (30, 20)] };
            LevelLayout levels = Draw.Levels(sizes);
            Setup<T> setup = new(size, seed: seed, tokens: sizes.Sum(map => map.Item1 * map.Item2), queries: seed % 3 == 2 ? 150 : 4);
            foreach (ref T reference in setup.Reference.AsSpan())
            {
                reference *= T.CreateTruncating(0.2);
            }

            foreach (bool masked in new[] { true, false })
            {
                Tensor<T> expected = Forward(new Listener(_ => true), masked);
                Expect.SameBits(expected, Forward(null, masked), "output");
                Expect.SameBits(expected, Forward(new Listener(name => name == "sampled"), masked), "output with a listener");
            }

            Tensor<T> Forward(ITapSink? sink, bool masked)
            {
                ForwardPass pass = new(Kernels.Simd, threads, sink) { SummationOrder = order };
                using BufferScope all = pass.Scope();
                Tensor<T> before = Draw.Constant<T>(setup.Input.Shape, double.NaN);
                using (pass.Scope())
                {
                    setup.Attention.Forward(pass, setup.Query, setup.Reference, before, levels.SpatialShapes, levels.LevelStartIndex, null);
                }

                return setup.Attention.Forward(
                    pass, setup.Query, setup.Reference, setup.Input, levels.SpatialShapes, levels.LevelStartIndex, masked ? setup.Mask : null).Clone();
            }
        }
    }

    private static void Compare<T>(int size, Kernels kernels, double relative)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Setup<T> setup = new(size);
        RecordingSink sink = new();
        Tensor<T> output = setup.Run(kernels, sink);
        MadeWeights<T> w = setup.Weights;
        SamplingSizes s = new(2, 4, Heads, Channels / Heads, Points, Level.Of(Sizes));

        double[] value = Dense.Linear(setup.Input.Doubles(), w["value_proj.weight"], w["value_proj.bias"]);
        for (int i = 0; i < value.Length; i++)
        {
            value[i] = setup.Mask.AsSpan()[i / Channels] ? 0 : value[i];
        }

        double[] offsets = Dense.Linear(setup.Query.Doubles(), w["sampling_offsets.weight"], w["sampling_offsets.bias"]);
        double[] logits = Dense.Linear(setup.Query.Doubles(), w["attention_weights.weight"], w["attention_weights.bias"]);
        double[] shares = Dense.Softmax(logits, Sizes.Length * Points);
        double[] locations = DeformableSampling.Locations(s, setup.Reference.Doubles(), size, offsets);
        double[] sampled = DeformableSampling.Forward(s, value, locations, shares).Output;
        Expect.Close(value, sink.Of<T>("value").Doubles(), relative, "value");
        Expect.Close(offsets, sink.Of<T>("sampling_offsets").Doubles(), relative, "sampling_offsets");
        Expect.Close(logits, sink.Of<T>("attention_logits").Doubles(), relative, "attention_logits");
        Expect.Close(shares, sink.Of<T>("attention_weights").Doubles(), relative, "attention_weights");
        Expect.Close(locations, sink.Of<T>("sampling_locations").Doubles(), relative, "sampling_locations");
        Expect.Close(sampled, sink.Of<T>("sampled").Doubles(), 4 * relative, "sampled");
        Expect.Close(Dense.Linear(sampled, w["output_proj.weight"], w["output_proj.bias"]), output.Doubles(), 4 * relative, "output");
    }

    private sealed class Listener(Func<string, bool> wants) : ITapSink
    {
        public bool Wants(string name) => wants(name);

        public Tensor<T> See<T>(string name, Tensor<T> tensor)
            where T : unmanaged => tensor;
    }

    private sealed class Setup<T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        public Setup(int size, string name = "", int seed = 7, int tokens = 23, int queries = 4)
        {
            Random random = new(seed);
            Attention = new MSDeformAttn<T>(Weights, name, Channels, Sizes.Length, Heads, Points);
            Query = Draw.Numbers<T>(random, [2, queries, Channels]);
            Input = Draw.Numbers<T>(random, [2, tokens, Channels]);
            Reference = Draw.Between<T>(random, [2, queries, 2, size], 0, 1);
            Mask = new Tensor<bool>([2, tokens]);
            foreach (ref bool padding in Mask.AsSpan())
            {
                padding = random.Next(3) == 0;
            }
        }

        public MadeWeights<T> Weights { get; } = new();

        public MSDeformAttn<T> Attention { get; }

        public Tensor<T> Query { get; }

        public Tensor<T> Input { get; }

        public Tensor<T> Reference { get; }

        public Tensor<bool> Mask { get; }

        public Tensor<T> Run(Kernels kernels, ITapSink? sink, bool masked = true)
        {
            LevelLayout levels = Draw.Levels(Sizes);
            return Attention.Forward(new ForwardPass(kernels, 2, sink), Query, Reference, Input, levels.SpatialShapes, levels.LevelStartIndex, masked ? Mask : null);
        }
    }
}
