using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>The original's state_dict of a configuration: names and shapes.</summary>
internal static class StateDict
{
    private const string Decoder = "transformer.decoder.";

    /// <summary>Each tensor once, under its canonical name, in the order in which the model takes them.</summary>
    public static IReadOnlyList<(string Name, TensorShape Shape)> Canonical(DeformableDetrConfig config)
    {
        Recorder recorder = new(config.WithBoxRefine);
        _ = new DeformableDetr<float>(config, recorder);
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
        IEnumerable<string> names = config.WithBoxRefine ? [canonical] : Enumerable.Range(0, config.Heads).Select(head => $"{words[0]}.{head}.{words[2]}");
        bool alsoDecoders = isBox ? config.WithBoxRefine : config.TwoStage;
        return alsoDecoders ? names.Concat(names.Select(name => $"{Decoder}{name}")) : names;
    }

    // Takes note of what a model asks for.
    private sealed class Recorder(bool withBoxRefine) : IWeights<float>
    {
        private readonly Dictionary<string, Tensor<float>> _made = new(StringComparer.Ordinal);

        public List<(string Name, TensorShape Shape)> Taken { get; } = [];

        public Tensor<float> Take(string name, TensorShape shape)
        {
            string canonical = WeightNames.Canonical(name, withBoxRefine);
            if (!_made.TryGetValue(canonical, out Tensor<float>? tensor))
            {
                _made.Add(canonical, tensor = new Tensor<float>(shape));
                Taken.Add((canonical, shape));
            }

            return tensor;
        }
    }
}
