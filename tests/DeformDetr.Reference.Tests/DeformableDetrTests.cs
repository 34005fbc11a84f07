using System.Numerics;
using DeformDetr.Reference.Tests.Attention;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests;

public class DeformableDetrTests
{
    public static TheoryData<string> Models => SmallModels.Names;

    // --- the contract ----------------------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(Models))]
    public void Taps_are_the_names_and_shapes_of_the_contract(string model)
    {
        Compare<float>(SmallModels.All[model]);
        Compare<double>(SmallModels.All[model]);
    }

    [Theory]
    [InlineData("r50", 521, 40_175_905)]
    [InlineData("r50-refine", 561, 40_955_900)]
    [InlineData("r50-two-stage", 574, 41_287_769)]
    [InlineData("r50-single-scale", 509, 34_172_833)]
    [InlineData("r50-single-scale-dc5", 509, 34_172_833)]
    public void Published_variants_have_the_originals_tensors(string variant, int tensors, long elements)
    {
        // Counted in the original's state_dict, every tensor under its canonical name once.
        DeformableDetrConfig config = DeformableDetrConfig.Variants[variant];
        MadeWeights<float> weights = new(config.WithBoxRefine, 1);
        Assert.Equal(config, new DeformableDetr<float>(config, weights).Config);
        Assert.Equal(tensors, weights.Taken.Count);
        Assert.Equal(elements, weights.Taken.Values.Sum(tensor => (long)tensor.Length));
    }

    // --- independent formulas --------------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(Models))]
    public void Every_tensor_follows_from_those_before_it(string model)
    {
        DeformableDetrConfig config = SmallModels.All[model];
        MadeWeights<double> weights = new(config.WithBoxRefine);
        RecordingSink sink = new();
        SmallModels.Run(config, Kernels.Simd, 2, sink, weights);
        new Chain(config, sink.Tensors, weights).Verify();
    }

    [Fact]
    public void So_it_does_in_the_textbook_bodies()
    {
        DeformableDetrConfig config = SmallModels.All["plain"];
        MadeWeights<double> weights = new();
        RecordingSink sink = new();
        SmallModels.Run(config, Kernels.Textbook, 1, sink, weights);
        new Chain(config, sink.Tensors, weights).Verify();
    }

    // --- tie -------------------------------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(Models))]
    public void Simd_agrees_with_Textbook(string model)
    {
        Tie<double>(SmallModels.All[model], 1e-11);
        Tie<float>(SmallModels.All[model], 2e-3);
    }

    // --- laws ------------------------------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(Models))]
    public void Traced_fully_in_part_or_not_at_all_the_bits_are_the_same_on_any_number_of_threads(string model)
    {
        DeformableDetrConfig config = SmallModels.All[model];
        DetrOutputs<float> untraced = SmallModels.Run<float>(config, Kernels.Simd, 1, null);
        foreach (int threads in new[] { 1, 2, 7 })
        {
            RecordingSink all = new();
            Same(untraced, SmallModels.Run<float>(config, Kernels.Simd, threads, all));
            Same(untraced, SmallModels.Run<float>(config, Kernels.Simd, threads, null));
            RecordingSink outputs = new(name => name.EndsWith("pred_boxes", StringComparison.Ordinal) || name.EndsWith("pred_logits", StringComparison.Ordinal));
            Same(untraced, SmallModels.Run<float>(config, Kernels.Simd, threads, outputs));
            Expect.SameBits(untraced.Final.PredBoxes, all.Tensors["pred_boxes"]);
            foreach ((string name, Tensor tensor) in outputs.Tensors)
            {
                Expect.SameBits(all.Tensors[name], tensor, name);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void A_picture_has_the_same_bits_alone_and_in_every_slot_of_a_batch(string model)
    {
        DeformableDetrConfig config = SmallModels.All[model];
        (int, int) first = (SmallModels.Height, 61);
        (int, int) second = (50, SmallModels.Width);
        (int, int) third = (40, 40);
        RecordingSink together = Run([first, second, third]);
        RecordingSink turned = Run([third, first, second]);
        int[] slots = [1, 2, 0];
        for (int slot = 0; slot < 3; slot++)
        {
            RecordingSink alone = Run([slot switch { 0 => first, 1 => second, _ => third }]);
            foreach ((string name, Tensor tensor) in alone.Tensors)
            {
                if (name is not ("transformer.spatial_shapes" or "transformer.level_start_index"))
                {
                    Expect.SameBits(tensor, Slot(together.Tensors[name], slot), name);
                    Expect.SameBits(tensor, Slot(turned.Tensors[name], slots[slot]), name);
                }
            }
        }

        RecordingSink Run((int, int)[] valid)
        {
            RecordingSink sink = new();
            (Tensor<float> samples, Tensor<bool> mask) = SmallModels.Batch<float>(3, valid);
            SmallModels.Run(config, Kernels.Simd, 2, sink, null, samples, mask);
            return sink;
        }
    }

    [Fact]
    public void A_second_run_through_the_same_pass_has_the_same_bits()
    {
        // Buffers of the first run are used again.
        DeformableDetrConfig config = SmallModels.All["plain"];
        DeformableDetr<float> model = new(config, new MadeWeights<float>());
        (Tensor<float> samples, Tensor<bool> mask) = SmallModels.Batch<float>();
        ForwardPass pass = new(Kernels.Simd, 2);
        DetrOutputs<float> first = model.Forward(pass, samples, mask);
        (Tensor<float> others, Tensor<bool> otherMask) = SmallModels.Batch<float>(9, (30, 50));
        model.Forward(pass, others, otherMask);
        Same(first, model.Forward(pass, samples, mask));
    }

    [Fact]
    public void With_refinement_a_layers_boxes_are_the_references_of_the_next_and_without_references_never_move()
    {
        // T18, T19 of porting-mistakes.md.
        RecordingSink refined = new();
        DeformableDetrConfig config = SmallModels.All["refine, gelu, five levels, bottleneck"];
        SmallModels.Run<float>(config, Kernels.Simd, 1, refined);
        Expect.SameBits(refined.Tensors["transformer.decoder.reference_points.0"], refined.Tensors["aux_outputs.0.pred_boxes"]);
        Expect.SameBits(refined.Tensors["transformer.decoder.reference_points.1"], refined.Tensors["aux_outputs.1.pred_boxes"]);
        Expect.SameBits(refined.Tensors["transformer.decoder.reference_points.2"], refined.Tensors["pred_boxes"]);

        RecordingSink plain = new();
        SmallModels.Run<float>(SmallModels.All["plain"], Kernels.Simd, 1, plain);
        Expect.SameBits(plain.Tensors["transformer.reference_points"], plain.Tensors["transformer.decoder.reference_points.0"]);
        Expect.SameBits(plain.Tensors["transformer.reference_points"], plain.Tensors["transformer.decoder.reference_points.1"]);
    }

    // --- refusals --------------------------------------------------------------------------------------------------------------------

    [Fact]
    public void What_the_original_cannot_run_is_refused_in_one_line()
    {
        DeformableDetrConfig plain = SmallModels.All["plain"];
        Tensor<float> samples = new([1, 3, 64, 64]);
        Refused(plain, "valid_ratios: mask of picture 0 covers the first row or column of level 0; expected a picture that is not padding everywhere.", samples, Draw.Mask(64, 64, (0, 0)));
        Refused(plain, "model: samples.mask holds [1, 64, 63]; expected [N, H, W] = [1, 64, 64].", samples, new Tensor<bool>([1, 64, 63]));
        Refused(plain, "model: samples.tensor holds [1, 4, 64, 64]; expected [N, 3, H, W] = [any, 3, any, any].", new Tensor<float>([1, 4, 64, 64]), new Tensor<bool>([1, 64, 64]));
        Refused(plain, "model: samples.tensor holds [0, 3, 64, 64]; expected at least one picture.", new Tensor<float>([0, 3, 64, 64]), new Tensor<bool>([0, 64, 64]));
        Refused(
            SmallModels.All["single scale, learned positions"], "learned position encoding: map holds 1 x 51 cells; expected at most 50 x 50 (the original's tables).",
            new Tensor<float>([1, 3, 8, 1601]), new Tensor<bool>([1, 8, 1601]));
        Refused(
            SmallModels.All["two-stage"] with { NumQueries = 85 }, "two_stage: num_queries holds 85; expected at most the number of tokens, 84.", samples, new Tensor<bool>([1, 64, 64]));
        Expect.Refusal<ArgumentException>(
            "config: num_feature_levels holds 2; expected 1 or at least 3 (the original projects three backbone levels and can't run with 2).",
            () => new DeformableDetr<float>(plain with { NumFeatureLevels = 2 }, new MadeWeights<float>()));
    }

    // --- helpers ---------------------------------------------------------------------------------------------------------------------

    internal static void Same(DetrOutputs<float> expected, DetrOutputs<float> actual)
    {
        Expect.SameBits(expected.Final.PredLogits, actual.Final.PredLogits, "pred_logits");
        Expect.SameBits(expected.Final.PredBoxes, actual.Final.PredBoxes, "pred_boxes");
        Assert.Equal(expected.AuxOutputs.Count, actual.AuxOutputs.Count);
        for (int layer = 0; layer < expected.AuxOutputs.Count; layer++)
        {
            Expect.SameBits(expected.AuxOutputs[layer].PredLogits, actual.AuxOutputs[layer].PredLogits, $"aux_outputs.{layer}.pred_logits");
            Expect.SameBits(expected.AuxOutputs[layer].PredBoxes, actual.AuxOutputs[layer].PredBoxes, $"aux_outputs.{layer}.pred_boxes");
        }

        Assert.Equal(expected.EncOutputs is null, actual.EncOutputs is null);
        if (expected.EncOutputs is { } encoded)
        {
            Expect.SameBits(encoded.PredLogits, actual.EncOutputs!.Value.PredLogits, "enc_outputs.pred_logits");
            Expect.SameBits(encoded.PredBoxes, actual.EncOutputs.Value.PredBoxes, "enc_outputs.pred_boxes");
        }
    }

    internal static Tensor Slot(Tensor tensor, int slot) => tensor switch
    {
        Tensor<float> t => MSDeformAttnCoreTests.Take(t, 0, slot),
        Tensor<bool> t => MSDeformAttnCoreTests.Take(t, 0, slot),
        Tensor<long> t => MSDeformAttnCoreTests.Take(t, 0, slot),
        _ => throw new NotSupportedException(),
    };

    private static void Compare<T>(DeformableDetrConfig config)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RecordingSink sink = new();
        SmallModels.Run<T>(config, Kernels.Simd, 2, sink);
        IReadOnlyDictionary<string, TensorShape> expected = ContractNames.Of(config, 2, SmallModels.Height, SmallModels.Width);
        Assert.Empty(expected.Keys.Except(sink.Names));
        Assert.Empty(sink.Names.Except(expected.Keys));
        foreach ((string name, TensorShape shape) in expected)
        {
            Assert.True(shape == sink.Tensors[name].Shape, $"{name} holds {sink.Tensors[name].Shape}, expected {shape}");
            ElementType type = name.Split('.')[^1] switch
            {
                "mask" or "mask_flatten" => ElementType.Bool,
                "spatial_shapes" or "level_start_index" or "topk_proposals" => ElementType.Int64,
                _ => name.StartsWith("masks.", StringComparison.Ordinal) ? ElementType.Bool : ElementTypes.Of<T>(),
            };
            Assert.True(type == sink.Tensors[name].ElementType, $"{name} holds {sink.Tensors[name].ElementType}, expected {type}");
        }
    }

    private static void Tie<T>(DeformableDetrConfig config, double relative)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // A token's rank may flip on a rounding error; the trace with its own proposals is what Every_tensor_follows… judges.
        DetrOutputs<T> textbook = SmallModels.Run<T>(config, Kernels.Textbook, 1, null);
        DetrOutputs<T> simd = SmallModels.Run<T>(config, Kernels.Simd, 2, null);
        Expect.Close(textbook.Final.PredLogits.Doubles(), simd.Final.PredLogits.Doubles(), relative, "pred_logits");
        Expect.Close(textbook.Final.PredBoxes.Doubles(), simd.Final.PredBoxes.Doubles(), relative, "pred_boxes");
    }

    private static void Refused(DeformableDetrConfig config, string message, Tensor<float> samples, Tensor<bool> mask) =>
        Expect.Refusal<ArgumentException>(message, () => SmallModels.Run(config, Kernels.Simd, 1, null, null, samples, mask));
}
