using System.Numerics;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Tensors.Operators;

public static partial class Relu
{
    private static void Simd<T>(OperatorContext context, Tensor<T> input, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        context.Split(
            input.Length, 1 << 14,
            (first, last) => TensorPrimitives.Max(input.AsReadOnlySpan()[first..last], T.Zero, output.AsSpan()[first..last]));
}
