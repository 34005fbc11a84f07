using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>
/// The pass rule (golden-contract.md, section 4): in float64 within 1e-12 of the tensor's scale; in float32 as accurate as the original's
/// own float32 run, not merely close to it. Written so that NaN fails.
/// </summary>
public static class PassRule
{
    private const double Epsilon = 1.0 / (1 << 24);

    /// <summary>Judges one tensor.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="actual">What was computed.</param>
    /// <param name="expected">What the original computed in float32.</param>
    /// <param name="expected64">What it computed in float64; null for no truth.</param>
    /// <param name="padding">True for elements that don't count; null where all count. Shape [..], the tensor's.</param>
    public static TensorVerdict Judge(string name, Tensor actual, Tensor expected, Tensor? expected64, Tensor<bool>? padding = null)
    {
        if (actual.Shape != expected.Shape)
        {
            return Wrong(name, expected, $"holds {actual.Shape}, expected {expected.Shape}");
        }

        if (expected64 is not null && expected64.Shape != expected.Shape)
        {
            return Wrong(name, expected, $"expected64 holds {expected64.Shape}, expected {expected.Shape}");
        }

        if (!expected.ElementType.IsFloat())
        {
            Tensor truth = actual.ElementType == expected.ElementType && expected64 is not null ? expected64 : expected;
            return JudgeExact(name, actual, truth);
        }

        if (!actual.ElementType.IsFloat())
        {
            return Wrong(name, expected, $"holds {actual.ElementType.Word()}, expected {expected.ElementType.Word()}");
        }

        return JudgeReal(
            name, Numbers(actual), actual.ElementType == ElementType.Float64, Numbers(expected),
            expected64 is null ? null : Numbers(expected64), expected.Shape, padding);
    }

    /// <summary>The allowance of a tensor's errors, its padding aside.</summary>
    /// <param name="float64">Whether the run that is judged is in float64.</param>
    /// <param name="expected">The original's float32 elements.</param>
    /// <param name="expected64">Its float64 elements; null for no truth.</param>
    /// <param name="padding">True for elements that don't count; null where all count. Shape [..], the tensor's.</param>
    internal static double Allowance(bool float64, double[] expected, double[]? expected64, Tensor<bool>? padding = null)
    {
        double scale = 0;
        double own = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            if (padding is not null && padding.AsReadOnlySpan()[i])
            {
                continue;
            }

            double truth = expected64 is null ? expected[i] : expected64[i];
            if (double.IsFinite(truth) && double.IsFinite(expected[i]))
            {
                scale = Math.Max(scale, Math.Abs(truth));
                own = Math.Max(own, Math.Abs(expected[i] - truth));
            }
        }

        return expected64 is null ? 256 * Epsilon * scale
            : float64 ? 1e-12 * scale
            : scale == 0 ? 0
            : 4 * Math.Max(own, 4 * Epsilon * scale);
    }

    internal static double[] Numbers(Tensor tensor)
    {
        double[] numbers = new double[tensor.Length];
        switch (tensor)
        {
            case Tensor<double> t:
                t.AsReadOnlySpan().CopyTo(numbers);
                break;
            case Tensor<float> t:
                for (int i = 0; i < numbers.Length; i++)
                {
                    numbers[i] = t.AsReadOnlySpan()[i];
                }

                break;
            default:
                throw new NotSupportedException($"pass rule: elements of {tensor.ElementType.Word()}; expected float32 or float64.");
        }

        return numbers;
    }

    internal static TensorVerdict Wrong(string name, Tensor expected, string note) =>
        new(name, expected.Shape, double.PositiveInfinity, 0, expected.Length, null, Verdict.Fail, note);

    private static TensorVerdict JudgeReal(
        string name, double[] actual, bool float64, double[] expected, double[]? expected64, TensorShape shape, Tensor<bool>? padding)
    {
        double allowance = Allowance(float64, expected, expected64, padding);
        double error = 0;
        double paddingError = 0;
        long counted = 0;
        int misplaced = -1;
        for (int i = 0; i < actual.Length; i++)
        {
            double truth = expected64 is null ? expected[i] : expected64[i];

            // Infinities and NaNs stand where this precision's run of the original has them.
            double place = float64 ? truth : expected[i];
            if (padding is not null && padding.AsReadOnlySpan()[i])
            {
                paddingError = Larger(paddingError, actual[i] - truth);
                continue;
            }

            counted++;
            if (!double.IsFinite(place) || !double.IsFinite(actual[i]))
            {
                bool same = double.IsNaN(place) ? double.IsNaN(actual[i]) : place == actual[i];
                misplaced = same || misplaced >= 0 ? misplaced : i;
            }
            else if (double.IsFinite(truth))
            {
                error = Larger(error, actual[i] - truth);
            }
        }

        string? note = misplaced < 0 ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"holds {actual[misplaced]} at {Place(shape, misplaced)}, expected {(float64 ? expected64 ?? expected : expected)[misplaced]}");
        double shown = misplaced < 0 ? error : double.PositiveInfinity;
        Verdict verdict = !(shown <= allowance) ? Verdict.Fail : expected64 is null ? Verdict.NoTruth : Verdict.Pass;
        return new TensorVerdict(name, shape, shown, allowance, counted, padding is null ? null : paddingError, verdict, note);
    }

    // The larger magnitude; a NaN stays.
    private static double Larger(double largest, double difference)
    {
        double magnitude = Math.Abs(difference);
        return magnitude <= largest ? largest : magnitude;
    }

    private static TensorVerdict JudgeExact(string name, Tensor actual, Tensor expected)
    {
        if (actual.ElementType != expected.ElementType)
        {
            return Wrong(name, expected, $"holds {actual.ElementType.Word()}, expected {expected.ElementType.Word()}");
        }

        int wrong = 0;
        int first = -1;
        for (int i = 0; i < expected.Length; i++)
        {
            if (!ElementsEqual(actual, expected, i))
            {
                wrong++;
                first = first < 0 ? i : first;
            }
        }

        string? note = first < 0
            ? null
            : string.Create(
                CultureInfo.InvariantCulture, $"{wrong} of {expected.Length} elements differ, the first at {Place(expected.Shape, first)}");
        return new TensorVerdict(name, expected.Shape, wrong, 0, expected.Length, null, wrong == 0 ? Verdict.Pass : Verdict.Fail, note);
    }

    private static bool ElementsEqual(Tensor actual, Tensor expected, int index) => (actual, expected) switch
    {
        (Tensor<long> a, Tensor<long> b) => a.AsReadOnlySpan()[index] == b.AsReadOnlySpan()[index],
        (Tensor<int> a, Tensor<int> b) => a.AsReadOnlySpan()[index] == b.AsReadOnlySpan()[index],
        (Tensor<byte> a, Tensor<byte> b) => a.AsReadOnlySpan()[index] == b.AsReadOnlySpan()[index],
        (Tensor<bool> a, Tensor<bool> b) => a.AsReadOnlySpan()[index] == b.AsReadOnlySpan()[index],
        _ => false,
    };

    private static string Place(TensorShape shape, int index)
    {
        string[] words = new string[shape.Rank];
        for (int axis = shape.Rank - 1; axis >= 0; axis--)
        {
            words[axis] = (index % shape[axis]).ToString(CultureInfo.InvariantCulture);
            index /= shape[axis];
        }

        return $"[{string.Join(", ", words)}]";
    }
}
