using System.Numerics;
using DeformDetr.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace DeformDetr.Reference.Tests.Transformer;

public class DeformableTransformerTests
{
    private const string CrossAttn = "transformer.decoder.layers.0.cross_attn";

    private static readonly DeformableDetrConfig Config = SmallModels.All["plain"] with { NumFeatureLevels = 3 };
    private static readonly DeformableDetrConfig Refine = Config with { WithBoxRefine = true };
    private static readonly DeformableDetrConfig TwoStage = SmallModels.All["two-stage"];

    // Sizes that nothing in the layers may depend on.
    private static readonly Gen<DeformableDetrConfig> Configs =
        from levels in Gen.Elements(1, 3, 4)
        from heads in Gen.Elements(1, 2, 4, 8)
        from encoder in Gen.Choose(0, 2)
        from decoder in Gen.Choose(1, 3)
        from queries in Gen.Choose(1, 9)
        from encoderPoints in Gen.Choose(1, 5)
        from decoderPoints in Gen.Choose(1, 5)
        from width in Gen.Choose(1, 40)
        from refine in Gen.Elements(false, true)
        from gelu in Gen.Elements(false, true)
        select new DeformableDetrConfig
        {
            NumFeatureLevels = levels,
            Nheads = heads,
            EncLayers = encoder,
            DecLayers = decoder,
            NumQueries = queries,
            EncNPoints = encoderPoints,
            DecNPoints = decoderPoints,
            DimFeedforward = width,
            HiddenDim = 32,
            NumClasses = 2,
            WithBoxRefine = refine,
            Activation = gelu ? Activation.Gelu : Activation.Relu,
        };

    // --- tie -------------------------------------------------------------------------------------------------------------------------

    [Fact]
    public void Simd_agrees_with_Textbook() =>
        Properties.Holds(
            Configs,
            config =>
            {
                Case<float> c = new(config, 2);
                RecordingSink textbook = c.Run(Kernels.Textbook);
                RecordingSink simd = c.Run(Kernels.Simd, 2);
                Assert.Equal(textbook.Names, simd.Names);
                foreach (string name in textbook.Names.Where(name => textbook.Tensors[name] is Tensor<float>))
                {
                    Expect.Close(textbook.Of<float>(name).Doubles(), simd.Of<float>(name).Doubles(), 1e-3, name);
                }
            },
            12);

    // --- laws ------------------------------------------------------------------------------------------------------------------------

    [Fact]
    public void Neither_threads_nor_a_trace_nor_the_slot_of_a_picture_change_a_bit() =>
        Properties.Holds(
            Configs,
            config =>
            {
                Case<float> c = new(config, 3);
                RecordingSink one = c.Run(Kernels.Simd);
                foreach (int threads in new[] { 2, 7 })
                {
                    RecordingSink several = c.Run(Kernels.Simd, threads);
                    Assert.All(one.Names, name => Expect.SameBits(one.Tensors[name], several.Tensors[name], name));
                }

                Tensor<float> untraced = c.Forward(new ForwardPass(Kernels.Simd, 2)).Decoder.Hs[^1];
                Expect.SameBits(one.Tensors[$"hs.{config.DecLayers - 1}"], untraced, "hs");
                for (int slot = 0; slot < 3; slot++)
                {
                    RecordingSink alone = c.Alone(slot).Run(Kernels.Simd);
                    foreach (string name in alone.Names.Where(name => name is not ("transformer.spatial_shapes" or "transformer.level_start_index")))
                    {
                        Expect.SameBits(alone.Tensors[name], DeformableDetrTests.Slot(one.Tensors[name], slot), name);
                    }
                }
            },
            12);

    // So many tokens that few queries read only some of them, and those by several groups: memory is then made where it is read, unless
    // somebody wants what can't be left out.
    [Fact]
    public void Memory_that_is_made_where_it_is_read_gives_the_same_bits_whoever_listens()
    {
        foreach (DeformableDetrConfig config in new[] { Config, Refine, TwoStage, Config with { EncLayers = 1 }, Config with { EncLayers = 0 } })
        {
            Case<float> c = new(config, 3, scale: 4);
            RecordingSink all = c.Run(Kernels.Simd);
            foreach (int threads in new[] { 1, 2, 7 })
            {
                Compare(c, new ForwardPass(Kernels.Simd, threads), slot: null, $"{threads} threads");
            }

            foreach (string name in all.Names)
            {
                RecordingSink one = new(wanted => wanted == name);
                Compare(c, new ForwardPass(Kernels.Simd, 2, one), slot: null, $"{name} wanted");
                Expect.SameBits(all.Tensors[name], one.Tensors[name], name);
            }

            for (int slot = 0; slot < 3; slot++)
            {
                Compare(c.Alone(slot), new ForwardPass(Kernels.Simd, 2), slot, $"slot {slot}");
            }

            void Compare(Case<float> run, ForwardPass pass, int? slot, string what)
            {
                DecoderOutput<float> decoder = run.Forward(pass).Decoder;
                for (int layer = 0; layer < config.DecLayers; layer++)
                {
                    Expect.SameBits(Expected($"hs.{layer}"), decoder.Hs[layer], $"hs.{layer}, {what}");
                    Expect.SameBits(
                        Expected($"transformer.decoder.reference_points.{layer}"), decoder.ReferencePoints[layer], $"references {layer}, {what}");
                }

                Tensor Expected(string name) => slot is { } of ? DeformableDetrTests.Slot(all.Tensors[name], of) : all.Tensors[name];
            }
        }
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void What_stands_under_the_mask_reaches_no_unmasked_token_and_no_tensor_of_the_decoder(Kernels kernels)
    {
        foreach (DeformableDetrConfig config in new[] { Config, Refine, TwoStage })
        {
            Case<float> c = new(config, 2);
            RecordingSink clean = c.Run(kernels, 2);
            bool[] mask = clean.Of<bool>("transformer.mask_flatten").AsSpan().ToArray();
            Assert.Contains(true, mask);
            c.SpoilPadding();
            RecordingSink spoilt = c.Run(kernels, 2);
            foreach (string name in clean.Names)
            {
                if (clean.Tensors[name] is Tensor<float> tensor && IsOfTokens(name))
                {
                    int width = tensor.Length / mask.Length;
                    for (int token = 0; token < mask.Length; token++)
                    {
                        Assert.True(
                            mask[token] || tensor.AsSpan().Slice(token * width, width).SequenceEqual(spoilt.Of<float>(name).AsSpan().Slice(token * width, width)), $"{name}, token {token}");
                    }
                }
                else
                {
                    Expect.SameBits(clean.Tensors[name], spoilt.Tensors[name], name);
                }
            }
        }

        // All that has a row per token and is not zeroed or refilled under the mask.
        static bool IsOfTokens(string name) =>
            name is "transformer.src_flatten" or "transformer.lvl_pos_embed_flatten" or "transformer.memory"
            || (name.StartsWith("transformer.encoder.layers.", StringComparison.Ordinal) && !name.EndsWith(".value", StringComparison.Ordinal));
    }

    [Fact]
    public void Pictures_of_different_content_give_different_answers_and_the_order_of_pictures_is_kept()
    {
        Case<float> c = new(Config, 3);
        Tensor<float> hs = c.Run(Kernels.Simd).Of<float>("hs.1");
        Assert.NotEqual(DeformableDetrTests.Slot(hs, 0).ToString(), DeformableDetrTests.Slot(hs, 1).ToString());
    }

    // --- teacher forcing -------------------------------------------------------------------------------------------------------------

    [Fact]
    public void A_replaced_tensor_is_the_one_that_the_run_goes_on_with()
    {
        // Points far outside: nothing is sampled, so that the attention puts out its bias, and all behind it changes.
        Case<float> c = new(Config, 2);
        RecordingSink own = c.Run(Kernels.Simd);
        ReplacingSink sink = new((name, tensor) => name == $"{CrossAttn}.sampling_locations" ? Draw.Constant<float>(tensor.Shape, 50) : null);
        c.Forward(new ForwardPass(Kernels.Simd, 2, sink));
        Assert.All(sink.Record.Of<float>($"{CrossAttn}.sampled").Doubles(), value => Assert.Equal(0, value));
        double[] bias = c.Weights[$"{CrossAttn}.output_proj.bias"];
        double[] output = sink.Record.Of<float>(CrossAttn).Doubles();
        Assert.All(Enumerable.Range(0, output.Length), at => Assert.Equal(bias[at % bias.Length], output[at]));
        int replaced = own.Names.IndexOf($"{CrossAttn}.sampling_locations");
        Assert.All(own.Names.Take(replaced), name => Expect.SameBits(own.Tensors[name], sink.Record.Tensors[name], name));
        Assert.NotEqual(own.Of<float>("hs.1").AsSpan().ToArray(), sink.Record.Of<float>("hs.1").AsSpan().ToArray());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_tensor_of_floats_has_an_effect_when_it_is_replaced(bool twoStage)
    {
        DeformableDetrConfig config = twoStage ? TwoStage : Refine;
        Case<float> c = new(config, 2);
        RecordingSink own = c.Run(Kernels.Simd);
        string last = $"transformer.decoder.reference_points.{config.DecLayers - 1}";
        string[] ends = [last, $"hs.{config.DecLayers - 1}"];
        foreach (string forced in own.Names.Where(name => own.Tensors[name] is Tensor<float> && !ends.Contains(name)))
        {
            // Twice the tensor and a little more changes each that is read; logits of a softmax may not be shifted, so it is no constant.
            ReplacingSink sink = new((name, tensor) =>
            {
                if (name != forced)
                {
                    return null;
                }

                Tensor<float> next = ((Tensor<float>)tensor).Clone();
                for (int at = 0; at < next.Length; at++)
                {
                    next.AsSpan()[at] = (0.5f * next.AsSpan()[at]) + (0.01f * (at % 7));
                }

                return next;
            });
            TransformerOutput<float> output = c.Forward(new ForwardPass(Kernels.Simd, 2, sink));
            bool changed = !own.Of<float>(ends[1]).AsSpan().SequenceEqual(output.Decoder.Hs[^1].AsSpan())
                || !own.Of<float>(last).AsSpan().SequenceEqual(output.Decoder.ReferencePoints[^1].AsSpan())
                || (twoStage && !own.Of<float>("transformer.enc_outputs_coord_unact").AsSpan().SequenceEqual(output.EncOutputsCoordUnact!.AsSpan()))
                || (twoStage && !own.Of<float>("transformer.enc_outputs_class").AsSpan().SequenceEqual(output.EncOutputsClass!.AsSpan()))
                || Enumerable.Range(0, config.DecLayers).Any(layer => !own.Of<float>($"hs.{layer}").AsSpan().SequenceEqual(output.Decoder.Hs[layer].AsSpan()));
            Assert.True(changed, $"{forced} was replaced without any effect");
        }
    }

    [Fact]
    public void A_run_forced_with_its_own_tensors_has_its_own_bits()
    {
        Case<float> c = new(TwoStage, 2);
        RecordingSink own = c.Run(Kernels.Simd);
        ReplacingSink forced = new((name, _) => own.Tensors[name].CloneUntyped());
        TransformerOutput<float> output = c.Forward(new ForwardPass(Kernels.Simd, 2, forced));
        Assert.Equal(own.Names, forced.Record.Names);
        Assert.All(own.Names, name => Expect.SameBits(own.Tensors[name], forced.Record.Tensors[name], name));
        Expect.SameBits(own.Tensors["hs.1"], output.Decoder.Hs[1], "hs.1");
    }

    [Fact]
    public void A_replacement_of_another_shape_is_refused_wherever_it_is_put()
    {
        Case<float> c = new(TwoStage, 2);
        RecordingSink own = c.Run(Kernels.Simd);
        foreach (string forced in own.Names)
        {
            TensorShape shape = TensorShape.Create([.. own.Tensors[forced].Shape.Sizes, 1]);
            ReplacingSink sink = new((name, tensor) => name == forced ? tensor.ReshapeUntyped(shape) : null);
            Expect.Refusal<ArgumentException>(
                $"tap: the replacement for {forced} holds {shape}; expected {own.Tensors[forced].Shape}.", () => c.Forward(new ForwardPass(Kernels.Simd, 2, sink)));
        }
    }

    // --- refusals --------------------------------------------------------------------------------------------------------------------

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        Case<float> c = new(Config, 2);
        Tensor<float>[] fewer = c.Srcs[..2];
        Expect.Refusal<ArgumentException>(
            "transformer: srcs hold 2 levels, masks 3, pos 3; expected num_feature_levels = 3 of each.", () => c.Transformer.Forward(new ForwardPass(), fewer, c.Masks, c.Pos));
        Tensor<float>[] narrow = [c.Srcs[0], new Tensor<float>([2, 16, 3, 2]), c.Srcs[2]];
        Expect.Refusal<ArgumentException>(
            "transformer: srcs.1 holds [2, 16, 3, 2]; expected [N, C, H, W] = [2, 32, any, any].", () => c.Transformer.Forward(new ForwardPass(), narrow, c.Masks, c.Pos));
        Tensor<bool>[] masks = [c.Masks[0], c.Masks[0], c.Masks[2]];
        Expect.Refusal<ArgumentException>(
            "transformer: masks.1 holds [2, 5, 7]; expected [N, H, W] = [2, 3, 4].", () => c.Transformer.Forward(new ForwardPass(), c.Srcs, masks, c.Pos));
        Tensor<bool>[] covered = [c.Masks[0], c.Masks[1], Draw.Mask(2, 2, (1, 1), (0, 0))];
        Expect.Refusal<ArgumentException>(
            "valid_ratios: mask of picture 1 covers the first row or column of level 2; expected a picture that is not padding everywhere.",
            () => c.Transformer.Forward(new ForwardPass(), c.Srcs, covered, c.Pos));
        Case<float> crowded = new(TwoStage with { NumQueries = 52 }, 2);
        Expect.Refusal<ArgumentException>(
            "two_stage: num_queries holds 52; expected at most the number of tokens, 51.", () => crowded.Forward(new ForwardPass(Kernels.Simd)));
    }

    // Maps of random numbers, the pictures of different sizes.
    private sealed class Case<T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        private static readonly (int Height, int Width)[] Sizes = [(5, 7), (3, 4), (2, 2), (1, 1)];
        private static readonly (int Height, int Width)[][] Valid =
        [
            [(5, 5), (3, 7), (4, 4)],
            [(3, 3), (2, 4), (3, 2)],
            [(2, 2), (1, 2), (2, 1)],
            [(1, 1), (1, 1), (1, 1)],
        ];

        public Case(DeformableDetrConfig config, int n, int scale = 1)
        {
            Random random = new(12);
            Weights = new MadeWeights<T>(config.WithBoxRefine);
            Transformer = new DeformableTransformer<T>(Weights, config, new Heads<T>(Weights, config));
            int levels = config.NumFeatureLevels;
            Srcs = [.. Sizes.Take(levels).Select(size => Draw.Numbers<T>(random, [n, config.HiddenDim, scale * size.Height, scale * size.Width]))];
            Pos = [.. Sizes.Take(levels).Select(size => Draw.Numbers<T>(random, [n, config.HiddenDim, scale * size.Height, scale * size.Width], 0.5))];
            Masks =
            [
                .. Enumerable.Range(0, levels).Select(level => Draw.Mask(
                    scale * Sizes[level].Height, scale * Sizes[level].Width,
                    [.. Valid[level][..n].Select(valid => (scale * valid.Height, scale * valid.Width))])),
            ];
        }

        private Case(Case<T> whole, int slot)
        {
            Weights = whole.Weights;
            Transformer = whole.Transformer;
            Srcs = [.. whole.Srcs.Select(map => Attention.MSDeformAttnCoreTests.Take(map, 0, slot))];
            Pos = [.. whole.Pos.Select(map => Attention.MSDeformAttnCoreTests.Take(map, 0, slot))];
            Masks = [.. whole.Masks.Select(map => Attention.MSDeformAttnCoreTests.Take(map, 0, slot))];
        }

        public MadeWeights<T> Weights { get; }

        public DeformableTransformer<T> Transformer { get; }

        public Tensor<T>[] Srcs { get; }

        public Tensor<T>[] Pos { get; }

        public Tensor<bool>[] Masks { get; }

        public Case<T> Alone(int slot) => new(this, slot);

        public TransformerOutput<T> Forward(ForwardPass pass) => Transformer.Forward(pass, Srcs, Masks, Pos);

        public RecordingSink Run(Kernels kernels, int threads = 1)
        {
            RecordingSink sink = new();
            Forward(new ForwardPass(kernels, threads, sink));
            return sink;
        }

        public void SpoilPadding()
        {
            for (int level = 0; level < Srcs.Length; level++)
            {
                int cells = Masks[level].Shape[1] * Masks[level].Shape[2];
                int channels = Srcs[level].Shape[1];
                for (int at = 0; at < Srcs[level].Length; at++)
                {
                    if (Masks[level].AsSpan()[(at / cells / channels * cells) + (at % cells)])
                    {
                        Srcs[level].AsSpan()[at] = T.NaN;
                        Pos[level].AsSpan()[at] = T.PositiveInfinity;
                    }
                }
            }
        }
    }
}
