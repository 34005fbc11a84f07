using System.Globalization;
using System.Runtime.InteropServices;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// What the shapes of a checkpoint say of its configuration. Heads, dilation and, in two-stage models, queries leave no trace in them.
internal static class ShapesConfig
{
    private const int AssumedHeads = 8;

    public static CheckpointConfiguration Read(Checkpoint checkpoint)
    {
        IWeightStore store = checkpoint.Store;
        HashSet<string> names = new(store.Names, StringComparer.Ordinal);
        int Size(string name, int axis, int absent) =>
            names.Contains(name) && store.ShapeOf(name).Rank > axis ? store.ShapeOf(name)[axis] : absent;
        DeformableDetrConfig defaults = new();
        bool twoStage = names.Contains("transformer.pos_trans.weight");
        int levels = Size("transformer.level_embed", 0, defaults.NumFeatureLevels);
        int Points(string attention, int absent)
        {
            string bias = $"{attention}.sampling_offsets.bias";
            int group = AssumedHeads * levels * 2;
            int rows = Size(bias, 0, absent * group);
            return group > 0 && rows % group == 0
                ? rows / group
                : throw new InvalidDataException(
                    $"{checkpoint.File.Path}: {store.StoredAs(bias)} holds {store.ShapeOf(bias)}, which is not for {AssumedHeads} heads; "
                    + "expected --config that says how many heads there are.");
        }

        DeformableDetrConfig config = defaults with
        {
            Backbone = Backbone(store, names, defaults.Backbone),
            PositionEmbedding = names.Contains("backbone.1.row_embed.weight") ? PositionEmbedding.Learned : PositionEmbedding.Sine,
            NumFeatureLevels = levels,
            HiddenDim = Size("transformer.level_embed", 1, defaults.HiddenDim),
            EncLayers = Count(names, "transformer.encoder.layers."),
            DecLayers = Count(names, "transformer.decoder.layers."),
            DimFeedforward = Size("transformer.decoder.layers.0.linear1.weight", 0, defaults.DimFeedforward),
            NumQueries = Size("query_embed.weight", 0, defaults.NumQueries),
            EncNPoints = Points("transformer.encoder.layers.0.self_attn", defaults.EncNPoints),
            DecNPoints = Points("transformer.decoder.layers.0.cross_attn", defaults.DecNPoints),
            TwoStage = twoStage,
            WithBoxRefine = twoStage || Refines(store, names),
            NumClasses = Classes(checkpoint) ?? defaults.NumClasses,
        };
        try
        {
            config.Validate();
        }
        catch (ArgumentException exception)
        {
            throw new InvalidDataException($"{checkpoint.File.Path}: {exception.Message}", exception);
        }

        string queries = twoStage ? FormattableString.Invariant($", num_queries {config.NumQueries}") : "";
        return new CheckpointConfiguration(
            CheckpointConfiguration.Plain(config), CheckpointConfiguration.FromShapes,
            [
                FormattableString.Invariant($"the configuration is taken from the weights' shapes; nheads {AssumedHeads}, dilation false{queries} ")
                    + "are assumed (--config or --variant say otherwise)",
            ]);
    }

    // The classes that the first class head scores; null where there is none.
    public static int? Classes(Checkpoint checkpoint)
    {
        const string Name = "class_embed.0.bias";
        return checkpoint.Store.Names.Contains(Name) && checkpoint.Store.ShapeOf(Name) is { Rank: 1 } shape ? shape[0] : null;
    }

    private static int Count(HashSet<string> names, string prefix) =>
        names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
            .Select(name => name[prefix.Length..].Split('.')[0])
            .Where(index => int.TryParse(index, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Distinct(StringComparer.Ordinal).Count();

    // With refinement the decoder has the heads too; a layout that doesn't list them has heads that differ.
    private static bool Refines(IWeightStore store, HashSet<string> names)
    {
        if (names.Any(name => name.StartsWith("transformer.decoder.bbox_embed.", StringComparison.Ordinal)))
        {
            return true;
        }

        const string One = "bbox_embed.0.layers.0.weight";
        const string Other = "bbox_embed.1.layers.0.weight";
        return names.Contains(One) && names.Contains(Other)
            && store.Read(One) is Tensor<float> one && store.Read(Other) is Tensor<float> other
            && !MemoryMarshal.AsBytes(one.AsReadOnlySpan()).SequenceEqual(MemoryMarshal.AsBytes(other.AsReadOnlySpan()));
    }

    private static BackboneSpec Backbone(IWeightStore store, HashSet<string> names, BackboneSpec absent)
    {
        const string Body = "backbone.0.body.";
        const string Second = $"{Body}layer1.0.conv2.weight";
        if (!names.Contains($"{Body}conv1.weight") || !names.Contains(Second)
            || store.ShapeOf($"{Body}conv1.weight").Rank != 4 || store.ShapeOf(Second).Rank != 4)
        {
            return absent;
        }

        int[] layers = [.. Enumerable.Range(1, 4).Select(layer => Count(names, $"{Body}layer{layer}."))];
        bool bottleneck = names.Contains($"{Body}layer1.0.conv3.weight");
        int width = store.ShapeOf($"{Body}conv1.weight")[0];
        TensorShape second = store.ShapeOf(Second);
        foreach (BackboneSpec named in BackboneSpec.Named.Values)
        {
            int planes = width * named.WidthPerGroup / 64 * named.Groups;
            if (bottleneck && named.Layers.SequenceEqual(layers) && named.Width == width
                && second[0] == planes && second[1] == planes / named.Groups)
            {
                return named;
            }
        }

        return new BackboneSpec(bottleneck ? ResidualBlock.Bottleneck : ResidualBlock.Basic, width, layers);
    }
}
