using System.Numerics;
using DeformDetr.Tensors;

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
                for (int index = 0; index < narrow.Length; index++)
                {
                    wide.AsSpan()[index] = T.CreateTruncating(narrow.AsReadOnlySpan()[index]);
                }

                return wide;
            default:
                return null;
        }
    }
}
