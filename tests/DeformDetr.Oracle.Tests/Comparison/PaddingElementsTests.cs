using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Comparison;

public class PaddingElementsTests
{
    [Theory]
    [InlineData("pos.2", "masks.2")]
    [InlineData("transformer.lvl_pos_embed_flatten", "transformer.mask_flatten")]
    [InlineData("transformer.encoder.layers.0.self_attn.sampling_offsets", "transformer.mask_flatten")]
    [InlineData("transformer.encoder.layers.5", "transformer.mask_flatten")]
    [InlineData("transformer.memory", "transformer.mask_flatten")]
    [InlineData("transformer.encoder.layers.0.self_attn.value", null)]
    [InlineData("transformer.encoder.reference_points", null)]
    [InlineData("transformer.output_memory", null)]
    [InlineData("transformer.src_flatten", null)]
    [InlineData("srcs.0", null)]
    [InlineData("transformer.decoder.layers.0", null)]
    public void Only_what_the_encoding_reaches_has_elements_that_do_not_count(string name, string? mask) =>
        Assert.Equal(mask, PaddingElements.MaskName(name));

    [Fact]
    public void A_mask_is_spread_over_channels_and_rows()
    {
        Tensor<bool> pixels = Tensor<bool>.FromArray([2, 1, 2], [true, false, false, true]);
        Assert.Equal(
            [true, false, true, false, true, false, false, true, false, true, false, true],
            PaddingElements.Mask("pos.0", [2, 3, 1, 2], name => name == "masks.0" ? pixels : null)!.AsReadOnlySpan().ToArray());
        Tensor<bool> rows = Tensor<bool>.FromArray([1, 2], [false, true]);
        Assert.Equal(
            [false, false, false, true, true, true],
            PaddingElements.Mask("transformer.memory", [1, 2, 3], _ => rows)!.AsReadOnlySpan().ToArray());
    }

    [Fact]
    public void Nothing_is_spread_over_other_sizes()
    {
        Tensor<bool> mask = new([2, 3]);
        Assert.Null(PaddingElements.Spread(mask, [2, 4, 5]));
        Assert.Null(PaddingElements.Spread(mask, [3, 2, 5]));
        Assert.Null(PaddingElements.Spread(new Tensor<bool>([2, 3, 4]), [2, 5, 4, 3]));
        Assert.Null(PaddingElements.Mask("transformer.memory", [2, 3, 4], _ => null));
    }
}
