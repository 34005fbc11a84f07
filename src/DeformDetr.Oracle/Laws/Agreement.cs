using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// The comparison with the reference in float64, as one more law.
internal static class Agreement
{
    public static Law Law(string target, LawSpace space, Func<LawCase, LawInput> draw, int cost = 1, string suffix = "") => new(
        target, $"agrees_with_float64{suffix}", "|f₃₂(x) − f₆₄(x)| ≤ ε₃₂ · noise(f, x)",
        "What rounding explains is all that lies between an implementation and the reference in float64.", space,
        drawn => LawTrial.Of(draw(drawn), Judge))
    {
        Cost = cost,
    };

    public static LawBreach? Judge(LawResult result)
    {
        // Which of nearly equal proposals are chosen is nobody's fault, and everything after it depends on it.
        bool twoStage = result.Truth.ContainsKey("transformer.topk_proposals");
        foreach ((string name, Quantity truth) in result.Truth)
        {
            if (twoStage && name == "transformer.topk_proposals")
            {
                break;
            }

            if (!result.Has(name))
            {
                continue;
            }

            LawBreach? breach = truth.Tensor is Tensor<double>
                ? Holds.Near(name, result[name], result.Right(name))
                : Equal(name, result.Raw(name), truth.Tensor);
            if (breach is not null)
            {
                return breach;
            }
        }

        return null;
    }

    private static LawBreach? Equal(string name, Tensor actual, Tensor right)
    {
        for (int at = 0; at < right.Length; at++)
        {
            int[] index = OperatorCheck.Index(right.Shape, at);
            (double x, double y) = (TermKinds.At(actual, index), TermKinds.At(right, index));
            if (x != y)
            {
                return new LawBreach(name, index, x, y, 0);
            }
        }

        return null;
    }
}
