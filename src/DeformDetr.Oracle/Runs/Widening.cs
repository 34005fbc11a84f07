using System.Numerics;
using DeformDetr.Tensors;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Oracle;

internal static class Widening
{
    // The tensor in T: itself, or float32 widened exactly; null where that is not what it holds.
    public static Tensor<T>? To<T>(Tensor tensor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        switch (tensor)
        {
            case Tensor<T> same:
                return same;
            case Tensor<float> narrow:
                Tensor<T> wide = new(narrow.Shape) { Name = narrow.Name };
                TensorPrimitives.ConvertTruncating(narrow.AsReadOnlySpan(), wide.AsSpan());
                return wide;
            default:
                return null;
        }
    }
}
