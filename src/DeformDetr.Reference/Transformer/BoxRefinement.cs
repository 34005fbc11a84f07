// Equation: box = σ(delta + σ⁻¹(reference)); a 2-d reference adds to the centre only.
// Mirrors the end of DeformableTransformerDecoder.forward and of DeformableDETR.forward.
using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Reference;

/// <summary>What a box head's output means: a step from a reference, in logits.</summary>
public static class BoxRefinement
{
    /// <summary>Boxes from head outputs and references.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="delta">Head output, logits. Shape [N, Q, 4].</param>
    /// <param name="reference">(x, y) or (cx, cy, w, h), fractions of the unpadded picture. Shape [N, Q, 2 or 4].</param>
    /// <returns>(cx, cy, w, h), fractions of the unpadded picture. Shape [N, Q, 4].</returns>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> delta, Tensor<T> reference)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.Require("box refinement", nameof(delta), delta.Shape, "[N, Q, 4]", -1, -1, 4);
        ShapeGuard.Rank("box refinement", nameof(reference), reference.Shape, "[N, Q, 2 or 4]", 3);
        int known = reference.Shape[^1] == 4 ? 4 : 2;
        ShapeGuard.Require("box refinement", nameof(reference), reference.Shape, "[N, Q, 2 or 4]", delta.Shape[0], delta.Shape[1], known);
        using BufferScope scope = context.Scope();
        Tensor<T> logits = InverseSigmoid.Forward(context, reference);
        Tensor<T> sum = context.Rent<T>(delta.Shape);
        for (int query = 0; query < delta.Length / 4; query++)
        {
            for (int axis = 0; axis < 4; axis++)
            {
                double step = Widen(delta.AsReadOnlySpan()[(query * 4) + axis]);
                sum.AsSpan()[(query * 4) + axis] = Round<T>(
                    axis < known ? step + Widen(logits.AsReadOnlySpan()[(query * known) + axis]) : step);
            }
        }

        return scope.Keep(Sigmoid.Forward(context, sum));
    }
}
