using System.Globalization;
using System.Runtime.CompilerServices;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Mistakes that can be made in any step that has what they are about: a bias, an activation, an epsilon, a like step elsewhere.
internal static class GeneralMistakes
{
    private static readonly double[] Epsilons = [0, 1e-12, 1e-8, 1e-7, 1e-6, 1e-4, 1e-3, 1e-2];

    // Kinds that have an epsilon, and for which the catalogue doesn't list other ones.
    private static readonly StepKind[] HaveEpsilon =
        [StepKinds.FrozenBatchNorm, StepKinds.GroupNorm, StepKinds.OutputMemory, StepKinds.PosTrans];

    // Those of one step. The graph tells of like steps; null for none.
    public static IEnumerable<Mistake> Of(Step step, StepGraph? graph)
    {
        StepKind[] kinds = [step.Kind];
        foreach ((string role, string name) in step.Weights)
        {
            if (role.EndsWith("bias", StringComparison.Ordinal))
            {
                yield return Make(
                    kinds, $"{role} missing", $"{name} isn't added.", $"Add {name}.",
                    inputs: (a, x) => x.WithWeight(role, a.Given(new Tensor<double>(x.Weight(role).Shape))));
            }
        }

        foreach ((string role, string name) in step.Weights)
        {
            if (role.EndsWith("weight", StringComparison.Ordinal) || role.EndsWith("in_proj_weight", StringComparison.Ordinal))
            {
                yield return Make(
                    kinds, $"{role} transposed", $"{name} is stored or read as (in, out) instead of (out, in).",
                    $"Transpose {name}: a linear layer's weight is (out, in), a convolution's (out, in, row, column).",
                    inputs: (a, x) => x.WithWeight(role, Transposed(a, x.Weight(role))));
                yield return Make(
                    kinds, $"{role} missing", $"{name} isn't applied: all factors are 1.", $"Multiply by {name}.",
                    inputs: (a, x) => x.WithWeight(role, Ones(a, x.Weight(role))));
            }
        }

        if (HaveEpsilon.Contains(step.Kind))
        {
            foreach (double epsilon in Epsilons)
            {
                yield return Make(
                    kinds, Text($"epsilon {epsilon:0e-0} instead of 1e-5"), Text($"The norm's epsilon is {epsilon:0e-0}."),
                    "Use an epsilon of 1e-5, inside the root.", operators: a => new WithEpsilon(a, epsilon));
            }
        }

        foreach (string role in step.Inputs.Select(input => input.Key))
        {
            yield return Make(
                kinds, $"{role} returned as it is", $"The step hands on its input {role}.", "Compute the step.",
                result: (a, x, right) => a.Reshape(x[role], right.Shape));
        }

        if (graph is null)
        {
            yield break;
        }

        foreach (Step other in graph.Steps)
        {
            if (other.Kind != step.Kind || other.Name == step.Name || other.Weights.Count != step.Weights.Count || step.Weights.Count == 0
                || other.Weights.SequenceEqual(step.Weights))
            {
                continue;
            }

            yield return Make(
                kinds, $"weights of {other.Name}", $"The weights are those of {other.Name}.", "Load this layer's own weights.",
                inputs: (a, x) => Weights(x, other));
        }

        foreach (Step other in graph.Steps)
        {
            if (other.Kind == step.Kind && other.Name != step.Name && other.Options.Level == step.Options.Level)
            {
                yield return Make(
                    kinds, $"content of {other.Name}", $"The tensor is that of {other.Name}: a stale buffer, or saved under a wrong name.",
                    "Save the tensor when this step has made it.", result: (a, x, right) => Same(x.NamedTensor(other.Name), right));
            }
        }
    }

    // A step whose inputs and weights are rounded to a format before it, and its result after it.
    public static IEnumerable<Mistake> Halves(Step step)
    {
        foreach (NumberFormat format in NumberFormat.Halves)
        {
            string name = format.Name;
            yield return Make(
                [step.Kind], $"{name} inputs", $"Inputs and weights are rounded to {name}, sums are not.",
                $"Compute this step in float32, or judge the port as {name}.", inputs: (a, x) => Rounded(a, x, format, true));
            yield return Make(
                [step.Kind], $"{name} weights", $"The weights are rounded to {name}.", "Convert the weights without loss.",
                inputs: (a, x) => Rounded(a, x, format, false));
        }
    }

    public static StepInputs Rounded(Algebra a, StepInputs x, NumberFormat format, bool tensors)
    {
        StepInputs rounded = x;
        if (tensors)
        {
            foreach ((string role, _) in x.Step.Inputs)
            {
                if (x[role].Tensor is Tensor<double> or Tensor<float>)
                {
                    rounded = rounded.With(role, Rounded(a, x[role], format));
                }
            }
        }

        foreach ((string role, _) in x.Step.Weights)
        {
            rounded = rounded.WithWeight(role, Rounded(a, x.Weight(role), format));
        }

        return rounded;
    }

    private static Quantity Rounded(Algebra a, Quantity exact, NumberFormat format)
    {
        double[] values = Sheet.Numbers(exact.Tensor);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = format.Round(values[i]);
        }

        return a.Given(Tensor<double>.FromArray(exact.Shape, values));
    }

    private static StepInputs Weights(StepInputs x, Step other)
    {
        StepInputs changed = x;
        for (int i = 0; i < other.Weights.Count; i++)
        {
            (string role, string name) = other.Weights[i];
            Quantity weight = x.NamedWeight(name);
            changed = x.HasWeight(role) && x.Weight(role).Shape == weight.Shape
                ? changed.WithWeight(role, weight)
                : throw new ArgumentException($"weights: {name} holds {weight.Shape}; expected the shape of {role}.");
        }

        return changed;
    }

    // Read in the wrong order of axes: the transposed numbers under the right shape.
    private static Quantity Transposed(Algebra a, Quantity weight) => weight.Shape.Rank switch
    {
        2 => a.Reshape(a.Permute(weight, 1, 0), weight.Shape),
        4 => a.Reshape(a.Permute(weight, 1, 0, 2, 3), weight.Shape),
        _ => throw new ArgumentException($"transpose: weight holds {weight.Shape}; expected two or four axes."),
    };

    private static Quantity Ones(Algebra a, Quantity weight)
    {
        if (weight.Shape.Rank != 1)
        {
            throw new ArgumentException($"ones: weight holds {weight.Shape}; expected one axis.");
        }

        Tensor<double> ones = new(weight.Shape);
        ones.AsSpan().Fill(1);
        return a.Given(ones);
    }

    private static Quantity Same(Quantity other, Quantity right) =>
        other.Shape == right.Shape && other.Tensor.ElementType == right.Tensor.ElementType
            ? other
            : throw new ArgumentException($"content: other holds {other.Shape}; expected {right.Shape}.");

    private static Mistake Make(
        StepKind[] kinds, string name, string explanation, string fix, Func<Algebra, StepInputs, StepInputs>? inputs = null,
        Func<Algebra, Algebra>? operators = null, Func<Algebra, StepInputs, Quantity, Quantity>? result = null) => new()
        {
            Name = name,
            Explanation = explanation,
            Fix = fix,
            References = ["H11"],
            Kinds = kinds,
            Inputs = inputs,
            Operators = operators,
            Result = result,
        };

    private static string Text(ref DefaultInterpolatedStringHandler text) => string.Create(CultureInfo.InvariantCulture, ref text);
}
