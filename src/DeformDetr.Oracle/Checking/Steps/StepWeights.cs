using System.Numerics;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// A model's weights by their canonical names, widened, after the same strict loading that the model gets.
internal sealed class StepWeights
{
    private readonly Dictionary<string, Tensor<double>> _weights = new(StringComparer.Ordinal);

    private StepWeights()
    {
    }

    public Tensor<double> this[string name] => _weights[name];

    public IReadOnlyCollection<string> Names => _weights.Keys;

    public bool Contains(string name) => _weights.ContainsKey(name);

    // Throws InvalidDataException where the checkpoint isn't that of the configuration.
    public static StepWeights Load(WeightSource source, DeformableDetrConfig config)
    {
        StepWeights named = new();
        source.Load<double, DeformableDetr<double>>(
            config.WithBoxRefine, weights => new DeformableDetr<double>(config, new Recorder<double>(weights, named, config.WithBoxRefine)));
        return named;
    }

    // Every number of every weight changed, by the weight's name.
    public StepWeights Mapped(Func<string, double, double> function)
    {
        StepWeights mapped = new();
        foreach ((string name, Tensor<double> weight) in _weights)
        {
            Tensor<double> copy = weight.Clone();
            foreach (ref double value in copy.AsSpan())
            {
                value = function(name, value);
            }

            mapped._weights.Add(name, copy);
        }

        return mapped;
    }

    private sealed class Recorder<T>(IWeights<T> weights, StepWeights named, bool withBoxRefine) : IWeights<T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        public Tensor<T> Take(string name, TensorShape shape)
        {
            Tensor<T> tensor = weights.Take(name, shape);
            named._weights[WeightNames.Canonical(name, withBoxRefine)] = (Tensor<double>)(Tensor)tensor;
            return tensor;
        }
    }
}
