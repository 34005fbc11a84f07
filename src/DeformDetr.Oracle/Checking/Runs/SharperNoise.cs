using System.Runtime.Intrinsics;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// The first-order bound grows with the number of terms faster than errors do: over 18 432 terms it hides a bias of 2^-9 of the tensor's scale.
// Where a bound is that wide, the step is computed in float32 in one plain chain, the legal order that errs most, from the same inputs; no
// element may then be further off than so many times the largest share of its bound that the chain's errors fill.
internal sealed class SharperNoise(LegalAlgebra chain)
{
    // Bounds that are wider than this share of the tensor's root mean square hide a bias of 2^-12 of it.
    private const double Wide = 1.0 / (1 << 13);

    // Errors of other orders may be so many times those of the chain.
    private const double Factor = 4;

    // Where the chain's errors happen to be small or none, a bound keeps so much of itself.
    private const double Least = 1.0 / 64;

    // Rows of a linear layer that the chain's share is measured on.
    private const int Rows = 1024;

    // Elements whose squares and bounds are added up by themselves.
    private const int Part = 1 << 14;

    // The share of the step's bounds that errors may fill; 1 where the bounds are not too wide, or other noise than the sums' is in them.
    public double Share(Step step, StepInputs inputs, Quantity right)
    {
        bool conv = ReferenceEquals(step.Kind, StepKinds.Convolution) && inputs.HasWeight("bias");
        bool linear = ReferenceEquals(step.Kind, StepKinds.Linear);
        bool attention = ReferenceEquals(step.Kind, StepKinds.SelfAttention);
        bool own = right.Noise is not null && step.Inputs.All(input => inputs.NamedTensor(input.Value).Noise is null);
        if (!(conv || linear || attention) || !own || !IsWide(right))
        {
            return 1;
        }

        using BufferScope scope = chain.Context.Scope();
        int[]? rows = linear ? Sample(right.Shape[1]) : null;
        StepInputs narrow = new(step, Given, name => chain.GivenWeight(inputs.NamedWeight(name).Tensor));
        Tensor<float> made = (Tensor<float>)step.Kind.Evaluate(chain, narrow).Tensor;

        // Infinite numbers have their own verdict.
        double share = Factor * Largest(made, rows is null ? right : Picked(right, rows));
        return double.IsFinite(share) ? Math.Clamp(share, Least, 1) : 1;

        Quantity Given(string name)
        {
            Tensor tensor = inputs.NamedTensor(name).Tensor;
            return chain.Given(rows is null ? tensor : Moves.Pick(chain.Context, tensor, 1, rows));
        }
    }

    private bool IsWide(Quantity right)
    {
        int length = right.Tensor.Length;
        (double Squares, double Noise)[] parts = new (double, double)[(length + Part - 1) / Part];
        chain.Context.Split(parts.Length, 1, (first, last) =>
        {
            for (int part = first; part < last; part++)
            {
                int start = part * Part;
                int count = Math.Min(Part, length - start);
                parts[part] = Sums(right.Real.AsReadOnlySpan().Slice(start, count), right.Noise!.AsReadOnlySpan().Slice(start, count));
            }
        });
        double squares = 0;
        double noise = 0;
        foreach ((double ofPart, double noiseOfPart) in parts)
        {
            squares += ofPart;
            noise += noiseOfPart;
        }

        return noise / length > Wide * Math.Sqrt(squares / length);
    }

    // In an order that no machine and no number of threads changes.
    private static (double Squares, double Noise) Sums(ReadOnlySpan<double> values, ReadOnlySpan<double> bounds)
    {
        Vector512<double> squares = Vector512<double>.Zero;
        Vector512<double> noise = Vector512<double>.Zero;
        int i = 0;
        for (; i + 8 <= values.Length; i += 8)
        {
            Vector512<double> own = Vector512.Create(values[i..]);
            squares += own * own;
            noise += Vector512.Create(bounds[i..]);
        }

        double sumOfSquares = 0;
        double sumOfNoise = 0;
        for (int lane = 0; lane < 8; lane++)
        {
            sumOfSquares += squares[lane];
            sumOfNoise += noise[lane];
        }

        for (; i < values.Length; i++)
        {
            sumOfSquares += values[i] * values[i];
            sumOfNoise += bounds[i];
        }

        return (sumOfSquares, sumOfNoise);
    }

    private static double Largest(Tensor<float> made, Quantity right)
    {
        double largest = 0;
        ReadOnlySpan<float> own = made.AsReadOnlySpan();
        ReadOnlySpan<double> values = right.Real.AsReadOnlySpan();
        ReadOnlySpan<double> bounds = right.Noise!.AsReadOnlySpan();
        for (int i = 0; i < values.Length; i++)
        {
            double error = Math.Abs(own[i] - values[i]);
            if (!(error <= largest * bounds[i]))
            {
                largest = error / bounds[i];
            }
        }

        return largest;
    }

    private Quantity Picked(Quantity right, int[] rows) => new(
        Moves.Pick(chain.Context, right.Tensor, 1, rows), (Tensor<double>)Moves.Pick(chain.Context, right.Noise!, 1, rows));

    // All rows, or so many of them at equal distances.
    private static int[] Sample(int rows)
    {
        int count = Math.Min(rows, Rows);
        return [.. Enumerable.Range(0, count).Select(i => (int)((long)i * rows / count))];
    }
}
