using System.Numerics;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Tensors.Operators;

public static partial class Sigmoid
{
    private static void Simd<T>(OperatorContext context, Tensor<T> input, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        context.Split(
            input.Length, 1 << 14, (first, last) => Elementary.Sigmoid(input.AsReadOnlySpan()[first..last], output.AsSpan()[first..last]));
}
