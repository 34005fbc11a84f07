using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// What work costs, counted and not timed, so that a diagnosis is the same on a slow machine. The unit is a product in a sum: a tenth of a
// nanosecond of one core, about, where the others were measured beside it.
internal static class Effort
{
    // Of a number that is read or made with its noise, of one that is compared, and of a corner that is sampled.
    private const long Made = 512;
    private const long Compared = 64;
    private const long Corner = 16;

    // A step's text, or a mistake's like it, for a result of this shape.
    public static long Evaluation(StepInputs x, TensorShape result)
    {
        long made = result.LengthFrom(0);
        long largest = Math.Max(made, x.Step.Inputs.Max(input => (long?)x[input.Key].Tensor.Length) ?? 0);
        return (largest * Made) + (made * Products(x));
    }

    public static long Comparison(long elements) => elements * Compared;

    // Products for one number of the result.
    private static long Products(StepInputs x)
    {
        if (x.Step.Kind == StepKinds.SelfAttention)
        {
            // Three projections, the scores and what is read with them, the last projection.
            return (4L * x.Options.Channels) + (2L * x["tgt"].Shape[1]);
        }

        if (x.Step.Kind == StepKinds.Sampled)
        {
            return Corner * 4 * x.Options.Levels * x.Options.Points;
        }

        foreach (string role in (ReadOnlySpan<string>)["weight", "enc_output.weight"])
        {
            if (x.HasWeight(role) && x.Weight(role) is { Shape.Rank: >= 2 } weight)
            {
                return weight.Tensor.Length / Math.Max(1, weight.Shape[0]);
            }
        }

        return 0;
    }
}
