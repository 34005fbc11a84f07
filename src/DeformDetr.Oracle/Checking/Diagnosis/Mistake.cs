using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// A way in which ports get a step wrong, as a text that recomputes the step's tensor wrongly from the step's own inputs.
internal sealed record Mistake
{
    private readonly Func<Algebra, StepInputs, Quantity>? _evaluate;

    // Short and stable: printed, searched for, counted by selftest. "offsets divided by (H, W)".
    public required string Name { get; init; }

    // One sentence, said of the port: "The offsets are divided by (H, W) instead of (W, H)."
    public required string Explanation { get; init; }

    // One sentence, in the imperative: "Divide x by W_l and y by H_l."
    public required string Fix { get; init; }

    // Rows of porting-mistakes.md ("D1") and issues ("fundamentalvision/Deformable-DETR#6").
    public required IReadOnlyList<string> References { get; init; }

    // The kinds of step in which it is made.
    public required IReadOnlyList<StepKind> Kinds { get; init; }

    // Whether it can be made in a step of these kinds; null for always.
    public Func<StepInputs, bool>? Applies { get; init; }

    // Whether rows of the second axis depend on one another, so that it can't be tried on a few of them.
    public bool Whole { get; init; }

    // Parts that go with another mistake: what is done to the inputs, with the operators, and to the result.
    public Func<Algebra, StepInputs, StepInputs>? Inputs { get; init; }

    public Func<Algebra, Algebra>? Operators { get; init; }

    public Func<Algebra, StepInputs, Quantity, Quantity>? Result { get; init; }

    // Whether it has nothing but parts.
    public bool IsParts => _evaluate is null && Scores is null;

    // Scores [N, S] by which it ranks the proposals, where it does: its tensor is then the best ones' indices, and a port's are right for it
    // in any order that ties and noise leave open.
    public Func<Algebra, StepInputs, Quantity>? Scores { get; init; }

    // How far a port's indices are from the mistake's, in noise, where several are right for it.
    public Func<Algebra, StepInputs, Tensor<long>, double>? Distance
    {
        get => Scores is null ? field : (a, x, port) => RankingCheck.Distance(port, Scores(a, x)).Whole;
        init;
    }

    // The wrong tensor. Its noise may be left null: then it has the noise of the right one. Without a text of its own, the kind's with the
    // parts.
    public Func<Algebra, StepInputs, Quantity> Evaluate
    {
        get => _evaluate
            ?? (Scores is null ? Around((a, x) => x.Step.Kind.Evaluate(a, x)) : (a, x) => a.TopK(Scores(a, x), x.Options.Queries).Indices);
        init => _evaluate = value;
    }

    // This mistake's parts around another text.
    public Func<Algebra, StepInputs, Quantity> Around(Func<Algebra, StepInputs, Quantity> text) => (a, x) =>
    {
        StepInputs inputs = Inputs?.Invoke(a, x) ?? x;
        Quantity result = text(Operators?.Invoke(a) ?? a, inputs);
        return Result?.Invoke(a, x, result) ?? result;
    };
}
