// Equation: y[i] = start + i · (end − start) / (steps − 1), the second half counted from the end.
// Mirrors torch.linspace.
using System.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Tensors.Operators;

/// <summary>Evenly spaced numbers, both ends included.</summary>
public static class Linspace
{
    /// <summary>Makes the numbers.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="start">The first.</param>
    /// <param name="end">The last; not used when there is one step.</param>
    /// <param name="steps">How many.</param>
    /// <returns>Shape [steps].</returns>
    /// <exception cref="ArgumentException">A negative number of steps.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, double start, double end, int steps)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.That(steps >= 0, nameof(Linspace), nameof(steps), $"holds {steps}; expected at least 0.");
        Tensor<T> output = context.Rent<T>([steps]);
        Span<T> y = output.AsSpan();
        double step = steps > 1 ? (end - start) / (steps - 1) : 0;
        for (int i = 0; i < steps; i++)
        {
            y[i] = Round<T>(i < steps / 2 || steps == 1 ? start + (step * i) : end - (step * (steps - 1 - i)));
        }

        return output;
    }
}
