using System.Numerics;
using DeformDetr.Independent;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Attention;

public class MultiHeadAttentionTests
{
    [Fact]
    public void Equal_keys_share_equally()
    {
        // One head of one channel, all projections 1, key always 3: the mean of the values.
        MadeWeights<double> weights = Identity(1);
        Tensor<double> read = new MultiHeadAttention<double>(weights, "", 1, 1).Forward(
            new OperatorContext(), Draw.Of<double>([1, 1, 1], 5), Draw.Of<double>([1, 3, 1], 3, 3, 3), Draw.Of<double>([1, 3, 1], 2, 4, 9));
        Assert.Equal(5, read[0, 0, 0], 1e-14);
    }

    [Fact]
    public void Scores_are_divided_by_the_root_of_a_heads_width()
    {
        // Two heads of four channels: q · k = 4 ln 3 over √4 is 2 ln 3, so that the first of two keys weighs 9 times the other.
        MadeWeights<double> weights = Identity(8);
        double log3 = 1.0986122886681098;
        Tensor<double> key = new([1, 2, 8]);
        key.AsSpan()[..8].Fill(log3);
        Tensor<double> value = new([1, 2, 8]);
        value.AsSpan()[..8].Fill(10);
        Tensor<double> read = new MultiHeadAttention<double>(weights, "", 8, 2).Forward(new OperatorContext(), Draw.Constant<double>([1, 1, 8], 1), key, value);
        Assert.All(read.Doubles(), number => Assert.Equal(9, number, 1e-13));
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void Sums_over_every_head_agree(Kernels kernels)
    {
        Compare<float>(kernels, 3e-6);
        Compare<double>(kernels, 1e-14);
    }

    [Theory]
    [InlineData(Kernels.Textbook)]
    [InlineData(Kernels.Simd)]
    public void Keys_may_be_permuted_with_their_values_and_pictures_do_not_mix(Kernels kernels)
    {
        MultiHeadAttention<double> attention = new(new MadeWeights<double>(), "m", 12, 3);
        Tensor<double> query = Draw.Numbers<double>(1, [2, 5, 12]);
        Tensor<double> key = Draw.Numbers<double>(2, [2, 7, 12]);
        Tensor<double> value = Draw.Numbers<double>(3, [2, 7, 12]);
        OperatorContext context = new(kernels);
        Tensor<double> output = attention.Forward(context, query, key, value);
        int[] order = [3, 6, 0, 2, 1, 5, 4];
        Tensor<double> permuted = attention.Forward(context, query, MSDeformAttnCoreTests.Take(key, 1, order), MSDeformAttnCoreTests.Take(value, 1, order));
        Expect.Close(output.Doubles(), permuted.Doubles(), 1e-14);
        for (int n = 0; n < 2; n++)
        {
            Tensor<double> alone = attention.Forward(
                context, MSDeformAttnCoreTests.Take(query, 0, n), MSDeformAttnCoreTests.Take(key, 0, n), MSDeformAttnCoreTests.Take(value, 0, n));
            Expect.SameBits(MSDeformAttnCoreTests.Take(output, 0, n), alone);
        }
    }

    private static MadeWeights<double> Identity(int channels)
    {
        MadeWeights<double> weights = new();
        weights.Set["in_proj_weight"] = shape => Diagonal(shape, channels);
        weights.Set["in_proj_bias"] = shape => new Tensor<double>(shape);
        weights.Set["out_proj.weight"] = shape => Diagonal(shape, channels);
        weights.Set["out_proj.bias"] = shape => new Tensor<double>(shape);
        return weights;
    }

    private static Tensor<double> Diagonal(TensorShape shape, int channels)
    {
        Tensor<double> tensor = new(shape);
        for (int row = 0; row < shape[0]; row++)
        {
            tensor[row, row % channels] = 1;
        }

        return tensor;
    }

    private static void Compare<T>(Kernels kernels, double relative)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        MadeWeights<T> weights = new();
        MultiHeadAttention<T> attention = new(weights, "transformer.decoder.layers.0.self_attn", 12, 3);
        Tensor<T> query = Draw.Numbers<T>(1, [2, 5, 12]);
        Tensor<T> key = Draw.Numbers<T>(2, [2, 7, 12]);
        Tensor<T> value = Draw.Numbers<T>(3, [2, 7, 12]);
        const string Name = "transformer.decoder.layers.0.self_attn";
        double[] expected = Dense.MultiHead(
            2, 3, query.Doubles(), key.Doubles(), value.Doubles(), weights[$"{Name}.in_proj_weight"], weights[$"{Name}.in_proj_bias"], weights[$"{Name}.out_proj.weight"], weights[$"{Name}.out_proj.bias"]);
        Expect.Close(expected, attention.Forward(new OperatorContext(kernels, 2), query, key, value).Doubles(), relative);
    }
}
