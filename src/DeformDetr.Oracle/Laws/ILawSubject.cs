using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>An implementation in C#: inputs by name to outputs by name (float32 or float64 tensors; int64 and bool where the contract has them).</summary>
/// <param name="input">What it is called on. It must not be changed.</param>
public delegate IReadOnlyDictionary<string, Tensor> LawImplementation(LawInput input);

// Something that laws are tried on.
internal interface ILawSubject
{
    // The precision that its errors are measured by.
    NoiseUnit Unit { get; }

    // All of one target and configuration. An answer for each, in order.
    IReadOnlyList<LawAnswer> Run(IReadOnlyList<LawInput> inputs);
}

// What came of a call: outputs, or what went wrong instead.
internal sealed record LawAnswer(IReadOnlyDictionary<string, Tensor>? Outputs, string? Fault)
{
    public static LawAnswer Broken(string fault) => new(null, fault);
}

internal sealed class DelegateSubject(LawImplementation implementation, NoiseUnit unit) : ILawSubject
{
    public NoiseUnit Unit { get; } = unit;

    public IReadOnlyList<LawAnswer> Run(IReadOnlyList<LawInput> inputs) => [.. inputs.Select(Run)];

    private LawAnswer Run(LawInput input)
    {
        try
        {
            return new LawAnswer(implementation(input), null);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return LawAnswer.Broken($"throws {exception.GetType().Name}: {exception.Message.ReplaceLineEndings(" ")}");
        }
    }
}
