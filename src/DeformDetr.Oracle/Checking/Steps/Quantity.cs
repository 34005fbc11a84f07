using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// A tensor in an evaluation of steps, and how far rounding may have moved it: in the algebra that follows noise, and only there.
internal sealed class Quantity(Tensor tensor, Tensor<double>? noise = null)
{
    public Tensor Tensor { get; } = tensor;

    // Largest error that rounding explains, per element; null where it is exact.
    public Tensor<double>? Noise { get; } = noise;

    public TensorShape Shape => Tensor.Shape;

    public Tensor<double> Real => (Tensor<double>)Tensor;

    public Tensor<long> Whole => (Tensor<long>)Tensor;

    public Tensor<bool> Mask => (Tensor<bool>)Tensor;

    public override string ToString() => Tensor.ToString()!;
}
