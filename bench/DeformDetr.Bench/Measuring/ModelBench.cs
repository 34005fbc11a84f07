using System.Diagnostics;
using System.Numerics;
using DeformDetr.Formats;
using DeformDetr.Oracle;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Bench;

/// <summary>A model that runs again and again on one batch.</summary>
internal abstract class ModelBench
{
    public static ModelBench Create(DeformableDetrConfig config, WeightSource weights, Settings settings) =>
        settings.DType == "float64" ? new ModelBench<double>(config, weights, settings) : new ModelBench<float>(config, weights, settings);

    /// <summary>What a run is asked.</summary>
    /// <param name="Input">A .safetensors with samples.tensor and samples.mask; null for a made picture.</param>
    /// <param name="Batch">Pictures, where they are made.</param>
    /// <param name="Height">Of each.</param>
    /// <param name="Width">Of each.</param>
    /// <param name="Threads">How many threads.</param>
    /// <param name="DType">float32 or float64.</param>
    /// <param name="Kernels">Which bodies run.</param>
    /// <param name="FreshPass">Whether every run has buffers of its own, as a program has that runs once.</param>
    public sealed record Settings(
        string? Input, int Batch, int Height, int Width, int Threads, string DType, Kernels Kernels, bool FreshPass)
    {
        /// <summary>How products add up.</summary>
        public SummationOrder Order { get; init; } = SummationOrder.House;
    }

    /// <summary>How long building the model took, weights included.</summary>
    public abstract double LoadSeconds { get; }

    /// <summary>Shape [N, 3, H, W].</summary>
    public abstract TensorShape Samples { get; }

    /// <summary>Runs once, and keeps the outputs.</summary>
    /// <param name="sink">Who listens; buffers are used again while it is the same.</param>
    /// <returns>Seconds.</returns>
    public abstract double Run(ITapSink? sink = null);

    /// <summary>Of the last run's outputs.</summary>
    public abstract string Fingerprint();

    /// <summary>Writes the last run's outputs.</summary>
    public abstract void WriteOutputs(string path);
}

/// <inheritdoc/>
internal sealed class ModelBench<T> : ModelBench
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Settings _settings;
    private readonly DeformableDetr<T> _model;
    private readonly Tensor<T> _samples;
    private readonly Tensor<bool> _mask;
    private readonly List<(string Name, Tensor Tensor)> _outputs = [];
    private (ITapSink? Sink, ForwardPass Pass)? _kept;

    public ModelBench(DeformableDetrConfig config, WeightSource weights, Settings settings)
    {
        _settings = settings;
        long start = Stopwatch.GetTimestamp();
        _model = weights.Load<T>(config);
        LoadSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (settings.Input is null)
        {
            // Noise in the range of a normalised picture, by the recipe, so that it can be made in any language.
            _samples = new Tensor<T>([settings.Batch, 3, settings.Height, settings.Width]);
            _mask = new Tensor<bool>([settings.Batch, settings.Height, settings.Width]);
            Span<T> pixels = _samples.AsSpan();
            for (int index = 0; index < pixels.Length; index++)
            {
                pixels[index] = T.CreateTruncating((float)(2 * Recipe.Uniform(1, "samples.tensor", index)));
            }
        }
        else
        {
            ModelInput input = ModelInput.Load([settings.Input], new Reference.Pictures.PreprocessOptions());
            _samples = Widened(input.Samples);
            _mask = input.Mask;
        }
    }

    public override double LoadSeconds { get; }

    public override TensorShape Samples => _samples.Shape;

    public override double Run(ITapSink? sink = null)
    {
        _outputs.Clear();
        long start = Stopwatch.GetTimestamp();
        if (_settings.FreshPass || _kept is null || !ReferenceEquals(_kept.Value.Sink, sink))
        {
            _kept = (sink, new ForwardPass(_settings.Kernels, _settings.Threads, sink) { SummationOrder = _settings.Order });
        }

        ForwardPass pass = _kept.Value.Pass;
        using BufferScope scope = pass.Scope();
        DetrOutputs<T> outputs = _model.Forward(pass, _samples, _mask);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;

        Keep("", outputs.Final);
        for (int layer = 0; layer < outputs.AuxOutputs.Count; layer++)
        {
            Keep(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"aux_outputs.{layer}."), outputs.AuxOutputs[layer]);
        }

        if (outputs.EncOutputs is { } proposals)
        {
            Keep("enc_outputs.", proposals);
        }

        return seconds;
    }

    public override string Fingerprint() => Oracle.Fingerprint.OfRun(
        _outputs.ToDictionary(output => output.Name, output => Oracle.Fingerprint.OfTensor(output.Name, output.Tensor)));

    public override void WriteOutputs(string path) => SafetensorsWriter.Save(path, _outputs);

    private void Keep(string prefix, Predictions<T> predictions)
    {
        _outputs.Add(($"{prefix}pred_logits", predictions.PredLogits.Clone()));
        _outputs.Add(($"{prefix}pred_boxes", predictions.PredBoxes.Clone()));
    }

    private static Tensor<T> Widened(Tensor<float> tensor)
    {
        if (tensor is Tensor<T> same)
        {
            return same;
        }

        Tensor<T> wide = new(tensor.Shape);
        for (int index = 0; index < tensor.Length; index++)
        {
            wide.AsSpan()[index] = T.CreateTruncating(tensor.AsReadOnlySpan()[index]);
        }

        return wide;
    }
}
