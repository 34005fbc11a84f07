namespace DeformDetr.Oracle;

// A way in which ports get a step wrong, as a text that recomputes the step's tensor wrongly from the step's own inputs.
internal sealed record Mistake
{
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

    // The wrong tensor. Its noise may be left null: then it has the noise of the right one.
    public required Func<Algebra, StepInputs, Quantity> Evaluate { get; init; }
}
