using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checkpoints;

/// <summary>Checkpoints with weights by recipe, in a temporary folder, and what a run of them gives.</summary>
internal sealed class SmallCheckpoints : IDisposable
{
    public static DeformableDetrConfig Small { get; } = new()
    {
        Backbone = new BackboneSpec(ResidualBlock.Basic, 2, [1, 1, 1, 1]),
        HiddenDim = 32,
        DimFeedforward = 16,
        EncLayers = 1,
        DecLayers = 2,
        NumQueries = 20,
        NumClasses = 7,
        EncNPoints = 1,
        DecNPoints = 2,
    };

    public static string Golden { get; } = Path.Combine(RepositoryFiles.Golden, "checkpoints");

    public static RunConfiguration GoldenRun { get; } = RunConfiguration.Load(Path.Combine(Golden, "config.json"));

    public string Folder { get; } = Directory.CreateTempSubdirectory("checkpoints-").FullName;

    public string this[string name] => Path.Combine(Folder, name);

    /// <summary>All tensors of a configuration under the original's canonical names.</summary>
    public static Dictionary<string, Tensor> Weights(DeformableDetrConfig config)
    {
        RecipeWeights<float> recipe = new(7, config.WithBoxRefine);
        return StateDict.Canonical(config).ToDictionary(entry => entry.Name, entry => (Tensor)recipe.Take(entry.Name, entry.Shape), StringComparer.Ordinal);
    }

    public string Write(string name, IEnumerable<KeyValuePair<string, Tensor>> tensors)
    {
        using TensorWriter writer = TensorWriter.Create(this[name]);
        foreach ((string tensor, Tensor value) in tensors)
        {
            writer.Write(tensor, value);
        }

        writer.Finish();
        return this[name];
    }

    /// <summary>The fingerprint of a run on golden/checkpoints' input.</summary>
    public string Fingerprint(string weights, DeformableDetrConfig config) =>
        TraceRun.Run(new TraceRequest(
            [Path.Combine(Golden, "inputs.safetensors")], new WeightSource(weights, 0), config, new PreprocessOptions(), ElementType.Float32, Kernels.Simd, 2,
            ["pred_*"], this["trace.safetensors"])).Fingerprint;

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
