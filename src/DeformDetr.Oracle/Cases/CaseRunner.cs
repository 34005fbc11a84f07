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
    // Of the target "resize": enough for what judges an algorithm.
    private const int MostResized = 1 << 24;

    // What doesn't fit together is the case's fault, whoever finds it.
    public void Run()
    {
        try
        {
            RunTarget();
        }
        catch (ArgumentException exception)
        {
            throw new InvalidDataException($"{golden.File.Path}: {exception.Message}", exception);
        }
    }

    private void RunTarget()
    {
        using CaseInputs inputs = new(golden.InputsPath, golden.File.Path);
        TargetRuns<T> targets = new(pass, recorder, golden.File, golden.Config, inputs);
        switch (golden.Target)
        {
            case "ms_deform_attn_core": targets.Core(); break;
            case "ms_deform_attn": targets.Attention(Weights()); break;
            case "transformer": targets.Transformer(Weights()); break;
            case "model": targets.Model(Weights(), RequirePrepared); break;
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

    // A case with pictures ships the prepared batch too: ours must be that batch, bit for bit.
    private void RequirePrepared(Tensor<float> samples, Tensor<bool> mask, Tensor<long>? targetSizes)
    {
        if (golden.PicturePaths.Count == 0)
        {
            return;
        }

        PictureBatch batch = Prepare();
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
                case "hidden_dim": channels = Channels(entry.Value); break;
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
            ? Channels(hidden)
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
        if (height < 1 || width < 1 || (long)height * width > MostResized)
        {
            throw golden.File.Error(
                "config", string.Create(CultureInfo.InvariantCulture, $"holds height {height}, width {width}"),
                string.Create(CultureInfo.InvariantCulture, $"1 to {MostResized} pixels"));
        }

        recorder.Add("output", PillowResize.Bilinear(inputs.Take<byte>("image"), height, width));
    }

    private int Channels(JsonElement value) =>
        golden.File.Integer(value, "config.hidden_dim") is int channels and >= 1 and <= TargetRuns<T>.MostChannels
            ? channels
            : throw golden.File.Error(
                "config.hidden_dim", $"holds {value.GetRawText()}", string.Create(CultureInfo.InvariantCulture, $"1 to {TargetRuns<T>.MostChannels}"));

    private WeightSource Weights() => golden.Weights ?? throw golden.File.Error("weights", "is absent", "a file name or a recipe");
}
