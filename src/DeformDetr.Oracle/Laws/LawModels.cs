using System.Text.Json.Nodes;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Configurations and weights of small models from a case.
internal static class LawModels
{
    // A configuration by the case's sizes. Variant: 0 plain, 1 refined, 2 two-stage. Block, where there is a backbone: 0 basic, 1 bottleneck, 2
    // dilated. Learned: positions.
    public static DeformableDetrConfig Config(LawCase c) => new()
    {
        Backbone = new BackboneSpec(Of(c, "block") == 0 ? ResidualBlock.Basic : ResidualBlock.Bottleneck, 4, [1, 2, 1, Of(c, "block") == 2 ? 2 : 1]),
        Dilation = Of(c, "block") == 2,
        PositionEmbedding = Of(c, "learned") == 1 ? PositionEmbedding.Learned : PositionEmbedding.Sine,
        NumFeatureLevels = c.Levels.Count,
        EncLayers = c["enc"],
        DecLayers = c["dec"],
        DimFeedforward = 12,
        HiddenDim = c["variant"] == 2 ? 256 : 32,
        Nheads = c["variant"] == 2 ? 8 : 1 << c["heads"],
        NumQueries = c["Q"],
        EncNPoints = c["P"],
        DecNPoints = c["P"] == 1 ? 2 : c["P"] - 1,
        WithBoxRefine = c["variant"] > 0,
        TwoStage = c["variant"] == 2,
        NumClasses = c["K"],
        Activation = c["heads"] % 2 == 0 ? Activation.Relu : Activation.Gelu,
    };

    private static int Of(LawCase c, string symbol) => c.Sizes.GetValueOrDefault(symbol);

    public static string Json(DeformableDetrConfig config)
    {
        // A port may not know every key; those with the original's defaults stay out.
        JsonObject json = JsonNode.Parse(ConfigWriter.ToJson(config))!.AsObject();
        if (config.AuxLoss)
        {
            json.Remove("aux_loss");
        }

        return json.ToJsonString();
    }

    // Weights by the recipe for what a constructor takes.
    public static IReadOnlyList<(string Name, Tensor Tensor)> Weights(DeformableDetrConfig config, int seed, Action<IWeights<float>> build)
    {
        Collecting weights = new(new RecipeWeights<float>((ulong)(uint)seed, config.WithBoxRefine), config.WithBoxRefine);
        build(weights);
        return [.. weights.Taken.Select(pair => (pair.Key, (Tensor)pair.Value))];
    }

    private sealed class Collecting(RecipeWeights<float> recipe, bool withBoxRefine) : IWeights<float>
    {
        public Dictionary<string, Tensor<float>> Taken { get; } = new(StringComparer.Ordinal);

        public Tensor<float> Take(string name, TensorShape shape)
        {
            string canonical = WeightNames.Canonical(name, withBoxRefine);
            return Taken.TryGetValue(canonical, out Tensor<float>? taken) ? taken : Taken[canonical] = recipe.Take(name, shape);
        }
    }
}
