using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Transformer;

public class DecoderTests
{
    private static readonly LevelLayout Levels = Draw.Levels((2, 3), (1, 2));

    [Fact]
    public void References_that_are_carried_on_are_free_of_valid_ratios()
    {
        // C17 of porting-mistakes.md: only what enters a layer is scaled, all four numbers of a box, x and w by the first ratio.
        DeformableDetrConfig config = Config(refine: true);
        RecordingSink sink = new();
        DecoderOutput<double> output = Run(config, sink, 4, 0.5, 0.25, 1, 0.75);
        Tensor<double> entering = sink.Of<double>("transformer.decoder.layers.0.reference_points_input");
        Assert.Equal([1, 3, 2, 4], entering.Shape);
        double[] ratios = [0.5, 0.25, 0.5, 0.25, 1, 0.75, 1, 0.75];
        for (int query = 0; query < 3; query++)
        {
            for (int at = 0; at < 8; at++)
            {
                double carried = 0.1 + (0.2 * ((query * 4) + (at % 4)) / 12);
                Assert.Equal(carried * ratios[at], entering[0, query, at / 4, at % 4], 1e-15);
            }
        }

        // With head outputs of zero the references stay what they were.
        for (int layer = 0; layer < 2; layer++)
        {
            Expect.Close(References(4).Doubles(), output.ReferencePoints[layer].Doubles(), 1e-14);
        }
    }

    [Fact]
    public void Points_are_scaled_by_width_and_height_and_become_boxes_when_refined()
    {
        RecordingSink sink = new();
        DecoderOutput<double> output = Run(Config(refine: true), sink, 2, 0.5, 0.25, 1, 0.75);
        Tensor<double> entering = sink.Of<double>("transformer.decoder.layers.0.reference_points_input");
        Assert.Equal([1, 3, 2, 2], entering.Shape);
        Assert.Equal(0.1 * 0.5, entering[0, 0, 0, 0]);
        Assert.Equal((0.1 + (0.2 / 12)) * 0.75, entering[0, 0, 1, 1], 1e-15);

        // E11: from the first layer on they have four numbers; a head output of zero makes boxes of half the picture.
        Assert.Equal([1, 3, 4], output.ReferencePoints[0].Shape);
        Assert.Equal(0.5, output.ReferencePoints[0][0, 1, 2]);
        Assert.Equal([1, 3, 2, 4], sink.Tensors["transformer.decoder.layers.1.reference_points_input"].Shape);
    }

    [Fact]
    public void Without_refinement_references_never_move_and_no_head_is_asked()
    {
        RecordingSink sink = new();
        DecoderOutput<double> output = Run(Config(refine: false), sink, 2, 1, 1, 1, 1);
        Assert.Null(output.BoxDeltas);
        Assert.Equal(2, output.Hs.Count);
        Assert.DoesNotContain(sink.Names, name => name.Contains("embed", StringComparison.Ordinal));
        Expect.SameBits(References(2), output.ReferencePoints[0]);
        Expect.SameBits(References(2), output.ReferencePoints[1]);
    }

    private static DeformableDetrConfig Config(bool refine) => SmallModels.All["plain"] with { WithBoxRefine = refine, NumFeatureLevels = 2, NumQueries = 3 };

    private static Tensor<double> References(int size) => Draw.Of<double>([1, 3, size], [.. Enumerable.Range(0, 3 * size).Select(at => 0.1 + (0.2 * at / 12))]);

    private static DecoderOutput<double> Run(DeformableDetrConfig config, ITapSink sink, int size, params double[] ratios)
    {
        MadeWeights<double> weights = new(config.WithBoxRefine);
        for (int layer = 0; layer < 2; layer++)
        {
            weights.Set[$"bbox_embed.{layer}.layers.2.weight"] = shape => new Tensor<double>(shape);
            weights.Set[$"bbox_embed.{layer}.layers.2.bias"] = shape => new Tensor<double>(shape);
        }

        Decoder<double> decoder = new(weights, config, new Heads<double>(weights, config));
        return decoder.Forward(
            new ForwardPass(Kernels.Simd, 1, sink), Draw.Numbers<double>(1, [1, 3, 32]), References(size), Draw.Numbers<double>(2, [1, 8, 32]), Levels,
            Draw.Of<double>([1, 2, 2], ratios), Draw.Numbers<double>(3, [1, 3, 32]), new Tensor<bool>([1, 8]));
    }
}
