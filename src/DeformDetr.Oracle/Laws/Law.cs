namespace DeformDetr.Oracle;

/// <summary>Something that every correct implementation of a target obeys on every input.</summary>
public sealed record Law
{
    internal Law(string target, string name, string mathematics, string words, LawSpace space, Func<LawCase, LawTrial> trial)
    {
        Target = target;
        Name = name;
        Mathematics = mathematics;
        Words = words;
        Space = space;
        Trial = trial;
    }

    /// <summary>What obeys it: a target of the golden contract, or an operator of <c>deform-detr op --list</c>.</summary>
    public string Target { get; }

    /// <summary>Its name, such as <c>pixel_centre</c>.</summary>
    public string Name { get; }

    /// <summary>The law in one line of mathematics.</summary>
    public string Mathematics { get; }

    /// <summary>The law in one sentence.</summary>
    public string Words { get; }

    // Outputs that it looks at, beyond those that every implementation has.
    internal IReadOnlyList<string> Needs { get; init; } = [];

    // How many times fewer cases than other laws it is tried on: models cost more than operators.
    internal int Cost { get; init; } = 1;

    internal LawSpace Space { get; }

    internal Func<LawCase, LawTrial> Trial { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{Target}: {Name}";
}

// What a law does with one case: calls of the implementation, and a verdict on what they gave.
internal sealed record LawTrial(IReadOnlyList<LawInput> Inputs, Func<IReadOnlyList<LawResult>, LawBreach?> Judge)
{
    public static LawTrial Of(LawInput input, Func<LawResult, LawBreach?> judge) => new([input], results => judge(results[0]));

    public static LawTrial Of(LawInput one, LawInput two, Func<LawResult, LawResult, LawBreach?> judge) =>
        new([one, two], results => judge(results[0], results[1]));
}

// An element that breaks a law.
internal sealed record LawBreach(string Tensor, int[] Index, double Is, double Expected, double Allowed, string? Note = null)
{
    public override string ToString() => Note is not null && Index.Length == 0
        ? $"{Tensor}: {Note}"
        : FormattableString.Invariant($"{Tensor}[{string.Join(",", Index)}] is {Is:G9}, the law says {Expected:G9}")
            + (Allowed > 0 ? FormattableString.Invariant($" within {Allowed:G3}") : " exactly")
            + (Note is null ? "" : $" ({Note})");
}

// Verdicts.
internal static class Holds
{
    // Both within what rounding explains of each.
    public static LawBreach? Near(string tensor, Measured actual, Measured expected, string? note = null)
    {
        if (actual.Shape != expected.Shape)
        {
            return new LawBreach(tensor, [], 0, 0, 0, $"holds {actual.Shape}; expected {expected.Shape}");
        }

        ReadOnlySpan<double> x = actual.Value.AsReadOnlySpan();
        ReadOnlySpan<double> y = expected.Value.AsReadOnlySpan();
        ReadOnlySpan<double> e = actual.Noise.AsReadOnlySpan();
        ReadOnlySpan<double> f = expected.Noise.AsReadOnlySpan();
        int worst = -1;
        double largest = 1;
        for (int i = 0; i < x.Length; i++)
        {
            if (x[i] == y[i] || (double.IsNaN(x[i]) && double.IsNaN(y[i])))
            {
                continue;
            }

            double error = Math.Abs(x[i] - y[i]);
            double ratio = error / (e[i] + f[i]);
            if (!(ratio <= largest) || double.IsInfinity(error))
            {
                worst = i;
                largest = double.IsNaN(ratio) ? double.PositiveInfinity : ratio;
            }
        }

        return worst < 0 ? null : new LawBreach(tensor, OperatorCheck.Index(actual.Shape, worst), x[worst], y[worst], e[worst] + f[worst], note);
    }

    public static LawBreach? Near(string tensor, LawResult actual, LawResult expected) => Near(tensor, actual[tensor], expected[tensor]);

    // Within a bound, NaN never.
    public static LawBreach? Between(string tensor, Measured actual, double least, double most, string? note = null)
    {
        for (int i = 0; i < actual.Value.Length; i++)
        {
            double x = actual.Value.AsReadOnlySpan()[i];
            double noise = actual.Noise.AsReadOnlySpan()[i];
            if (!(x >= least - noise && x <= most + noise))
            {
                return new LawBreach(tensor, OperatorCheck.Index(actual.Shape, i), x, x < least ? least : most, noise, note);
            }
        }

        return null;
    }

    public static LawBreach? That(bool holds, string tensor, string note) => holds ? null : new LawBreach(tensor, [], 0, 0, 0, note);

    public static LawBreach? First(params IEnumerable<Func<LawBreach?>> verdicts) => verdicts.Select(verdict => verdict()).FirstOrDefault(breach => breach is not null);
}
