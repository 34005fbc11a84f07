using System.Numerics;
using DeformDetr.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeformDetr.Reference.Tests.Transformer;

public class EncoderLayerTests
{
    private static readonly string[] Names =
    [
        "e.self_attn.value", "e.self_attn.sampling_offsets", "e.self_attn.attention_logits", "e.self_attn.attention_weights",
        "e.self_attn.sampling_locations", "e.self_attn.sampled", "e.self_attn", "e.norm1", "e.linear1", "e.linear2", "e.norm2", "e",
    ];

    // Tokens from fewer than threads to several groups of 192 rows, which cross from image to image.
    private static readonly Gen<Setting> Any =
        from n in Gen.Choose(1, 4)
        from sizes in Gen.Elements<(int, int)[]>(
            [(1, 1)], [(1, 2), (1, 1)], [(5, 7)], [(8, 12)], [(6, 9), (3, 5), (2, 3), (1, 2)], [(1, 97)], [(1, 193)], [(9, 1), (1, 4)],
            [(10, 13), (5, 7), (3, 4)])
        from heads in Gen.Choose(1, 4)
        from channels in Gen.Elements(1, 3, 4, 8, 16, 17)
        from points in Gen.Choose(1, 4)
        from hidden in Gen.Choose(1, 50)
        from threads in Gen.Choose(1, 7)
        from gelu in Gen.Elements(false, false, true)
        from seed in Gen.Choose(0, 1_000_000)
        select new Setting(n, sizes, heads, channels, points, hidden, threads, gelu, seed);

    private sealed record Setting(
        int N, (int Height, int Width)[] Sizes, int Heads, int Channels, int Points, int Hidden, int Threads, bool Gelu, int Seed)
    {
        public override string ToString() =>
            FormattableString.Invariant($"N {N}, levels {string.Join(" ", Sizes)}, heads {Heads} of {Channels}, ")
            + FormattableString.Invariant($"points {Points}, hidden {Hidden}, threads {Threads}, gelu {Gelu}, seed {Seed}");
    }

    [Fact]
    public void By_rows_it_has_the_bits_that_it_has_step_by_step_whoever_listens()
    {
        Properties.Holds(Any, Law<float>, 60);
        Properties.Holds(Any, Law<double>, 30);

        static void Law<T>(Setting s)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Layer<T> layer = new(s);
            RecordingSink all = new();
            Tensor<T> expected = layer.Run(1, all);
            Assert.Equal(Names, all.Names);
            Assert.All(all.Of<T>("e.self_attn.value").AsSpan().ToArray(), value => Assert.True(T.IsFinite(value)));
            Expect.SameNumbers(expected, layer.Run(s.Threads, null), "nobody listens");
            Expect.SameNumbers(expected, layer.Run(s.Threads, all: true), "all listen, on threads");

            // One name, and some: a sink sees what it wants, as in the full trace and in its order.
            Random random = new(s.Seed);
            HashSet<string> some = [.. Names.Where(_ => random.Next(4) == 0)];
            foreach (HashSet<string> wanted in Names.Select(name => new HashSet<string> { name }).Append(some))
            {
                RecordingSink sink = new(wanted.Contains);
                Expect.SameNumbers(expected, layer.Run(s.Threads, sink), $"{string.Join(", ", wanted)} wanted");
                Assert.Equal(Names.Where(wanted.Contains), sink.Names);
                Assert.All(sink.Names, name => Expect.SameNumbers(all.Of<T>(name), sink.Of<T>(name), name));
            }
        }
    }

    [Fact]
    public void An_image_has_the_same_bits_alone_and_in_every_slot()
    {
        Layer<float> layer = new(new Setting(4, [(7, 9), (3, 5)], 3, 8, 3, 30, 2, false, 5));
        Tensor<float> together = layer.Run(2, null);
        for (int slot = 0; slot < 4; slot++)
        {
            Expect.SameNumbers(layer.Run(3, null, slot), (Tensor<float>)DeformableDetrTests.Slot(together, slot), $"slot {slot}");
        }
    }

    [Fact]
    public void A_tensor_that_is_put_in_another_s_place_is_gone_on_with_when_nothing_else_is_wanted()
    {
        Layer<float> layer = new(new Setting(2, [(7, 9), (3, 5)], 2, 8, 3, 30, 2, false, 5));
        Tensor<float> plain = layer.Run(2, null);
        foreach (string name in Names)
        {
            ReplacingSink full = new((seen, tensor) => seen == name ? Other((Tensor<float>)tensor) : null);
            Tensor<float> expected = layer.Run(2, full);
            Tensor<float> actual = layer.Run(2, OneReplaced(name));
            Expect.SameNumbers(expected, actual, name);
            Assert.NotEqual(plain.Doubles(), actual.Doubles());
        }
    }

    [Fact]
    public void Layers_in_a_row_have_the_bits_of_one_after_another_whoever_listens_or_puts_something_in_a_tensor_s_place()
    {
        // 3 groups of rows, one of which lies in both images. A layer's value is made with the rows of the layer before.
        Layer<float> layers = new(new Setting(2, [(10, 14), (5, 7), (3, 4), (2, 3)], 2, 8, 3, 30, 2, false, 5));
        RecordingSink all = new();
        Tensor<float> expected = layers.RunAll(1, all);
        Assert.Equal(3 * Names.Length, all.Names.Count);
        Expect.SameNumbers(expected, layers.RunAll(1, null), "nobody listens");
        Expect.SameNumbers(expected, layers.RunAll(3, null), "nobody listens, on threads");
        foreach (string name in all.Names)
        {
            RecordingSink one = new(wanted => wanted == name);
            Expect.SameNumbers(expected, layers.RunAll(2, one), $"{name} wanted");
            Expect.SameNumbers(all.Of<float>(name), one.Of<float>(name), name);

            Tensor<float> replaced = layers.RunAll(2, new ReplacingSink((seen, tensor) => seen == name ? Other((Tensor<float>)tensor) : null));
            ReplacingSink put = OneReplaced(name);
            Expect.SameNumbers(replaced, layers.RunAll(2, put), $"{name} replaced");
            put.RequireUntouched();
            Assert.NotEqual(expected.Doubles(), replaced.Doubles());
        }
    }

    [Fact]
    public void Threads_that_work_at_the_same_time_keep_their_rows_apart()
    {
        // So many groups of rows that several threads have some.
        Layer<float> layers = new(new Setting(1, [(70, 70)], 2, 8, 4, 64, 2, false, 7));
        Tensor<float> expected = layers.RunAll(1, null);
        for (int threads = 2; threads <= 7; threads++)
        {
            Expect.SameNumbers(expected, layers.RunAll(threads, null), $"{threads} threads");

            // Two of three rows: most of them stay less than those at which all are made.
            ForwardPass pass = new(Kernels.Simd, threads);
            using BufferScope scope = pass.Scope();
            Tensor<float> output = layers.RunLate(pass, 3, out EncoderLayer<float>.LateRows? rows);
            using EncoderLayer<float>.LateRows late = rows!;
            late.Make([.. Enumerable.Range(0, 4900).Where(row => row % 3 != 0)]);
            Assert.All(
                Enumerable.Range(0, 4900).Where(row => row % 3 != 0),
                row => Assert.True(
                    expected.AsReadOnlySpan().Slice(row * 16, 16).SequenceEqual(output.AsReadOnlySpan().Slice(row * 16, 16)),
                    $"{threads} threads, row {row}"));
        }
    }

    [Fact]
    public void Rows_of_the_last_layer_that_are_made_when_they_are_asked_for_have_the_bits_of_all_at_once()
    {
        Properties.Holds(Any, Law<float>, 40);
        Properties.Holds(Any, Law<double>, 20);

        static void Law<T>(Setting s)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            Layer<T> layers = new(s);
            Random random = new(s.Seed);

            // One layer reads what was given, which isn't its own to write to; the last of three writes where it reads.
            foreach (int count in new[] { 1, 3 })
            {
                Tensor<T> expected = layers.RunAll(1, new RecordingSink(), count);
                ForwardPass pass = new(Kernels.Simd, s.Threads);
                using BufferScope scope = pass.Scope();
                layers.LeaveNaN(pass);
                Tensor<T> output = layers.RunLate(pass, count, out EncoderLayer<T>.LateRows? late);
                Assert.Equal(s.Gelu, late is null);
                using EncoderLayer<T>.LateRows? rows = late;
                HashSet<int> asked = [];
                int all = expected.Shape[0] * expected.Shape[1];
                for (int round = 0; round < 4 && rows is not null; round++)
                {
                    int[] some = [.. Enumerable.Range(0, all).Where(_ => random.Next(6) == 0)];
                    rows.Make(some);
                    asked.UnionWith(some);
                    Assert.All(asked, row => Assert.True(IsMade(row), $"row {row} was asked for in round {round} or before"));
                    bool[] others = [.. Enumerable.Range(0, all).Where(row => !asked.Contains(row) && !layers.IsPadding(row)).Select(IsMade)];
                    Assert.All(others, made => Assert.Equal(asked.Count > all / 4 * 3, made));
                }

                rows?.Make([.. Enumerable.Range(0, all)]);
                Expect.SameNumbers(expected, output, "all rows");

                // NaN is equal to itself here: the rows of padding are made of it.
                bool IsMade(int row)
                {
                    int width = expected.Shape[2];
                    return expected.AsReadOnlySpan().Slice(row * width, width).SequenceEqual(
                        output.AsReadOnlySpan().Slice(row * width, width));
                }
            }

            Expect.SameNumbers(layers.RunAll(1, null, 3), new Layer<T>(s).RunAll(1, null, 3), "what was given is still there");
        }
    }

    [Fact]
    public void A_last_layer_whose_output_somebody_wants_is_not_made_late()
    {
        Layer<float> layers = new(new Setting(2, [(10, 14), (5, 7), (3, 4), (2, 3)], 2, 8, 3, 30, 2, false, 5));
        RecordingSink all = new();
        Tensor<float> expected = layers.RunAll(1, all);
        foreach (string name in all.Names)
        {
            RecordingSink one = new(wanted => wanted == name);
            Tensor<float> output = layers.RunLate(new ForwardPass(Kernels.Simd, 2, one), 3, out EncoderLayer<float>.LateRows? late);
            Assert.Equal(!name.StartsWith("g", StringComparison.Ordinal), late is not null);
            late?.Make([.. Enumerable.Range(0, output.Shape[0] * output.Shape[1])]);
            Expect.SameNumbers(expected, output, $"{name} wanted");
            Expect.SameNumbers(all.Of<float>(name), one.Of<float>(name), name);
            late?.Dispose();
        }
    }

    [Theory]
    [InlineData("pos")]
    [InlineData("padding_mask")]
    [InlineData("reference_points")]
    [InlineData("spatial_shapes")]
    public void Shapes_that_disagree_are_refused_by_name_when_nobody_listens(string argument)
    {
        DeformableDetrConfig config = new() { HiddenDim = 8, Nheads = 2, NumFeatureLevels = 1, EncNPoints = 2, DimFeedforward = 6 };
        EncoderLayer<float> layer = new(new MadeWeights<float>(seed: 1), "e", config);
        (int pos, int mask, int reference, int height) = argument switch
        {
            "pos" => (7, 6, 2, 2),
            "padding_mask" => (6, 7, 2, 2),
            "reference_points" => (6, 6, 4, 2),
            _ => (6, 6, 2, 3),
        };
        ArgumentException refusal = Assert.Throws<ArgumentException>(() => layer.Forward(
            new ForwardPass(Kernels.Simd), new Tensor<float>([1, 6, 8]), new Tensor<float>([1, pos, 8]),
            new Tensor<float>([1, 6, 1, reference]), Draw.Levels((height, 3)), new Tensor<bool>([1, mask])));
        Assert.Contains($": {(argument == "spatial_shapes" ? "level_start_index" : argument)} holds ", refusal.Message, StringComparison.Ordinal);
    }

    // Puts another tensor in the place of one, and wants nothing else.
    private static ReplacingSink OneReplaced(string name) => new((_, tensor) => Other((Tensor<float>)tensor), wanted => wanted == name);

    private static Tensor<float> Other(Tensor<float> tensor) => Draw.Between<float>(new Random(3), tensor.Shape, 0.1, 0.9);

    private sealed class Layer<T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        private readonly EncoderLayer<T> _layer;
        private readonly EncoderLayer<T>[] _layers;
        private readonly LevelLayout _levels;
        private readonly Tensor<T> _src;
        private readonly Tensor<T> _pos;
        private readonly Tensor<T> _reference;
        private readonly Tensor<bool> _mask;

        public Layer(Setting s)
        {
            Random random = new(s.Seed);
            int width = s.Heads * s.Channels;
            int tokens = s.Sizes.Sum(size => size.Height * size.Width);
            _levels = Draw.Levels(s.Sizes);
            DeformableDetrConfig config = new()
            {
                HiddenDim = width,
                Nheads = s.Heads,
                NumFeatureLevels = s.Sizes.Length,
                EncNPoints = s.Points,
                DimFeedforward = s.Hidden,
                Activation = s.Gelu ? Activation.Gelu : Activation.Relu,
            };
            _layer = new EncoderLayer<T>(new MadeWeights<T>(seed: (ulong)s.Seed), "e", config);
            _layers = [.. "efg".Select(name => new EncoderLayer<T>(new MadeWeights<T>(seed: (ulong)s.Seed), $"{name}", config))];
            _src = Draw.Numbers<T>(random, [s.N, tokens, width]);
            _pos = Draw.Numbers<T>(random, [s.N, tokens, width]);
            _reference = Draw.Between<T>(random, [s.N, tokens, s.Sizes.Length, 2], -0.1, 1.1);
            _mask = new Tensor<bool>([s.N, tokens]);
            foreach (ref bool padding in _mask.AsSpan())
            {
                padding = random.Next(4) == 0;
            }

            // What stands under the mask is no number: nobody else may read it.
            for (int token = 0; token < _mask.Length; token++)
            {
                _src.AsSpan()[token * width] = _mask.AsSpan()[token] ? T.NaN : _src.AsSpan()[token * width];
            }
        }

        public Tensor<T> Run(int threads, bool all) => Run(threads, new RecordingSink(_ => all));

        public Tensor<T> Run(int threads, ITapSink? sink, int? slot = null) => _layer.Forward(
            new ForwardPass(Kernels.Simd, threads, sink), Slot(_src, slot), Slot(_pos, slot), Slot(_reference, slot), _levels,
            Slot(_mask, slot));

        public Tensor<T> RunAll(int threads, ITapSink? sink, int layers = 3) => EncoderLayer<T>.ForwardAll(
            new ForwardPass(Kernels.Simd, threads, sink), _layers.AsSpan(0, layers), _src, _pos, _reference, _levels, _mask, inPart: false,
            out _);

        public Tensor<T> RunLate(ForwardPass pass, int layers, out EncoderLayer<T>.LateRows? late) => EncoderLayer<T>.ForwardAll(
            pass, _layers.AsSpan(0, layers), _src, _pos, _reference, _levels, _mask, inPart: true, out late);

        public bool IsPadding(int row) => _mask.AsReadOnlySpan()[row];

        // In the buffers that the pass has for tokens.
        public void LeaveNaN(ForwardPass pass)
        {
            using BufferScope scope = pass.Scope();
            for (int buffer = 0; buffer < 6; buffer++)
            {
                pass.Rent<T>(_src.Shape).AsSpan().Fill(T.NaN);
            }
        }

        private static Tensor<TElement> Slot<TElement>(Tensor<TElement> batch, int? slot)
            where TElement : unmanaged => slot is null ? batch : (Tensor<TElement>)DeformableDetrTests.Slot(batch, slot.Value);
    }
}
