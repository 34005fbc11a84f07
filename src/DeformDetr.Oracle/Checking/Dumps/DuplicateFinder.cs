using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>
/// Finds tensors of a dump that hold the bits of another one: a dump script that kept a reference to one buffer. Tensors that are equal in
/// the model too (a layer's output and its last norm) may be equal in the dump. Keeps a hash of each tensor, not the tensor.
/// </summary>
internal sealed class DuplicateFinder(OperatorContext? context = null)
{
    private readonly Dictionary<UInt128, List<(string Name, UInt128 Expected)>> _seen = [];
    private readonly Dictionary<string, UInt128> _own = new(StringComparer.Ordinal);

    /// <summary>Takes a tensor in; the name of an earlier one that it may not equal but does, or null.</summary>
    /// <param name="name">The contract's name; each comes once.</param>
    /// <param name="port">The port's tensor, in the contract's layout. Shape [..].</param>
    /// <param name="expected">The same tensor of the free run: inputs that are duplicates would make equal what isn't. Shape as
    /// the port's.</param>
    public string? Offer(string name, Tensor port, Tensor expected)
    {
        if (port.Length == 0)
        {
            return null;
        }

        UInt128 own = TensorHash.Of(port, context);
        _own.Add(name, own);
        if (!_seen.TryGetValue(own, out List<(string Name, UInt128 Expected)>? alike))
        {
            _seen.Add(own, alike = []);
        }

        // Some elements tell tensors of the model apart; that a dump's are the same bits is said of all of them.
        alike.Add((name, TensorHash.OfSome(expected)));
        return Twin(name);
    }

    /// <summary>The first of all tensors so far that has the bits of this one but may not have them; null for none.</summary>
    /// <param name="name">The name of a tensor that was offered, or of none.</param>
    public string? Twin(string name)
    {
        if (!_own.TryGetValue(name, out UInt128 own))
        {
            return null;
        }

        UInt128 expected = _seen[own].Find(other => other.Name == name).Expected;
        return _seen[own].Find(other => other.Expected != expected).Name;
    }

    /// <summary>The fault of a tensor that <see cref="Offer"/> or <see cref="Twin"/> gave another one for.</summary>
    public static ValueFault Fault(string other) => new($"holds the bits of '{other}'; expected a tensor of its own", IsBuffer: true);
}
