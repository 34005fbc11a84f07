using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// A few rows of a step that makes every row of its second axis (token or query) from rows of the same place, so that mistakes can be tried
// in milliseconds. Rows with the largest errors are among them.
internal sealed class StepCut
{
    private const int Worst = 128;
    private const int Spread = 256;

    private static readonly Dictionary<StepKind, string[]> Roles = new()
    {
        [StepKinds.Value] = ["x", "mask", "pos"],
        [StepKinds.SamplingOffsets] = ["query", "pos"],
        [StepKinds.AttentionLogits] = ["query", "pos"],
        [StepKinds.AttentionWeights] = ["logits"],
        [StepKinds.SamplingLocations] = ["reference_points", "sampling_offsets"],
        [StepKinds.Sampled] = ["sampling_locations", "attention_weights", "logits"],
        [StepKinds.Linear] = ["x"],
        [StepKinds.ResidualNorm] = ["x", "branch"],
        [StepKinds.PosTrans] = ["x"],
        [StepKinds.ProposalBoxes] = ["delta", "proposals"],
        [StepKinds.ProposalPosition] = ["coords"],
        [StepKinds.Sigmoid] = ["x"],
    };

    private StepCut(StepInputs inputs, Sheet right, double[] port)
    {
        Inputs = inputs;
        Right = right;
        Port = port;
    }

    public StepInputs Inputs { get; }

    public Sheet Right { get; }

    public double[] Port { get; }

    // Null where the step can't be cut, or where it isn't worth it.
    public static StepCut? Of(Algebra a, StepInputs inputs, Sheet right, double[] port)
    {
        if (right.Shape.Rank < 3 || right.Shape[1] <= Worst + Spread || !Roles.TryGetValue(inputs.Step.Kind, out string[]? roles))
        {
            return null;
        }

        int all = right.Shape[1];
        int[] rows = Rows(right, port);
        StepInputs cut = inputs;
        foreach (string role in roles)
        {
            if (!inputs.Has(role))
            {
                continue;
            }

            Quantity whole;
            try
            {
                whole = inputs[role];
            }
            catch (KeyNotFoundException)
            {
                // A hint that nobody holds any more.
                continue;
            }

            cut = whole.Shape.Rank >= 2 && whole.Shape[1] == all ? cut.With(role, a.Pick(whole, 1, rows)) : cut;
        }

        cut = cut.WithPart(tensor => tensor.Shape.Rank >= 3 && tensor.Shape[1] == all ? a.Pick(tensor, 1, rows) : tensor);
        Sheet few = new(right.Shape.With(1, rows.Length), Take(right.Shape, rows, right.Values), Take(right.Shape, rows, right.Noise));
        return new(cut, few, Take(right.Shape, rows, port));
    }

    private static int[] Rows(Sheet right, double[] port)
    {
        int rows = right.Shape[1];
        int width = right.Shape.LengthFrom(2);
        double[] largest = new double[rows];
        for (int i = 0; i < port.Length; i++)
        {
            int row = i / width % rows;
            double error = Sheet.Error(port[i], right.Values[i], right.Noise[i]);
            largest[row] = Math.Max(largest[row], error);
        }

        int[] order = [.. Enumerable.Range(0, rows)];
        Array.Sort(order, (left, other) => largest[other].CompareTo(largest[left]) is not 0 and int by ? by : left.CompareTo(other));
        SortedSet<int> chosen = [.. order[..Worst]];
        for (int i = 0; i < Spread; i++)
        {
            chosen.Add((int)((long)i * rows / Spread));
        }

        return [.. chosen];
    }

    private static double[] Take(TensorShape shape, int[] rows, double[] values)
    {
        int width = shape.LengthFrom(2);
        double[] taken = new double[shape[0] * rows.Length * width];
        for (int n = 0; n < shape[0]; n++)
        {
            for (int i = 0; i < rows.Length; i++)
            {
                values.AsSpan(((n * shape[1]) + rows[i]) * width, width).CopyTo(taken.AsSpan(((n * rows.Length) + i) * width, width));
            }
        }

        return taken;
    }
}
