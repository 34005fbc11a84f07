namespace DeformDetr.Oracle;

/// <summary>A tensor's name and the hash of its bits.</summary>
/// <param name="Tensor">The name.</param>
/// <param name="Hash"><see cref="Fingerprint.OfTensor"/> in lower-case hexadecimal.</param>
public sealed record TensorFingerprint(string Tensor, string Hash);
