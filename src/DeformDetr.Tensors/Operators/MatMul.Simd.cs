using System.Numerics;

namespace DeformDetr.Tensors.Operators;

public static partial class MatMul
{
    // Matrices of the batch are independent: they go to the threads, and each product runs on one.
    private static void Simd<T>(OperatorContext context, Tensor<T> a, Tensor<T> b, bool transposed, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int rows = a.Shape[^2];
        int depth = a.Shape[^1];
        int columns = output.Shape[^1];
        int batches = output.Length / Math.Max(1, rows * columns);
        OperatorContext inner = batches == 1 ? context : context.SingleThread;
        context.Split(batches, 1, (first, last) =>
        {
            for (int batch = first; batch < last; batch++)
            {
                LaneMajorPanels<T> left = new(a.At(batch * rows * depth), depth);
                Place<T> second = b.At(batch * depth * columns);
                Place<T> product = output.At(batch * rows * columns);
                if (transposed)
                {
                    LaneMajorPanels<T> right = new(second, depth);
                    Gemm.Multiply(inner, left, right, rows, columns, depth, product, columns, new NoEpilogue<T>());
                }
                else
                {
                    DepthMajorPanels<T> right = new(second, columns);
                    Gemm.Multiply(inner, left, right, rows, columns, depth, product, columns, new NoEpilogue<T>());
                }
            }
        });
    }
}
