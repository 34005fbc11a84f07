using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Transformer;

public class HeadsTests
{
    [Fact]
    public void Without_refinement_all_layers_share_the_head_of_index_0()
    {
        // E13 of porting-mistakes.md.
        DeformableDetrConfig config = SmallModels.All["plain"] with { DecLayers = 3 };
        MadeWeights<float> weights = new();
        Heads<float> heads = new(weights, config);
        Assert.All(weights.Taken.Keys, name => Assert.Contains("_embed.0.", name));
        Assert.Equal(8, weights.Taken.Count);
        Tensor<float> x = Draw.Numbers<float>(1, [1, 4, 32]);
        ForwardPass pass = new(Kernels.Simd);
        for (int head = 1; head < 3; head++)
        {
            Expect.SameBits(heads.Classes(pass, 0, x), heads.Classes(pass, head, x));
            Expect.SameBits(heads.Boxes(pass, 0, x), heads.Boxes(pass, head, x));
        }
    }

    [Fact]
    public void With_refinement_every_layer_has_its_own_and_two_stages_have_one_more()
    {
        // E14.
        MadeWeights<float> weights = new(withBoxRefine: true);
        Heads<float> heads = new(weights, SmallModels.All["two-stage"]);
        Assert.Equal(3 * 8, weights.Taken.Count);
        Assert.Contains("class_embed.2.bias", weights.Taken.Keys);
        Assert.Contains("bbox_embed.2.layers.2.weight", weights.Taken.Keys);
        Tensor<float> x = Draw.Numbers<float>(1, [1, 4, 256]);
        ForwardPass pass = new(Kernels.Simd);
        Assert.NotEqual(heads.Classes(pass, 0, x).AsSpan().ToArray(), heads.Classes(pass, 1, x).AsSpan().ToArray());
        Assert.NotEqual(heads.Boxes(pass, 0, x).AsSpan().ToArray(), heads.Boxes(pass, 2, x).AsSpan().ToArray());
    }

    [Fact]
    public void Only_the_heads_that_are_wanted_take_weights()
    {
        MadeWeights<float> weights = new(withBoxRefine: true);
        Heads<float> heads = new(weights, SmallModels.All["two-stage"], head => head == 2, head => head > 0);
        Assert.Equal([false, false, true], Enumerable.Range(0, 3).Select(heads.HasClass));
        Assert.Equal([false, true, true], Enumerable.Range(0, 3).Select(heads.HasBbox));
        Assert.Equal(2 + 6 + 6, weights.Taken.Count);
    }

    [Fact]
    public void Boxes_have_three_layers_and_no_relu_after_the_last()
    {
        // E17: with a last layer of -1 everywhere, the output is negative.
        MadeWeights<float> weights = new();
        weights.Set["bbox_embed.0.layers.2.weight"] = shape => Draw.Constant<float>(shape, 0);
        weights.Set["bbox_embed.0.layers.2.bias"] = shape => Draw.Constant<float>(shape, -1);
        RecordingSink sink = new();
        Tensor<float> boxes = new Heads<float>(weights, SmallModels.All["plain"]).Boxes(new ForwardPass(Kernels.Textbook, 1, sink), 1, Draw.Numbers<float>(1, [2, 3, 32]));
        Assert.All(boxes.Doubles(), value => Assert.Equal(-1, value));
        Assert.Equal(["bbox_embed.1.layers.0", "bbox_embed.1.layers.1", "bbox_embed.1.layers.2", "bbox_embed.1"], sink.Names);
        Assert.Contains(sink.Of<float>("bbox_embed.1.layers.1").Doubles(), value => value < 0);
    }
}
