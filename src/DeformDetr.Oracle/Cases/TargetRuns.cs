using System.Globalization;
using System.Numerics;
using System.Text.Json;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Inputs of a target by name, wherever they come from.
internal interface ITargetInputs
{
    bool Has(string name);

    Tensor<T> Take<T>(string name)
        where T : unmanaged;

    // float32, widened exactly in a float64 run.
    Tensor<T> TakeReal<T>(string name)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}

// Builds what takes weights, wherever they come from.
internal interface IWeightLoader
{
    TModel Load<T, TModel>(bool withBoxRefine, Func<IWeights<T>, TModel> build)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}

// The contract's targets (golden-contract.md, section 2).
internal sealed class TargetRuns<T>(ForwardPass pass, IRecorder recorder, JsonFile file, JsonElement config, ITargetInputs inputs)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // Those of a model's configuration.
    public const int MostChannels = 8192;
    private const int MostOffsets = 65536;

    public void Core()
    {
        Tensor<T> value = inputs.TakeReal<T>("value");
        Tensor<long> spatialShapes = inputs.Take<long>("spatial_shapes");
        Tensor<long> levelStartIndex = inputs.Take<long>("level_start_index");
        Tensor<T> locations = inputs.TakeReal<T>("sampling_locations");
        Tensor<T> weights = inputs.TakeReal<T>("attention_weights");
        recorder.Add("output", MSDeformAttnCore.Forward(pass, value, spatialShapes, levelStartIndex, locations, weights));
        if (inputs.Has("grad_output"))
        {
            Tensor<T> gradOutput = inputs.TakeReal<T>("grad_output");
            MSDeformAttnGradients<T> gradients = MSDeformAttnCore.Backward(
                pass, value, spatialShapes, levelStartIndex, locations, weights, gradOutput);
            recorder.Add("grad_value", gradients.Value);
            recorder.Add("grad_sampling_locations", gradients.SamplingLocations);
            recorder.Add("grad_attention_weights", gradients.AttentionWeights);
        }
    }

    public void Attention(IWeightLoader loader)
    {
        int channels = 256;
        int heads = 8;
        int levels = 4;
        int points = 4;
        foreach (JsonProperty entry in config.EnumerateObject())
        {
            string key = $"config.{entry.Name}";
            switch (entry.Name)
            {
                case "hidden_dim": channels = file.Integer(entry.Value, key); break;
                case "nheads": heads = file.Integer(entry.Value, key); break;
                case "num_feature_levels": levels = file.Integer(entry.Value, key); break;
                case "n_points": points = file.Integer(entry.Value, key); break;
                default: throw file.Error(key, "is unknown", "hidden_dim, nheads, num_feature_levels and n_points");
            }
        }

        bool hasRoom = channels is >= 1 and <= MostChannels && heads >= 1 && levels >= 1 && points >= 1
            && 2d * heads * levels * points <= MostOffsets;
        if (!hasRoom || channels % heads != 0)
        {
            throw file.Error(
                "config", $"holds hidden_dim {channels}, nheads {heads}, num_feature_levels {levels}, n_points {points}",
                FormattableString.Invariant($"numbers of at least 1, hidden_dim a multiple of nheads and at most {MostChannels}, ")
                + FormattableString.Invariant($"2 * nheads * num_feature_levels * n_points at most {MostOffsets}"));
        }

        MSDeformAttn<T> layer = loader.Load<T, MSDeformAttn<T>>(
            true, weights => new MSDeformAttn<T>(weights, "", channels, levels, heads, points));
        layer.Forward(
            pass,
            inputs.TakeReal<T>("query"),
            inputs.TakeReal<T>("reference_points"),
            inputs.TakeReal<T>("input_flatten"),
            inputs.Take<long>("input_spatial_shapes"),
            inputs.Take<long>("input_level_start_index"),
            inputs.Has("input_padding_mask") ? inputs.Take<bool>("input_padding_mask") : null);
    }

    // Beside its own weights the transformer needs the box heads where it refines, and the proposals' heads where it has two stages. Other
    // heads may be there; with all of them the predictions are made too.
    public void Transformer(IWeightLoader loader)
    {
        DeformableDetrConfig read = ConfigReader.Read(file, config);
        (DeformableTransformer<T> transformer, Heads<T> heads) =
            loader.Load<T, (DeformableTransformer<T>, Heads<T>)>(read.WithBoxRefine, weights =>
            {
                CheckpointWeights<T>? checkpoint = weights as CheckpointWeights<T>;
                Heads<T> made = new(
                    weights,
                    read,
                    head =>
                        (read.TwoStage && head == read.DecLayers)
                        || checkpoint is null
                        || checkpoint.Contains($"class_embed.{head}.weight"),
                    head => read.WithBoxRefine || checkpoint is null || checkpoint.Contains($"bbox_embed.{head}.layers.0.weight"));
                return (new DeformableTransformer<T>(weights, read, made), made);
            });

        List<Tensor<T>> srcs = [];
        List<Tensor<bool>> masks = [];
        List<Tensor<T>> pos = [];
        for (int level = 0; level < read.NumFeatureLevels; level++)
        {
            srcs.Add(pass.Tap($"srcs.{level}", inputs.TakeReal<T>(Level("srcs", level))));
            masks.Add(pass.Tap($"masks.{level}", inputs.Take<bool>(Level("masks", level))));
            pos.Add(pass.Tap($"pos.{level}", inputs.TakeReal<T>(Level("pos", level))));
        }

        using BufferScope scope = pass.Scope();
        TransformerOutput<T> output = transformer.Forward(pass, srcs, masks, pos);
        IEnumerable<int> layers = Enumerable.Range(0, read.DecLayers);
        if (layers.All(heads.HasClass) && layers.All(heads.HasBbox))
        {
            new PredictionHeads<T>(read, heads).Forward(pass, scope, output);
        }
    }

    // Prepared: told of the batch before it is run.
    public void Model(IWeightLoader loader, Action<Tensor<float>, Tensor<bool>, Tensor<long>?>? prepared = null)
    {
        DeformableDetrConfig read = ConfigReader.Read(file, config);
        DeformableDetr<T> model = loader.Load<T, DeformableDetr<T>>(read.WithBoxRefine, weights => new DeformableDetr<T>(read, weights));
        Tensor<float> samples = inputs.Take<float>("samples.tensor");
        Tensor<bool> mask = inputs.Take<bool>("samples.mask");
        Tensor<long>? targetSizes = inputs.Has("target_sizes") ? inputs.Take<long>("target_sizes") : null;
        prepared?.Invoke(samples, mask, targetSizes);
        using BufferScope scope = pass.Scope();
        DetrOutputs<T> outputs = model.Forward(pass, Widening.To<T>(samples)!, mask);
        if (targetSizes is not null)
        {
            PostProcess.Forward(pass, outputs.Final, targetSizes);
        }
    }

    private static string Level(string name, int level) => string.Create(CultureInfo.InvariantCulture, $"{name}.{level}");
}
