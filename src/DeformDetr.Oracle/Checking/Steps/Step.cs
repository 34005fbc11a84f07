using DeformDetr.Reference;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle;

// What kind of step makes a tensor, and how. Mistakes are known by kind.
internal sealed record StepKind(string Name, Func<Algebra, StepInputs, Quantity> Evaluate)
{
    public override string ToString() => Name;
}

// Numbers that a step needs beside its tensors; each kind uses a few.
internal sealed record StepOptions
{
    public Conv2dWindow Window { get; init; } = new();

    // Whether the input goes through the activation first (nobody names a tensor after its activation).
    public bool Activates { get; init; }

    public Activation Activation { get; init; }

    public int Heads { get; init; }

    public int Levels { get; init; }

    public int Points { get; init; }

    public int Channels { get; init; }

    public int Queries { get; init; }

    public int Classes { get; init; }

    // Which level, layer or picture the step belongs to; -1 for none.
    public int Level { get; init; } = -1;

    public int Layer { get; init; } = -1;

    public int Picture { get; init; } = -1;

    // The tensor is a half (0, 1) of its input's last axis.
    public int Half { get; init; }

    public bool Refines { get; init; }

    public bool TwoStage { get; init; }
}

// A named tensor of the model and what it is made from. Roles are the words that the kind's text uses for its inputs and weights, whatever
// layer they come from.
internal sealed record Step(
    string Name, StepKind Kind, IReadOnlyList<KeyValuePair<string, string>> Inputs, IReadOnlyList<KeyValuePair<string, string>> Hints,
    IReadOnlyList<KeyValuePair<string, string>> Weights, IReadOnlyList<string> Axes, StepOptions Options)
{
    // Hints are tensors that a right step doesn't need, and that mistakes take.
    public IEnumerable<KeyValuePair<string, string>> All => Inputs.Concat(Hints);

    public override string ToString() => $"{Name} ({Kind})";
}

// What a step's text sees.
internal sealed class StepInputs
{
    private readonly Func<string, Quantity> _tensor;
    private readonly Func<string, Quantity> _weight;
    private readonly Dictionary<string, string> _tensors;
    private readonly Dictionary<string, string> _weights;
    private readonly Dictionary<string, Quantity> _instead = new(StringComparer.Ordinal);
    private readonly Func<Quantity, Quantity>? _part;

    // Tensors and weights come by their names in the contract and in the checkpoint.
    public StepInputs(Step step, Func<string, Quantity> tensor, Func<string, Quantity> weight, PictureInputs? pictures = null)
    {
        Step = step;
        Pictures = pictures;
        _tensor = tensor;
        _weight = weight;
        _tensors = step.All.ToDictionary(StringComparer.Ordinal);
        _weights = step.Weights.ToDictionary(StringComparer.Ordinal);
    }

    private StepInputs(StepInputs other, Step step, Func<Quantity, Quantity>? part, Dictionary<string, Quantity> instead)
        : this(step, other._tensor, other._weight, other.Pictures)
    {
        _part = part;
        _instead = instead;
    }

    public Step Step { get; }

    public StepOptions Options => Step.Options;

    public PictureInputs? Pictures { get; }

    // A tensor by its role.
    public Quantity this[string role] => _instead.TryGetValue($"tensor {role}", out Quantity? other) ? other : _tensor(_tensors[role]);

    public bool Has(string role) => _tensors.ContainsKey(role);

    // Roles "srcs.0", "srcs.1", … in order.
    public IReadOnlyList<Quantity> List(string role) =>
        [.. Step.All.Where(input => input.Key.StartsWith($"{role}.", StringComparison.Ordinal)).Select(input => this[input.Key])];

    // A weight by its role.
    public Quantity Weight(string role) => _instead.TryGetValue($"weight {role}", out Quantity? other) ? other : _weight(_weights[role]);

    public bool HasWeight(string role) => _weights.ContainsKey(role);

    public Quantity? WeightOrNull(string role) => HasWeight(role) ? Weight(role) : null;

    // A weight by its name in the checkpoint, for mistakes that take another layer's.
    public Quantity NamedWeight(string name) => _weight(name);

    // A tensor by its name in the contract, for mistakes that read another step's. Throws where nobody holds it any more.
    public Quantity NamedTensor(string name) => _part is null ? _tensor(name) : _part(_tensor(name));

    // The same step with another tensor in a role's place.
    public StepInputs With(string role, Quantity replacement) => Replacing($"tensor {role}", replacement);

    // The same step with another weight in a role's place.
    public StepInputs WithWeight(string role, Quantity replacement) => Replacing($"weight {role}", replacement);

    // The same step with other numbers.
    public StepInputs WithOptions(StepOptions options) => new(this, Step with { Options = options }, _part, _instead);

    // The same step where tensors by name come as a part of themselves, as its inputs do.
    public StepInputs WithPart(Func<Quantity, Quantity> part) => new(this, Step, part, _instead);

    private StepInputs Replacing(string key, Quantity replacement) =>
        new(this, Step, _part, new Dictionary<string, Quantity>(_instead, StringComparer.Ordinal) { [key] = replacement });
}

// What a run on pictures starts from; null in a run on tensors.
internal sealed record PictureInputs(
    IReadOnlyList<Tensor<byte>> Decoded, DeformDetr.Reference.Pictures.PreprocessOptions Preprocess);
