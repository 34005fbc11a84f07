using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

internal static class ErrorAnatomist
{
    public static ErrorAnatomy? Examine(Step step, Tensor<double> port, Quantity right, Tensor<bool>? padding) => null;
}
