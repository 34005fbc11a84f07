using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// A port's tensors that were never in a file.
internal sealed class MemoryPort(IReadOnlyDictionary<string, Tensor> tensors, DumpDType dtype = DumpDType.Float32) : IPortTensors
{
    public string Path => "self-test";

    public DumpDType DType { get; } = dtype;

    public string? PortNameOf(string canonicalName) => tensors.ContainsKey(canonicalName) ? canonicalName : null;

    public Tensor<double>? ReadReal(string canonicalName, TensorShape expected, out string? fault, OperatorContext? context = null) =>
        Read(canonicalName, expected, tensor => Widening.To<double>(tensor), out fault);

    public Tensor<long>? ReadIntegers(string canonicalName, TensorShape expected, out string? fault) =>
        Read(canonicalName, expected, tensor => tensor as Tensor<long>, out fault);

    public Tensor<bool>? ReadMask(string canonicalName, TensorShape expected, out string? fault) =>
        Read(canonicalName, expected, tensor => tensor as Tensor<bool>, out fault);

    public Tensor<byte>? ReadBytes(string canonicalName, TensorShape expected, out string? fault) =>
        Read(canonicalName, expected, tensor => tensor as Tensor<byte>, out fault);

    public Tensor<double>? Peek(string canonicalName) =>
        tensors.TryGetValue(canonicalName, out Tensor? tensor) && tensor is Tensor<float> or Tensor<double>
            ? Widening.To<double>(tensor)
            : null;

    public IReadOnlyList<string> Extra(IEnumerable<string> canonicalNames)
    {
        HashSet<string> known = new(canonicalNames, StringComparer.Ordinal);
        return [.. tensors.Keys.Where(name => !known.Contains(name)).Order(StringComparer.Ordinal)];
    }

    private TTensor? Read<TTensor>(string name, TensorShape expected, Func<Tensor, TTensor?> convert, out string? fault)
        where TTensor : Tensor
    {
        fault = null;
        if (!tensors.TryGetValue(name, out Tensor? tensor))
        {
            fault = "is absent";
            return null;
        }

        if (tensor.Shape != expected)
        {
            fault = $"holds {tensor.Shape}; expected {expected}";
            return null;
        }

        TTensor? converted = convert(tensor);
        fault = converted is null ? $"holds {tensor.ElementType.Word()}" : null;

        // What is read may be put in the place of the model's own: never the dump's array itself.
        return ReferenceEquals(converted, tensor) ? (TTensor?)converted?.CloneUntyped() : converted;
    }
}
