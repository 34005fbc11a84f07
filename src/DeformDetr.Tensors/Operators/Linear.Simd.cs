using System.Numerics;

namespace DeformDetr.Tensors.Operators;

public static partial class Linear
{
    private static void Simd<T>(OperatorContext context, Tensor<T> input, Tensor<T> weight, Tensor<T>? bias, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int inputs = weight.Shape[1];
        int outputs = weight.Shape[0];
        int rows = output.Length / Math.Max(1, outputs);
        LaneMajorPanels<T> a = new(input.At(), inputs);
        LaneMajorPanels<T> b = new(weight.At(), inputs);
        if (bias is null)
        {
            Gemm.Multiply(context, a, b, rows, outputs, inputs, output.At(), outputs, new NoEpilogue<T>());
        }
        else
        {
            Gemm.Multiply(context, a, b, rows, outputs, inputs, output.At(), outputs, new ColumnBias<T>(bias.At()));
        }
    }
}
