using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// What an implementation gave for one input, with the noise of each number.
internal sealed class LawResult
{
    private readonly IReadOnlyDictionary<string, Tensor> _outputs;
    private readonly NoiseUnit _unit;
    private IReadOnlyDictionary<string, Quantity>? _truth;

    public LawResult(LawInput input, IReadOnlyDictionary<string, Tensor> outputs, NoiseUnit unit)
    {
        Input = input;
        _outputs = outputs;
        _unit = unit;
    }

    public LawInput Input { get; }

    public IEnumerable<string> Names => _outputs.Keys;

    public IReadOnlyDictionary<string, Quantity> Truth => _truth ??= LawTruth.Of(Input, _unit);

    public bool Has(string name) => _outputs.ContainsKey(name);

    // An output and its noise.
    public Measured this[string name]
    {
        get
        {
            Tensor<double> value = Widening.To<double>(_outputs[name])!;
            Quantity truth = Truth[name];
            return new Measured(value, truth.Noise ?? new Tensor<double>(value.Shape));
        }
    }

    // The right numbers of an output.
    public Measured Right(string name) => Measured.Exact(Truth[name].Real);

    public Tensor<double> Value(string name) => Widening.To<double>(_outputs[name])!;

    public Tensor<long> Whole(string name) => (Tensor<long>)_outputs[name];

    public Tensor Raw(string name) => _outputs[name];

    // What is wrong with an output before any law: absent, or of another shape or kind than the contract says; null for nothing.
    public string? Fault(string name, bool needed)
    {
        if (!_outputs.TryGetValue(name, out Tensor? tensor))
        {
            return needed ? $"tensor '{name}' is absent" : null;
        }

        if (!Truth.TryGetValue(name, out Quantity? truth))
        {
            return null;
        }

        bool real = tensor is Tensor<float> or Tensor<double>;
        return tensor.Shape != truth.Shape ? $"tensor '{name}' holds {tensor.Shape}; expected {truth.Shape}"
            : real != truth.Tensor is Tensor<double> || (!real && tensor.ElementType != truth.Tensor.ElementType)
                ? $"tensor '{name}' holds {tensor.ElementType.Word()}; expected {(truth.Tensor is Tensor<double> ? "float32" : truth.Tensor.ElementType.Word())}"
            : null;
    }
}
