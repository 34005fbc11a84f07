using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Weights;

public class InitialWeightsTests
{
    private static readonly Dictionary<string, Dictionary<string, Tensor<float>>> Variants = Take();

    // --- against the original --------------------------------------------------------------------------------------------------------

    [Fact]
    public void Offset_biases_are_the_originals_star_within_one_ulp()
    {
        foreach (Star star in Fixtures.Read<Star>("star.json"))
        {
            DeformableDetrConfig config = new() { Nheads = star.Heads, NumFeatureLevels = star.Levels, HiddenDim = star.Channels };
            uint[] expected = [.. star.Bits.Split(' ').Select(word => uint.Parse(word, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
            Tensor<float> bias = new InitialWeights<float>(1, config).Take("transformer.encoder.layers.0.self_attn.sampling_offsets.bias", [expected.Length]);
            for (int i = 0; i < expected.Length; i++)
            {
                uint actual = BitConverter.SingleToUInt32Bits(bias.AsSpan()[i]);
                Assert.True(Math.Abs((long)expected[i] - actual) <= 1, $"{star.Heads} heads, element {i}: {actual:x8}, expected {expected[i]:x8}");
            }
        }
    }

    // What the original shows when it is built, with its own random numbers: bounds of uniform tensors, deviations of normal ones.
    [Theory]
    [InlineData("transformer.encoder.layers.0.self_attn.value_proj.weight", 0.108253)]
    [InlineData("transformer.decoder.layers.5.cross_attn.output_proj.weight", 0.108253)]
    [InlineData("transformer.decoder.layers.0.self_attn.in_proj_weight", 0.076547)]
    [InlineData("transformer.decoder.layers.0.self_attn.out_proj.weight", 0.108253)]
    [InlineData("transformer.encoder.layers.3.linear1.weight", 0.068465)]
    [InlineData("transformer.encoder.layers.3.linear1.bias", 0.0625)]
    [InlineData("transformer.decoder.layers.3.linear2.weight", 0.068465)]
    [InlineData("transformer.decoder.layers.3.linear2.bias", 0.03125)]
    [InlineData("transformer.enc_output.weight", 0.108253)]
    [InlineData("transformer.enc_output.bias", 0.0625)]
    [InlineData("transformer.pos_trans.weight", 0.076547)]
    [InlineData("transformer.pos_trans.bias", 0.044194)]
    [InlineData("transformer.reference_points.weight", 0.152499)]
    [InlineData("class_embed.0.weight", 0.0625)]
    [InlineData("bbox_embed.0.layers.0.weight", 0.0625)]
    [InlineData("bbox_embed.0.layers.1.bias", 0.0625)]
    [InlineData("input_proj.0.0.weight", 0.088388)]
    [InlineData("input_proj.2.0.weight", 0.051031)]
    [InlineData("input_proj.3.0.weight", 0.017010)]
    public void Uniform_tensors_fill_their_range(string name, double bound)
    {
        double[] values = Find(name);
        double margin = bound * 6 / Math.Sqrt(values.Length);
        Assert.All(values, value => Assert.InRange(value, -bound * 1.0001, bound * 1.0001));
        Assert.InRange(values.Max(), bound - margin, bound * 1.0001);
        Assert.InRange(values.Min(), -bound * 1.0001, -bound + margin);
        Assert.InRange(values.Average(), -margin, margin);
        Assert.Equal(bound / Math.Sqrt(3), Deviation(values), margin);
    }

    [Theory]
    [InlineData("transformer.level_embed", 1)]
    [InlineData("query_embed.weight", 1)]
    [InlineData("backbone.0.body.conv1.weight", 0.025254)]
    [InlineData("backbone.0.body.layer1.0.conv1.weight", 0.176777)]
    [InlineData("backbone.0.body.layer1.0.conv2.weight", 0.058926)]
    [InlineData("backbone.0.body.layer1.0.conv3.weight", 0.088388)]
    [InlineData("backbone.0.body.layer2.0.downsample.0.weight", 0.0625)]
    [InlineData("backbone.0.body.layer2.0.conv2.weight", 0.041667)]
    public void Normal_tensors_have_their_deviation_and_tails(string name, double deviation)
    {
        double[] values = Find(name);
        double margin = 5 * deviation / Math.Sqrt(values.Length);
        Assert.Equal(0, values.Average(), margin);
        Assert.Equal(deviation, Deviation(values), margin);

        // 31.7 % lie outside one deviation, 4.6 % outside two.
        double root = 5 * 0.5 / Math.Sqrt(values.Length);
        Assert.Equal(0.3173, values.Count(value => Math.Abs(value) > deviation) / (double)values.Length, root);
        Assert.Equal(0.0455, values.Count(value => Math.Abs(value) > 2 * deviation) / (double)values.Length, root);

        // Neighbours share their uniform numbers, and are uncorrelated all the same.
        double product = values.Zip(values.Skip(1), (left, right) => left * right).Average() / deviation / deviation;
        Assert.Equal(0, product, 5 / Math.Sqrt(values.Length));
    }

    [Theory]
    [InlineData("self_attn.sampling_offsets.weight", 0)]
    [InlineData("cross_attn.attention_weights.weight", 0)]
    [InlineData("cross_attn.attention_weights.bias", 0)]
    [InlineData("self_attn.value_proj.bias", 0)]
    [InlineData("self_attn.output_proj.bias", 0)]
    [InlineData("self_attn.in_proj_bias", 0)]
    [InlineData("self_attn.out_proj.bias", 0)]
    [InlineData("norm1.weight", 1)]
    [InlineData("norm3.bias", 0)]
    [InlineData("enc_output_norm.weight", 1)]
    [InlineData("pos_trans_norm.bias", 0)]
    [InlineData("transformer.reference_points.bias", 0)]
    [InlineData("input_proj.3.0.bias", 0)]
    [InlineData("input_proj.3.1.weight", 1)]
    [InlineData("input_proj.3.1.bias", 0)]
    [InlineData("layer2.0.bn3.weight", 1)]
    [InlineData("layer2.0.downsample.1.bias", 0)]
    [InlineData("bn1.running_mean", 0)]
    [InlineData("bn1.running_var", 1)]
    [InlineData("class_embed.0.bias", -4.595119953155518)]
    [InlineData("bbox_embed.0.layers.2.weight", 0)]
    public void What_is_set_rather_than_drawn_is_what_the_original_sets(string suffix, double value)
    {
        List<Tensor<float>> found = [.. Variants.Values.SelectMany(tensors => tensors).Where(entry => entry.Key.EndsWith(suffix, StringComparison.Ordinal)).Select(entry => entry.Value)];
        Assert.NotEmpty(found);
        Assert.All(found, tensor => Assert.Equal(-1, tensor.AsReadOnlySpan().IndexOfAnyExcept((float)value)));
    }

    [Fact]
    public void Boxes_start_small_but_for_two_stages()
    {
        Assert.Equal([0f, 0, -2, -2], Variants["r50"]["bbox_embed.0.layers.2.bias"].AsSpan().ToArray());
        Assert.DoesNotContain("bbox_embed.1.layers.2.bias", Variants["r50"].Keys);
        Assert.Equal([0f, 0, -2, -2], Variants["r50-refine"]["bbox_embed.0.layers.2.bias"].AsSpan().ToArray());
        for (int head = 1; head < 6; head++)
        {
            Assert.Equal([0f, 0, 0, 0], Variants["r50-refine"][$"bbox_embed.{head}.layers.2.bias"].AsSpan().ToArray());
        }

        for (int head = 0; head < 7; head++)
        {
            Assert.Equal([0f, 0, 0, 0], Variants["r50-two-stage"][$"bbox_embed.{head}.layers.2.bias"].AsSpan().ToArray());
        }
    }

    [Fact]
    public void Copies_of_a_layer_start_with_equal_biases_and_heads_and_with_matrices_of_their_own()
    {
        Dictionary<string, Tensor<float>> tensors = Variants["r50-refine"];
        Same("transformer.encoder.layers.0.linear1.bias", "transformer.encoder.layers.5.linear1.bias", true);
        Same("transformer.decoder.layers.0.linear2.bias", "transformer.decoder.layers.3.linear2.bias", true);
        Same("transformer.encoder.layers.0.linear1.bias", "transformer.decoder.layers.0.linear1.bias", false);
        Same("transformer.encoder.layers.0.linear1.weight", "transformer.encoder.layers.5.linear1.weight", false);
        Same("class_embed.0.weight", "class_embed.4.weight", true);
        Same("bbox_embed.0.layers.1.weight", "bbox_embed.4.layers.1.weight", true);
        Same("bbox_embed.0.layers.0.weight", "bbox_embed.0.layers.1.weight", false);

        void Same(string left, string right, bool equal) => Assert.Equal(equal, tensors[left].AsSpan().SequenceEqual(tensors[right].AsSpan()));
    }

    // --- laws ------------------------------------------------------------------------------------------------------------------------

    [Fact]
    public void Learned_positions_lie_within_0_and_1()
    {
        double[] values = new InitialWeights<float>(3, new DeformableDetrConfig()).Take("backbone.1.row_embed.weight", [50, 128]).Doubles();
        Assert.All(values, value => Assert.InRange(value, 0, 0.99999999));
        Assert.Equal(0.5, values.Average(), 0.02);
        Assert.InRange(values.Min(), 0, 0.01);
        Assert.InRange(values.Max(), 0.99, 1);
    }

    [Fact]
    public void A_seed_names_the_weights_whatever_is_taken_first()
    {
        DeformableDetrConfig config = SmallModels.All["plain"];
        InitialWeights<float> one = new(5, config);
        InitialWeights<float> other = new(5, config);
        Tensor<float> table = one.Take("query_embed.weight", [5, 64]);
        other.Take("transformer.level_embed", [4, 32]);
        Expect.SameBits(table, other.Take("query_embed.weight", [5, 64]));
        Assert.Same(table, one.Take("query_embed.weight", [5, 64]));
        Assert.Same(one.Take("class_embed.0.weight", [3, 32]), one.Take("class_embed.1.weight", [3, 32]));
        Assert.NotEqual(table.AsSpan().ToArray(), new InitialWeights<float>(6, config).Take("query_embed.weight", [5, 64]).AsSpan().ToArray());
        Assert.Equal(table.Doubles(), new InitialWeights<double>(5, config).Take("query_embed.weight", [5, 64]).Doubles());
    }

    [Fact]
    public void Every_small_model_can_be_built_and_run_and_starts_at_the_prior()
    {
        foreach (DeformableDetrConfig config in SmallModels.All.Values)
        {
            (Tensor<float> samples, Tensor<bool> mask) = SmallModels.Batch<float>();
            DetrOutputs<float> outputs = new DeformableDetr<float>(config, new InitialWeights<float>(1, config)).Forward(new ForwardPass(Kernels.Simd, 2), samples, mask);
            Assert.All(outputs.Final.PredLogits.Doubles(), logit => Assert.InRange(logit, -8, -1));
        }
    }

    [Theory]
    [InlineData("something.else", new[] { 3 }, "something.else holds [3]")]
    [InlineData("transformer.encoder.layers.0.linear3.bias", new[] { 3 }, "transformer.encoder.layers.0.linear3.bias holds [3]")]
    public void Names_that_the_original_does_not_have_are_refused(string name, int[] shape, string what) =>
        Expect.Refusal<ArgumentException>(
            $"initial weights: {what}; expected a tensor of the original's state_dict.", () => new InitialWeights<float>(1, new DeformableDetrConfig()).Take(name, TensorShape.Create(shape)));

    private static double[] Find(string name) => Variants.Values.First(tensors => tensors.ContainsKey(name))[name].Doubles();

    private static double Deviation(double[] values)
    {
        double mean = values.Average();
        return Math.Sqrt(values.Sum(value => (value - mean) * (value - mean)) / values.Length);
    }

    private static Dictionary<string, Dictionary<string, Tensor<float>>> Take()
    {
        Dictionary<string, Dictionary<string, Tensor<float>>> variants = new(StringComparer.Ordinal);
        foreach (string variant in new[] { "r50", "r50-refine", "r50-two-stage" })
        {
            DeformableDetrConfig config = DeformableDetrConfig.Variants[variant];
            Recorder recorder = new(new InitialWeights<float>(20, config), config.WithBoxRefine);
            if (variant == "r50")
            {
                Assert.NotNull(new DeformableDetr<float>(config, recorder));
            }
            else
            {
                // The backbone is the same.
                Assert.NotNull(new DeformableTransformer<float>(recorder, config, new Heads<float>(recorder, config)));
            }

            variants.Add(variant, recorder.Taken);
        }

        return variants;
    }

    private sealed class Recorder(IWeights<float> weights, bool withBoxRefine) : IWeights<float>
    {
        public Dictionary<string, Tensor<float>> Taken { get; } = new(StringComparer.Ordinal);

        // Of the backbone's 23 million weights some are enough.
        public Tensor<float> Take(string name, TensorShape shape) =>
            name.StartsWith("backbone.0.body.layer", StringComparison.Ordinal) && !name.Contains("layer1.0.", StringComparison.Ordinal) && !name.Contains("layer2.0.", StringComparison.Ordinal)
                ? new Tensor<float>(shape)
                : Taken[WeightNames.Canonical(name, withBoxRefine)] = weights.Take(name, shape);
    }

    private sealed record Star(int Heads, int Levels, int Points, int Channels, string Bits);
}
