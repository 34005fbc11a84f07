using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// A port's tensors under the contract's names: a dump in a file, or one that a self-test holds.
internal interface IPortTensors
{
    // What messages call it.
    string Path { get; }

    DumpDType DType { get; }

    // What a tensor is called in the dump; null where it is absent.
    string? PortNameOf(string canonicalName);

    // With a context, its threads read, and the innermost open scope may own the tensor.
    Tensor<double>? ReadReal(string canonicalName, TensorShape expected, out string? fault, OperatorContext? context = null);

    Tensor<long>? ReadIntegers(string canonicalName, TensorShape expected, out string? fault);

    Tensor<bool>? ReadMask(string canonicalName, TensorShape expected, out string? fault);

    Tensor<byte>? ReadBytes(string canonicalName, TensorShape expected, out string? fault);

    // A tensor of numbers as it is stored; null where there is none.
    Tensor<double>? Peek(string canonicalName);

    // Names of the dump that stand for no name of the contract.
    IReadOnlyList<string> Extra(IEnumerable<string> canonicalNames);
}
