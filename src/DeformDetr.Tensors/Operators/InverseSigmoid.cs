// Equation: y = log(max(c, ε) / max(1 − c, ε)), c = x clamped to [0, 1].
// Mirrors inverse_sigmoid in util/misc.py.
using System.Numerics;
using DeformDetr.Tensors.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

/// <summary>The logit of a probability, clamped so that 0 and 1 stay finite.</summary>
public static class InverseSigmoid
{
    /// <summary>The original's ε.</summary>
    public const double DefaultEpsilon = 1e-5;

    /// <summary>The logit of every element.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Probabilities; outside [0, 1] they are clamped. Shape [..].</param>
    /// <param name="epsilon">The least probability, on both sides.</param>
    /// <returns>Shape [..].</returns>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> input, double epsilon = DefaultEpsilon)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> output = context.Rent<T>(input.Shape);
        ReadOnlySpan<T> x = input.AsReadOnlySpan();
        Span<T> y = output.AsSpan();
        for (int i = 0; i < x.Length; i++)
        {
            double clamped = Math.Clamp(Widen(x[i]), 0, 1);
            y[i] = Round<T>(Elementary.Log(Math.Max(clamped, epsilon) / Math.Max(1 - clamped, epsilon)));
        }

        return output;
    }
}
