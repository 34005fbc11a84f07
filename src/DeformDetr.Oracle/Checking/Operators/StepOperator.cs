using System.Globalization;
using DeformDetr.Reference.Pictures;

namespace DeformDetr.Oracle;

// A step of a model as an operator: its kind's definition under the names that the tensors have in the model.
internal static class StepOperator
{
    public static OperatorDefinition Create(Step step, PreprocessOptions preprocess)
    {
        OperatorDefinition kind = OperatorCatalogue.Of(step.Kind)!;
        return kind with
        {
            Name = step.Name,
            Inputs = [.. Named(kind.Inputs, step.Inputs, false), .. Named(kind.Inputs, step.Hints, true)],

            // Flattening only moves: its weight is what mistakes take.
            Weights = [.. Named(kind.Weights, step.Weights, step.Kind == StepKinds.Flatten)],
            Outputs = [kind.Outputs[0] with { Name = step.Name }],
            Settings = step.Kind == StepKinds.Resize
                ? [
                    new OperatorSetting("shortest", FormattableString.Invariant($"{preprocess.Shortest}"), "aim of the shorter side"),
                    new OperatorSetting("longest", FormattableString.Invariant($"{preprocess.Longest}"), "most of the longer side"),
                ]
                : [],
            Plan = args => [step with { Hints = [.. step.Hints.Where(hint => args.Has(hint.Value))] }],
        };
    }

    private static IEnumerable<OperatorTensor> Named(
        IReadOnlyList<OperatorTensor> known, IReadOnlyList<KeyValuePair<string, string>> pairs, bool hints)
    {
        // One tensor may play two roles, but goes in once.
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach ((string role, string name) in pairs)
        {
            OperatorTensor? like = known.FirstOrDefault(tensor => tensor.Role == role || (tensor.IsList && tensor.RoleOf(Index(role)) == role));
            if (like is not null && seen.Add(name))
            {
                yield return like with { Name = name, Role = role, Optional = hints, Shape = like.IsList ? Free(like.Shape) : like.Shape };
            }
        }
    }

    // Levels have sizes of their own.
    private static SymbolicShape Free(SymbolicShape shape) =>
        new($"[{string.Join(", ", shape.Axes.Select(axis => axis is "h" or "w" ? "?" : axis))}]");

    private static int Index(string role) =>
        int.TryParse(role[(role.LastIndexOf('.') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? index : -1;
}
