using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checkpoints;

/// <summary>The maps of weight names against the names and shapes that the model asks for, for every variant.</summary>
public sealed class CheckpointLayoutTests
{
    // The published ones, and small ones with what those don't have.
    private static readonly Dictionary<string, DeformableDetrConfig> Configs = new(DeformableDetrConfig.Variants, StringComparer.Ordinal)
    {
        ["basic"] = SmallCheckpoints.Small,
        ["refine-learned"] = SmallCheckpoints.Small with { WithBoxRefine = true, PositionEmbedding = PositionEmbedding.Learned },
        ["seven-levels"] = SmallCheckpoints.Small with { NumFeatureLevels = 7 },
        ["three-levels"] = SmallCheckpoints.Small with { NumFeatureLevels = 3, DecLayers = 1 },
    };

    public static IEnumerable<object[]> Cases =>
        from layout in CheckpointLayout.All from config in Configs.Keys select (object[])[layout.Word, config];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Names_and_shapes_are_one_to_one(string word, string variant)
    {
        CheckpointLayout layout = CheckpointLayout.Of(word);
        DeformableDetrConfig config = Configs[variant];
        Dictionary<string, (string Original, TensorShape Shape)> stored = new(StringComparer.Ordinal);
        foreach ((string canonical, TensorShape shape) in StateDict.Canonical(config))
        {
            foreach (string name in StateDict.Listed(config, canonical))
            {
                (WeightLine Line, string? Stored)[] written = [.. layout.OfOriginal(name).Where(pair => !pair.Line.OnlyRead)];
                Assert.True(written.Length > 0, $"{word}: {name} has no line");
                Assert.Equal(Enumerable.Range(0, written[0].Line.Parts), written.Select(pair => pair.Line.Part));
                foreach ((WeightLine line, string? at) in written)
                {
                    if (at is null)
                    {
                        Assert.StartsWith("transformer.decoder.", name, StringComparison.Ordinal);
                        Assert.Matches("(class|bbox)_embed", name);
                        continue;
                    }

                    // There and back.
                    Assert.True(stored.TryAdd(at, (name, shape.With(0, shape[0] / line.Parts))), $"{word}: {at} twice");
                    Assert.Equal(0, shape[0] % line.Parts);
                    Assert.Equal((line, name), layout.OfStored(at));
                }

                // Other names for the same tensor are nobody else's.
                foreach ((WeightLine line, string? at) in layout.OfOriginal(name).Where(pair => pair.Line.OnlyRead))
                {
                    Assert.Equal((line, name), layout.OfStored(at!));
                    Assert.DoesNotContain(at!, stored.Keys);
                }
            }
        }

        Assert.Same(layout, CheckpointLayout.Detect([.. stored.Keys]));
        Assert.InRange(stored.Count, StateDict.Canonical(config).Count - (word == "mmdetection" ? 0 : 0), 2000);
    }

    [Fact]
    public void Every_line_has_a_tensor()
    {
        foreach (CheckpointLayout layout in CheckpointLayout.All)
        {
            HashSet<WeightLine> used = [];
            foreach (DeformableDetrConfig config in Configs.Values)
            {
                used.UnionWith(
                    from entry in StateDict.Canonical(config)
                    from name in StateDict.Listed(config, entry.Name)
                    from pair in layout.OfOriginal(name)
                    select pair.Line);
            }

            Assert.Equal([], layout.Lines.Where(line => !used.Contains(line)).Select(line => $"{layout.Word}: {line.Stored?.Text} -> {line.Original.Text}"));
        }
    }

    [Fact]
    public void The_state_dict_is_the_originals()
    {
        // whole.pth is what the original wrote of itself.
        using TensorFile file = TensorFile.Open(Path.Combine(SmallCheckpoints.Golden, "whole.pth"));
        DeformableDetrConfig config = SmallCheckpoints.GoldenRun.Config;
        IEnumerable<string> made = StateDict.Canonical(config).SelectMany(entry => StateDict.Listed(config, entry.Name).Select(name => $"{name} {entry.Shape}"));
        Assert.Equal(file.Entries.Select(entry => $"{entry.Name} {entry.Shape}").Order(StringComparer.Ordinal), made.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_is_missing_left_over_and_misshapen_is_listed_at_once_under_the_files_names()
    {
        using SmallCheckpoints shop = new();
        string path = shop["t.pth"];
        CheckpointConverter.Run(
            shop.Write("o.safetensors", SmallCheckpoints.Weights(SmallCheckpoints.Small)), path, CheckpointLayout.Of("huggingface"), SmallCheckpoints.Small, _ => { });
        Dictionary<string, Tensor> tensors = [];
        using (TensorFile file = TensorFile.Open(path))
        {
            foreach (TensorEntry entry in file.Entries)
            {
                tensors.Add(entry.Name, file.Read(entry.Name));
            }
        }

        tensors.Remove("model.level_embed");
        tensors.Remove("model.decoder.layers.1.self_attn.k_proj.bias");
        tensors["model.query_position_embeddings.weight"] = new Tensor<float>([20, 32]);
        tensors["model.decoder.layers.0.self_attn.v_proj.weight"] = new Tensor<float>([31, 32]);
        tensors["transformer.level_embed"] = new Tensor<float>([4, 32]);
        tensors["model.decoder.layers.0.self_attn_layer_norm.running"] = new Tensor<float>([1]);
        shop.Write("t.pth", tensors);
        InvalidDataException refusal = Assert.Throws<InvalidDataException>(() => new WeightSource(path, 0).Load<float>(SmallCheckpoints.Small));
        Assert.Equal(
            $"{path}: 3 absent: model.decoder.layers.0.self_attn.q_proj.weight + model.decoder.layers.0.self_attn.k_proj.weight + model.decoder.layers.0.self_attn.v_proj.weight"
            + " (the original's transformer.decoder.layers.0.self_attn.in_proj_weight) [96, 32], "
            + "model.decoder.layers.1.self_attn.q_proj.bias + model.decoder.layers.1.self_attn.k_proj.bias + model.decoder.layers.1.self_attn.v_proj.bias"
            + " (the original's transformer.decoder.layers.1.self_attn.in_proj_bias) [96], model.level_embed (the original's transformer.level_embed) [4, 32]; "
            + "2 unexpected: transformer.level_embed, model.decoder.layers.0.self_attn_layer_norm.running; "
            + "3 wrong: model.decoder.layers.0.self_attn.v_proj.weight holds F32 [31, 32], expected a block of rows as model.decoder.layers.0.self_attn.q_proj.weight, F32 [32, 32], "
            + "model.decoder.layers.1.self_attn.q_proj.bias + model.decoder.layers.1.self_attn.v_proj.bias is 2 of 3 blocks of rows, expected all, "
            + "model.query_position_embeddings.weight (the original's query_embed.weight) holds [20, 32], expected [20, 64]; expected the tensors of the configuration.",
            refusal.Message);
    }

    [Fact]
    public void Two_names_for_one_tensor_are_refused()
    {
        using SmallCheckpoints shop = new();
        string path = shop["t.safetensors"];
        CheckpointConverter.Run(
            shop.Write("o.safetensors", SmallCheckpoints.Weights(SmallCheckpoints.Small)), path, CheckpointLayout.Of("mmdetection"), SmallCheckpoints.Small, _ => { });
        Dictionary<string, Tensor> tensors = [];
        using (TensorFile file = TensorFile.Open(path))
        {
            foreach (TensorEntry entry in file.Entries)
            {
                tensors.Add(entry.Name, file.Read(entry.Name));
            }
        }

        tensors["bbox_head.transformer.level_embeds"] = tensors["level_embed"];
        shop.Write("t.safetensors", tensors);
        InvalidDataException refusal = Assert.Throws<InvalidDataException>(() => new WeightSource(path, 0).Load<float>(SmallCheckpoints.Small));
        Assert.Contains("is the same tensor as", refusal.Message, StringComparison.Ordinal);
    }
}
