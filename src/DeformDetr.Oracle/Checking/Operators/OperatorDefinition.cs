using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// What a plan is made from: the settings, and the shapes of the tensors that were given.
internal sealed record OperatorArguments(OperatorSettings Settings, IReadOnlyDictionary<string, TensorShape> Given)
{
    public bool Has(string name) => Given.ContainsKey(name);
}

// An operator or a layer that can be run by itself: what goes in, what comes out, and the steps that it is.
internal sealed record OperatorDefinition
{
    public required string Name { get; init; }

    // One sentence.
    public required string Summary { get; init; }

    public required IReadOnlyList<OperatorTensor> Inputs { get; init; }

    public IReadOnlyList<OperatorTensor> Weights { get; init; } = [];

    public required IReadOnlyList<OperatorTensor> Outputs { get; init; }

    public IReadOnlyList<OperatorSetting> Settings { get; init; } = [];

    // Symbols of the outputs along which the outputs depend on each other, so that none can be left out.
    public IReadOnlyList<string> Whole { get; init; } = [];

    // Whether its outputs but the last are tensors on the way, which a port need not give.
    public bool IsLayer { get; init; }

    // File of the textbook body, from the root of the repository.
    public required string Source { get; init; }

    // The steps in order; a step is called what its output is called.
    public required Func<OperatorArguments, IReadOnlyList<Step>> Plan { get; init; }

    public override string ToString() => Name;
}
