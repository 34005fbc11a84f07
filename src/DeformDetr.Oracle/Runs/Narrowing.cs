using DeformDetr.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Oracle;

internal static class Narrowing
{
    public static Tensor<float> Of(Tensor<double> wide)
    {
        Tensor<float> narrow = new(wide.Shape);
        TensorPrimitives.ConvertTruncating(wide.AsReadOnlySpan(), narrow.AsSpan());
        return narrow;
    }

    // float64 rounded to float32; everything else as it is.
    public static Tensor OfUntyped(Tensor tensor) => tensor is Tensor<double> wide ? Of(wide) : tensor;
}
