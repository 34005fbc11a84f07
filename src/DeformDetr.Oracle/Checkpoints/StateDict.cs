using System.Numerics;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>The original's state_dict of a configuration: names and shapes.</summary>
internal static class StateDict
{
    private const string Decoder = "transformer.decoder.";

    /// <summary>Each tensor once, under its canonical name, in the order in which the model takes them.</summary>
    public static IReadOnlyList<(string Name, TensorShape Shape)> Canonical(DeformableDetrConfig config) =>
        [.. Take(config, new Nothing()).Select(entry => (entry.Name, entry.Tensor.Shape))];

    /// <summary>The same with the tensors.</summary>
    public static IReadOnlyList<(string Name, Tensor<T> Tensor)> Take<T>(DeformableDetrConfig config, IWeights<T> weights)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Recorder<T> recorder = new(weights, config.WithBoxRefine);
        _ = new DeformableDetr<T>(config, recorder);
        return recorder.Taken;
    }

    /// <summary>
    /// All names that the state_dict lists for a canonical one: shared heads under every index, and the decoder's once more.
    /// </summary>
    public static IEnumerable<string> Listed(DeformableDetrConfig config, string canonical)
    {
        bool isClass = canonical.StartsWith("class_embed.", StringComparison.Ordinal);
        bool isBox = canonical.StartsWith("bbox_embed.", StringComparison.Ordinal);
        if (!isClass && !isBox)
        {
            return [canonical];
        }

        string[] words = canonical.Split('.', 3);
        IEnumerable<string> names = config.WithBoxRefine
            ? [canonical]
            : Enumerable.Range(0, config.Heads).Select(head => $"{words[0]}.{head}.{words[2]}");
        bool alsoDecoders = isBox ? config.WithBoxRefine : config.TwoStage;
        return alsoDecoders ? names.Concat(names.Select(name => $"{Decoder}{name}")) : names;
    }

    // Takes note of what a model asks for.
    private sealed class Recorder<T>(IWeights<T> weights, bool withBoxRefine) : IWeights<T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        private readonly HashSet<string> _names = new(StringComparer.Ordinal);

        public List<(string Name, Tensor<T> Tensor)> Taken { get; } = [];

        public Tensor<T> Take(string name, TensorShape shape)
        {
            string canonical = WeightNames.Canonical(name, withBoxRefine);
            Tensor<T> tensor = weights.Take(canonical, shape);
            if (_names.Add(canonical))
            {
                Taken.Add((canonical, tensor));
            }

            return tensor;
        }
    }

    private sealed class Nothing : IWeights<float>
    {
        public Tensor<float> Take(string name, TensorShape shape) => new(shape);
    }
}
