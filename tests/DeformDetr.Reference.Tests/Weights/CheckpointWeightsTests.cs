using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Weights;

public class CheckpointWeightsTests
{
    [Fact]
    public void All_that_is_wrong_stands_in_one_line()
    {
        Store store = new()
        {
            ["a.weight"] = Draw.Of<float>([2], 1, 2),
            ["b.weight"] = Draw.Of<float>([3], 1, 2, 3),
            ["c.weight"] = Draw.Of<double>([1], 1),
            ["stray.one"] = Draw.Of<float>([1], 1),
            ["stray.two"] = Draw.Of<float>([1], 1),
        };
        CheckpointWeights<float> weights = new(store, true);
        Assert.Equal([1f, 2f], weights.Take("a.weight", [2]).AsSpan().ToArray());
        Assert.Equal([2, 2], weights.Take("b.weight", [2, 2]).Shape);
        weights.Take("c.weight", [1]);
        weights.Take("absent.weight", [4, 5]);
        weights.Take("absent.bias", []);
        Expect.Refusal<InvalidDataException>(
            "model.pth: 2 absent: absent.weight [4, 5], absent.bias []; 2 unexpected: stray.one, stray.two; "
            + "2 wrong: b.weight holds [3], expected [2, 2], c.weight holds float64, expected float32; expected the tensors of the configuration.",
            () => Finish(weights));
    }

    [Fact]
    public void A_whole_model_that_lacks_and_adds_names_all_of_it()
    {
        DeformableDetrConfig config = SmallModels.All["plain"];
        Store store = Whole(config);
        store.Remove("transformer.level_embed");
        store.Remove("input_proj.2.1.bias");
        store["transformer.pos_trans.bias"] = new Tensor<float>([64]);
        store["query_embed.weight"] = new Tensor<float>([5, 32]);
        Expect.Refusal<InvalidDataException>(
            "model.pth: 2 absent: input_proj.2.1.bias [32], transformer.level_embed [4, 32]; 1 unexpected: transformer.pos_trans.bias; "
            + "1 wrong: query_embed.weight holds [5, 32], expected [5, 64]; expected the tensors of the configuration.",
            () => DeformableDetr<float>.Load(config, store));
    }

    [Fact]
    public void A_checkpoint_gives_the_bits_of_its_weights()
    {
        foreach (DeformableDetrConfig config in SmallModels.All.Values)
        {
            (Tensor<float> samples, Tensor<bool> mask) = SmallModels.Batch<float>();
            DetrOutputs<float> expected = SmallModels.Run<float>(config, Kernels.Simd, 2, null);
            DeformableDetrTests.Same(expected, DeformableDetr<float>.Load(config, Whole(config)).Forward(new ForwardPass(Kernels.Simd, 2), samples, mask));
        }
    }

    [Theory]
    [InlineData("class_embed.0.weight")]
    [InlineData("class_embed.5.weight")]
    [InlineData("transformer.decoder.class_embed.3.weight")]
    public void Any_alias_stands_for_the_tensor(string name)
    {
        CheckpointWeights<float> weights = new(new Store { [name] = Draw.Of<float>([1, 2], 3, 4) }, withBoxRefine: false);
        Assert.True(weights.Contains("class_embed.0.weight"));
        Assert.True(weights.Contains("class_embed.2.weight"));
        Assert.Equal([3f, 4f], weights.Take("class_embed.0.weight", [1, 2]).AsSpan().ToArray());
        Assert.Same(weights.Take("class_embed.0.weight", [1, 2]), weights.Take("class_embed.1.weight", [1, 2]));
        weights.Finish();
    }

    [Fact]
    public void Aliases_must_agree_bit_for_bit()
    {
        Expect.Refusal<InvalidDataException>(
            "model.pth: 1 wrong: transformer.decoder.class_embed.0.bias differs from its alias class_embed.0.bias, expected equal bits; expected the tensors of the configuration.",
            () => Load(1, 1, 1.0000001f));
        Expect.Refusal<InvalidDataException>(
            "model.pth: 1 wrong: class_embed.1.bias differs from its alias class_embed.0.bias, expected equal bits; expected the tensors of the configuration.",
            () => Load(0, -0.0f, 0));
        Assert.Null(Load(2, 2, 2));
        Assert.Null(Load(float.NaN, float.NaN, float.NaN));

        static object? Load(float first, float second, float third)
        {
            Store store = new()
            {
                ["class_embed.0.bias"] = Draw.Of<float>([1], first),
                ["class_embed.1.bias"] = Draw.Of<float>([1], second),
                ["transformer.decoder.class_embed.0.bias"] = Draw.Of<float>([1], third),
            };
            CheckpointWeights<float> weights = new(store, withBoxRefine: false);
            weights.Take("class_embed.0.bias", [1]);
            return Finish(weights);
        }
    }

    [Fact]
    public void With_refinement_heads_of_other_layers_are_no_aliases()
    {
        Store store = new() { ["class_embed.0.bias"] = new Tensor<float>([1]), ["class_embed.1.bias"] = Draw.Of<float>([1], 1) };
        CheckpointWeights<float> weights = new(store, withBoxRefine: true);
        weights.Take("class_embed.0.bias", [1]);
        Expect.Refusal<InvalidDataException>("model.pth: 1 unexpected: class_embed.1.bias; expected the tensors of the configuration.", () => Finish(weights));
        Assert.Equal(1, weights.Take("class_embed.1.bias", [1])[0]);
        weights.Finish();
    }

    [Fact]
    public void Batch_counters_are_ignored_and_no_other_integer_is()
    {
        Store store = new() { ["backbone.0.body.bn1.num_batches_tracked"] = new Tensor<long>([]), ["a"] = new Tensor<long>([1]) };
        CheckpointWeights<float> weights = new(store, true);
        weights.Take("a", [1]);
        Expect.Refusal<InvalidDataException>("model.pth: 1 wrong: a holds int64, expected float32; expected the tensors of the configuration.", () => Finish(weights));
        Assert.False(weights.Contains("backbone.0.body.bn1.num_batches_tracked"));
    }

    [Fact]
    public void Float64_is_taken_by_a_float64_run_only_and_float32_is_widened_exactly()
    {
        float[] hard = [0.1f, float.MaxValue, float.Epsilon, -0.0f, float.NegativeInfinity, 16777217f];
        Store store = new() { ["narrow"] = Tensor<float>.Create([6], hard), ["wide"] = Draw.Of<double>([1], 0.1), ["whole"] = new Tensor<int>([1]) };
        CheckpointWeights<double> weights = new(store, true);
        Assert.Equal(hard.Select(value => BitConverter.DoubleToInt64Bits(value)), weights.Take("narrow", [6]).AsSpan().ToArray().Select(BitConverter.DoubleToInt64Bits));
        Assert.Equal(0.1, weights.Take("wide", [1])[0]);
        weights.Take("whole", [1]);
        Expect.Refusal<InvalidDataException>(
            "model.pth: 1 wrong: whole holds int32, expected float32 or float64; expected the tensors of the configuration.", () => Finish(weights));
    }

    private static object? Finish<T>(CheckpointWeights<T> weights)
        where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
    {
        weights.Finish();
        return null;
    }

    private static Store Whole(DeformableDetrConfig config)
    {
        MadeWeights<float> weights = new(config.WithBoxRefine);
        Assert.NotNull(new DeformableDetr<float>(config, weights));
        Store store = [];
        foreach ((string name, Tensor<float> tensor) in weights.Taken)
        {
            store[name] = tensor;
        }

        return store;
    }

    private sealed class Store : Dictionary<string, Tensor>, IWeightStore
    {
        public string Source => "model.pth";

        public IEnumerable<string> Names => Keys;

        public TensorShape ShapeOf(string name) => this[name].Shape;

        public Tensor Read(string name) => this[name];
    }
}
