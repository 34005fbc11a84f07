using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Weights;

public class RecipeWeightsTests
{
    [Fact]
    public void Anchors_of_the_contract_have_these_bits()
    {
        Anchor[] anchors = Fixtures.Read<Anchor>("recipe-anchors.json");
        Assert.Equal(7, anchors.Length);
        foreach (Anchor anchor in anchors)
        {
            TensorShape shape = TensorShape.Create(anchor.Shape);
            Tensor<float> narrow = new RecipeWeights<float>(anchor.Seed, true).Take(anchor.Name, shape);
            Tensor<double> wide = new RecipeWeights<double>(anchor.Seed, true).Take(anchor.Name, shape);
            for (int i = 0; i < shape.ElementCount; i++)
            {
                Assert.Equal(anchor.R[i], Recipe.Uniform(anchor.Seed, anchor.Name, i));
                Assert.Equal(uint.Parse(anchor.Weight_float32_hex[i], NumberStyles.HexNumber, CultureInfo.InvariantCulture), BitConverter.SingleToUInt32Bits(narrow.AsSpan()[i]));
                Assert.Equal(narrow.AsSpan()[i], wide.AsSpan()[i]);
            }
        }
    }

    [Theory]
    [InlineData("backbone.0.body.bn1.running_var", 0.5, 1, new[] { 500 })]
    [InlineData("backbone.0.body.bn1.running_mean", -0.1, 0.1, new[] { 500 })]
    [InlineData("a.sampling_offsets.bias", -3, 3, new[] { 500 })]
    [InlineData("transformer.level_embed", -1, 1, new[] { 4, 100 })]
    [InlineData("query_embed.weight", -1, 1, new[] { 4, 100 })]
    [InlineData("a.norm1.weight", 0.75, 1.25, new[] { 500 })]
    [InlineData("a.norm1.bias", -0.2, 0.2, new[] { 500 })]
    [InlineData("in_proj_bias", -0.2, 0.2, new[] { 500 })]
    [InlineData("conv.weight", -0.7, 0.7, new[] { 100, 2, 3, 1 })]
    [InlineData("linear.weight", -0.5, 0.5, new[] { 50, 12 })]
    public void Every_rule_has_its_range(string name, double least, double most, int[] shape)
    {
        double[] values = new RecipeWeights<double>(7, true).Take(name, TensorShape.Create(shape)).Doubles();
        double spread = most - least;
        Assert.All(values, value => Assert.InRange(value, least - 1e-6, most));
        Assert.InRange(values.Min(), least - 1e-6, least + (0.05 * spread));
        Assert.InRange(values.Max(), most - (0.05 * spread), most);
    }

    [Fact]
    public void Aliases_are_one_tensor()
    {
        RecipeWeights<float> shared = new(42, withBoxRefine: false);
        Tensor<float> first = shared.Take("class_embed.0.weight", [2, 3]);
        Assert.Same(first, shared.Take("class_embed.4.weight", [2, 3]));
        Assert.Same(first, shared.Take("transformer.decoder.class_embed.5.weight", [2, 3]));
        RecipeWeights<float> own = new(42, withBoxRefine: true);
        Expect.SameBits(first, own.Take("class_embed.0.weight", [2, 3]));
        Tensor<float> other = own.Take("class_embed.4.weight", [2, 3]);
        Assert.Same(other, own.Take("transformer.decoder.class_embed.4.weight", [2, 3]));
        Assert.NotEqual(first.AsSpan().ToArray(), other.AsSpan().ToArray());
    }

    [Theory]
    [InlineData("class_embed.3.bias", "class_embed.3.bias", "class_embed.0.bias")]
    [InlineData("bbox_embed.12.layers.1.weight", "bbox_embed.12.layers.1.weight", "bbox_embed.0.layers.1.weight")]
    [InlineData("transformer.decoder.bbox_embed.2.layers.0.bias", "bbox_embed.2.layers.0.bias", "bbox_embed.0.layers.0.bias")]
    [InlineData("transformer.decoder.layers.3.norm1.weight", "transformer.decoder.layers.3.norm1.weight", "transformer.decoder.layers.3.norm1.weight")]
    [InlineData("query_embed.weight", "query_embed.weight", "query_embed.weight")]
    [InlineData("class_embed.weight", "class_embed.weight", "class_embed.weight")]
    public void Canonical_names_drop_the_decoders_prefix_and_without_refinement_the_index(string name, string refined, string shared)
    {
        Assert.Equal(refined, WeightNames.Canonical(name, withBoxRefine: true));
        Assert.Equal(shared, WeightNames.Canonical(name, withBoxRefine: false));
    }

    private sealed record Anchor(string Name, int[] Shape, ulong Seed, double[] R, string[] Weight_float32_hex);
}
