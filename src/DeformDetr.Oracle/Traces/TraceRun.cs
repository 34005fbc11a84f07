using System.Numerics;
using System.Reflection;
using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>What to trace.</summary>
/// <param name="Inputs">Pictures, or one tensor file.</param>
/// <param name="Weights">Where the weights come from.</param>
/// <param name="Config">Sizes and variant.</param>
/// <param name="Preprocess">How pictures are resized.</param>
/// <param name="ElementType">Float32 or Float64.</param>
/// <param name="Kernels">Which bodies run.</param>
/// <param name="Threads">How many threads.</param>
/// <param name="Taps">Patterns of names to write; none for all.</param>
/// <param name="OutPath">The trace.</param>
public sealed record TraceRequest(
    IReadOnlyList<string> Inputs, WeightSource Weights, DeformableDetrConfig Config, PreprocessOptions Preprocess,
    ElementType ElementType, Kernels Kernels, int Threads, IReadOnlyList<string> Taps, string OutPath);

/// <summary>Runs a model and streams its named tensors to a file.</summary>
public static class TraceRun
{
    /// <summary>Traces. The file appears complete or not at all.</summary>
    /// <param name="request">What to trace.</param>
    /// <param name="progress">Told every name that is written; null for nobody.</param>
    /// <returns>How many tensors were written, and the fingerprint of the run.</returns>
    /// <exception cref="InvalidDataException">Bad input, or a pattern that matches nothing.</exception>
    public static (int Written, string Fingerprint) Run(TraceRequest request, Action<string>? progress = null) =>
        request.ElementType == ElementType.Float64 ? Run<double>(request, progress) : Run<float>(request, progress);

    private static (int Written, string Fingerprint) Run<T>(TraceRequest request, Action<string>? progress)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (!Path.GetExtension(request.OutPath).Equals(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidDataException($"{request.OutPath}: a trace has another extension; expected .safetensors.");
        }

        DeformableDetr<T> model = request.Weights.Load<T>(request.Config);
        using SafetensorsWriter writer = new(request.OutPath, HeaderRoom(request.Config));
        NamePatterns patterns = new(request.Taps);
        TraceSink sink = new(writer, patterns, progress);
        ModelInput input = ModelInput.Load(request.Inputs, request.Preprocess, sink.Write);
        writer.SetMetadata("format", "trace/1");
        writer.SetMetadata("config", ConfigWriter.ToJson(request.Config));
        writer.SetMetadata("dtype", request.ElementType.Word());
        writer.SetMetadata("kernels", request.Kernels == Kernels.Simd ? "simd" : "textbook");
        writer.SetMetadata("version", Version);
        writer.SetMetadata("weights_sha256", request.Weights.Sha256());
        writer.SetMetadata("input_sha256", input.Sha256());

        new ModelRun<T>(model).Run(input, request.Kernels, request.Threads, sink);
        List<string> unmatched = [.. patterns.Unmatched];
        if (unmatched.Count > 0)
        {
            throw new InvalidDataException(
                $"taps: no tensor is named like {string.Join(", ", unmatched.Select(pattern => $"'{pattern}'"))}; "
                + "expected patterns of names in docs/shapes.md.");
        }

        writer.Finish();
        return (sink.Written, sink.RunFingerprint);
    }

    /// <summary>The version of this build.</summary>
    public static string Version =>
        typeof(TraceRun).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    // An upper bound of the header, from the number of layers; were it too small, the writer would move the data.
    private static long HeaderRoom(DeformableDetrConfig config)
    {
        const int BytesPerEntry = 176;
        int convolutions = config.Backbone.Layers.Sum() * (config.Backbone.Block == ResidualBlock.Bottleneck ? 7 : 5);
        int entries = 48 + convolutions + 8 + (config.NumFeatureLevels * 8) + (config.EncLayers * 16) + ((config.DecLayers + 1) * 40);
        return 4096 + ((long)entries * BytesPerEntry);
    }
}
