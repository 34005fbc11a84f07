using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>
/// Finds tensors of a dump that hold the bits of another one: a dump script that kept a reference to one buffer. Tensors that are equal in
/// the model too (a layer's output and its last norm) may be equal in the dump. Keeps a hash of each tensor, not the tensor.
/// </summary>
internal sealed class DuplicateFinder
{
    private readonly Dictionary<UInt128, (string Name, UInt128 Expected)> _seen = [];

    /// <summary>Takes a tensor in; the name of an earlier one that it may not equal but does, or null.</summary>
    /// <param name="name">The contract's name.</param>
    /// <param name="port">The port's tensor, in the contract's layout. Shape [..].</param>
    /// <param name="expected">The same tensor of the free run: inputs that are duplicates would make equal what isn't. Shape as
    /// the port's.</param>
    public string? Offer(string name, Tensor port, Tensor expected)
    {
        UInt128 own = TensorHash.Of(port);
        UInt128 wanted = TensorHash.Of(expected);
        if (port.Length == 0 || _seen.TryAdd(own, (name, wanted)))
        {
            return null;
        }

        (string earlier, UInt128 expectedThen) = _seen[own];
        return earlier == name || expectedThen == wanted ? null : earlier;
    }

    /// <summary>The fault of a tensor that <see cref="Offer"/> gave another one for.</summary>
    public static string Fault(string earlier) => $"holds the bits of '{earlier}'; expected a tensor of its own";
}
