namespace DeformDetr.Oracle;

/// <summary>One operator to run on the tensors of a file.</summary>
/// <param name="Name">A name of the catalogue, or the name of a tensor of the model, whose step is run.</param>
/// <param name="Input">The .safetensors or .npz with the inputs; its metadata may hold <c>config</c>, the settings as JSON. Null for an
/// operator without inputs.</param>
/// <param name="Weights">A file or recipe of weights; null where they stand among the inputs, or there are none.</param>
/// <param name="Run">Sizes and variant, for the name of a tensor; null for those of the trace that is the input, else r50.</param>
/// <param name="Settings">Settings as <c>key=value</c>; they win over the file's. The key <c>prefix</c> is a module's path before the
/// names of the weights.</param>
public sealed record OperatorRequest(
    string Name, string? Input, WeightSource? Weights, RunConfiguration? Run, IReadOnlyList<string> Settings);
