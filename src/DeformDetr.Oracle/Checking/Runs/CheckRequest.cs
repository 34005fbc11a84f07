using DeformDetr.Reference;
using DeformDetr.Reference.Pictures;

namespace DeformDetr.Oracle;

/// <summary>What to check.</summary>
/// <param name="Inputs">Pictures, or one tensor file with samples.tensor and samples.mask.</param>
/// <param name="Weights">Where the weights come from.</param>
/// <param name="Config">Sizes and variant.</param>
/// <param name="Preprocess">How pictures are resized.</param>
/// <param name="Port">The port's dump: .safetensors, .npz or a folder of .npy.</param>
/// <param name="Map">A map of names by its word or its file; null where the dump has the contract's names.</param>
/// <param name="PortDType">The precision that the port is judged by.</param>
/// <param name="Threads">How many threads.</param>
public sealed record CheckRequest(
    IReadOnlyList<string> Inputs, WeightSource Weights, DeformableDetrConfig Config, PreprocessOptions Preprocess, string Port, string? Map,
    DumpDType PortDType, int Threads);
