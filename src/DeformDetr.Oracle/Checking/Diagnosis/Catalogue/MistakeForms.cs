namespace DeformDetr.Oracle;

// Ways of writing a mistake of one kind of step: its text whole, or what is done to the inputs, to the operators or to the result.
internal static class MistakeForms
{
    public static Mistake Evaluate(
        StepKind kind, string name, string explanation, string fix, string[] references, Func<Algebra, StepInputs, Quantity> evaluate) =>
        Made(kind, name, explanation, fix, references) with { Evaluate = evaluate };

    public static Mistake Inputs(
        StepKind kind, string name, string explanation, string fix, string[] references, Func<Algebra, StepInputs, StepInputs> inputs) =>
        Made(kind, name, explanation, fix, references) with { Inputs = inputs };

    public static Mistake Operators(
        StepKind kind, string name, string explanation, string fix, string[] references, Func<Algebra, Algebra> operators) =>
        Made(kind, name, explanation, fix, references) with { Operators = operators };

    public static Mistake Result(
        StepKind kind, string name, string explanation, string fix, string[] references,
        Func<Algebra, StepInputs, Quantity, Quantity> result) =>
        Made(kind, name, explanation, fix, references) with { Result = result };

    private static Mistake Made(StepKind kind, string name, string explanation, string fix, string[] references) => new()
    {
        Name = name,
        Explanation = explanation,
        Fix = fix,
        References = references,
        Kinds = [kind],
    };
}
