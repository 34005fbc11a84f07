using System.Globalization;
using System.Numerics;
using System.Text.Json;
using DeformDetr.Formats.Pictures;
using DeformDetr.Reference;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Runs a case's target on its inputs and gives the named tensors to a recorder.
internal sealed class CaseRunner<T>(GoldenCase golden, ForwardPass pass, IRecorder recorder)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public void Run()
    {
        using CaseInputs inputs = new(golden.InputsPath, golden.File.Path);
        switch (golden.Target)
        {
            case "ms_deform_attn_core": Core(inputs); break;
            case "ms_deform_attn": Attention(inputs); break;
            case "transformer": Transformer(inputs); break;
            case "model": Model(inputs); break;
            case "position_encoding": Position(inputs); break;
            case "encoder_output_proposals": Proposals(inputs); break;
            case "post_process": Results(inputs); break;
            case "pictures": Pictures(); break;
            case "resize": Resize(inputs); break;
            case "operator": OperatorCases.Run<T>(golden, pass, inputs, recorder); break;
            default:
                throw golden.File.Error(
                    "target", $"holds '{golden.Target}'",
                    "ms_deform_attn_core, ms_deform_attn, transformer, model, position_encoding, encoder_output_proposals, post_process, "
                    + "pictures, resize or operator");
        }

        inputs.RequireAllTaken();
    }

    private void Core(CaseInputs inputs)
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

    private void Attention(CaseInputs inputs)
    {
        int channels = 256;
        int heads = 8;
        int levels = 4;
        int points = 4;
        foreach (JsonProperty entry in golden.Config.EnumerateObject())
        {
            string key = $"config.{entry.Name}";
            switch (entry.Name)
            {
                case "hidden_dim": channels = golden.File.Integer(entry.Value, key); break;
                case "nheads": heads = golden.File.Integer(entry.Value, key); break;
                case "num_feature_levels": levels = golden.File.Integer(entry.Value, key); break;
                case "n_points": points = golden.File.Integer(entry.Value, key); break;
                default: throw golden.File.Error(key, "is unknown", "hidden_dim, nheads, num_feature_levels and n_points");
            }
        }

        if (channels < 1 || heads < 1 || levels < 1 || points < 1 || channels % heads != 0)
        {
            throw golden.File.Error(
                "config", $"holds hidden_dim {channels}, nheads {heads}, num_feature_levels {levels}, n_points {points}",
                "numbers of at least 1, hidden_dim a multiple of nheads");
        }

        MSDeformAttn<T> layer = Weights().Load<T, MSDeformAttn<T>>(
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
    private void Transformer(CaseInputs inputs)
    {
        DeformableDetrConfig config = ConfigReader.Read(golden.File, golden.Config);
        (DeformableTransformer<T> transformer, Heads<T> heads) =
            Weights().Load<T, (DeformableTransformer<T>, Heads<T>)>(config.WithBoxRefine, weights =>
            {
                CheckpointWeights<T>? checkpoint = weights as CheckpointWeights<T>;
                Heads<T> made = new(
                    weights,
                    config,
                    head =>
                        (config.TwoStage && head == config.DecLayers)
                        || checkpoint is null
                        || checkpoint.Contains($"class_embed.{head}.weight"),
                    head => config.WithBoxRefine || checkpoint is null || checkpoint.Contains($"bbox_embed.{head}.layers.0.weight"));
                return (new DeformableTransformer<T>(weights, config, made), made);
            });

        List<Tensor<T>> srcs = [];
        List<Tensor<bool>> masks = [];
        List<Tensor<T>> pos = [];
        for (int level = 0; level < config.NumFeatureLevels; level++)
        {
            srcs.Add(pass.Tap($"srcs.{level}", inputs.TakeReal<T>(Level("srcs", level))));
            masks.Add(pass.Tap($"masks.{level}", inputs.Take<bool>(Level("masks", level))));
            pos.Add(pass.Tap($"pos.{level}", inputs.TakeReal<T>(Level("pos", level))));
        }

        using BufferScope scope = pass.Scope();
        TransformerOutput<T> output = transformer.Forward(pass, srcs, masks, pos);
        IEnumerable<int> layers = Enumerable.Range(0, config.DecLayers);
        if (layers.All(heads.HasClass) && layers.All(heads.HasBbox))
        {
            new PredictionHeads<T>(config, heads).Forward(pass, scope, output);
        }
    }

    private void Model(CaseInputs inputs)
    {
        DeformableDetrConfig config = ConfigReader.Read(golden.File, golden.Config);
        DeformableDetr<T> model = Weights().Load<T>(config);
        Tensor<float> samples = inputs.Take<float>("samples.tensor");
        Tensor<bool> mask = inputs.Take<bool>("samples.mask");
        Tensor<long>? targetSizes = inputs.Has("target_sizes") ? inputs.Take<long>("target_sizes") : null;
        if (golden.PicturePaths.Count > 0)
        {
            RequireSame(Prepare(), samples, mask, targetSizes);
        }

        using BufferScope scope = pass.Scope();
        DetrOutputs<T> outputs = model.Forward(pass, Widening.To<T>(samples)!, mask);
        if (targetSizes is not null)
        {
            PostProcess.Forward(pass, outputs.Final, targetSizes);
        }
    }

    // A case with pictures ships the prepared batch too: ours must be that batch, bit for bit.
    private void RequireSame(PictureBatch batch, Tensor<float> samples, Tensor<bool> mask, Tensor<long>? targetSizes)
    {
        bool same = batch.SamplesTensor.Shape == samples.Shape
            && (targetSizes is null || batch.TargetSizes.AsReadOnlySpan().SequenceEqual(targetSizes.AsReadOnlySpan()))
            && batch.SamplesTensor.AsReadOnlySpan().SequenceEqual(samples.AsReadOnlySpan())
            && batch.SamplesMask.AsReadOnlySpan().SequenceEqual(mask.AsReadOnlySpan());
        recorder.Add("pictures.prepared", Tensor<bool>.Create([1], [same]));
    }

    private void Position(CaseInputs inputs)
    {
        (PositionEmbedding kind, int channels) = (PositionEmbedding.Sine, 256);
        foreach (JsonProperty entry in golden.Config.EnumerateObject())
        {
            switch (entry.Name)
            {
                case "position_embedding": kind = ConfigReader.Position(golden.File, entry.Value); break;
                case "hidden_dim": channels = golden.File.Integer(entry.Value, "config.hidden_dim"); break;
                default: throw golden.File.Error($"config.{entry.Name}", "is unknown", "position_embedding and hidden_dim");
            }
        }

        // The module stands alone here: its weights have no path before row_embed and col_embed.
        Func<IWeights<T>, PositionEncoding<T>> build = weights => new PositionEncoding<T>(weights, kind, channels, "");
        PositionEncoding<T> encoding = golden.Weights is null ? build(new RecipeWeights<T>(0, true)) : golden.Weights.Load(true, build);
        Tensor<bool> mask = inputs.Take<bool>("mask");
        recorder.Add("pos", encoding.Forward(pass, mask));
        recorder.Add("mask", mask);
    }

    private void Proposals(CaseInputs inputs)
    {
        int channels = golden.Config.TryGetProperty("hidden_dim", out JsonElement hidden)
            ? golden.File.Integer(hidden, "config.hidden_dim")
            : 256;
        EncoderProposals<T> proposals = Weights().Load<T, EncoderProposals<T>>(
            true, weights => new EncoderProposals<T>(weights, "", channels));
        Tensor<long> spatialShapes = inputs.Take<long>("spatial_shapes");
        ShapeGuard.Require("encoder proposals", "spatial_shapes", spatialShapes.Shape, "[L, 2]", -1, 2);
        Tensor<long> starts = new([spatialShapes.Shape[0]]);
        long start = 0;
        for (int level = 0; level < starts.Length; level++)
        {
            starts[level] = start;
            start += spatialShapes[level, 0] * spatialShapes[level, 1];
        }

        (Tensor<T> memory, Tensor<T> boxes) = proposals.Forward(
            pass, inputs.TakeReal<T>("memory"), inputs.Take<bool>("memory_padding_mask"), new LevelLayout(spatialShapes, starts));
        recorder.Add("output_memory", memory);
        recorder.Add("output_proposals", boxes);
    }

    private void Results(CaseInputs inputs)
    {
        Predictions<T> predictions = new(inputs.TakeReal<T>("pred_logits"), inputs.TakeReal<T>("pred_boxes"));
        pass.Tap("pred_logits", predictions.PredLogits);
        pass.Tap("pred_boxes", predictions.PredBoxes);
        Tensor<long> targetSizes = inputs.Take<long>("target_sizes");
        PostProcess.Forward(pass, predictions, targetSizes);
    }

    private void Pictures()
    {
        if (golden.PicturePaths.Count == 0)
        {
            throw golden.File.Error("pictures", "names none", "at least one file");
        }

        if (recorder.Wants("samples.tensor") || recorder.Wants("images.0.resized"))
        {
            PictureBatch batch = Prepare();
            recorder.Add("samples.tensor", batch.SamplesTensor);
            recorder.Add("samples.mask", batch.SamplesMask);
            return;
        }

        for (int b = 0; b < golden.PicturePaths.Count; b++)
        {
            recorder.Add(string.Create(CultureInfo.InvariantCulture, $"images.{b}.decoded"), Picture.Read(golden.PicturePaths[b]).Rgb);
        }
    }

    private PictureBatch Prepare() =>
        PictureBatch.Prepare([.. golden.PicturePaths.Select(path => Picture.Read(path).Rgb)], golden.Preprocess, (name, tensor) =>
        {
            if (recorder.Wants(name))
            {
                recorder.Add(name, tensor);
            }
        });

    private void Resize(CaseInputs inputs)
    {
        int height = golden.Config.TryGetProperty("height", out JsonElement h)
            ? golden.File.Integer(h, "config.height")
            : throw golden.File.Error("config.height", "is absent", "a whole number");
        int width = golden.Config.TryGetProperty("width", out JsonElement w)
            ? golden.File.Integer(w, "config.width")
            : throw golden.File.Error("config.width", "is absent", "a whole number");
        recorder.Add("output", PillowResize.Bilinear(inputs.Take<byte>("image"), height, width));
    }

    private WeightSource Weights() => golden.Weights ?? throw golden.File.Error("weights", "is absent", "a file name or a recipe");

    private static string Level(string name, int level) => string.Create(CultureInfo.InvariantCulture, $"{name}.{level}");
}
