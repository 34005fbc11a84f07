using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Keeps the fingerprints of the tensors whose names are wanted, in the order in which they were computed; holds no tensor.
internal sealed class FingerprintRecorder(Func<string, bool> wants) : IRecorder
{
    private readonly List<TensorFingerprint> _tensors = [];
    private readonly Dictionary<string, string> _hashes = new(StringComparer.Ordinal);

    public IReadOnlyList<TensorFingerprint> Tensors => _tensors;

    public bool Wants(string name) => wants(name);

    public Tensor<T> See<T>(string name, Tensor<T> tensor)
        where T : unmanaged
    {
        Add(name, tensor);
        return tensor;
    }

    // What a target gives back comes here whether or not it was asked for.
    public void Add(string name, Tensor tensor)
    {
        if (!wants(name))
        {
            return;
        }

        string hash = Convert.ToHexStringLower(Fingerprint.OfTensor(name, tensor));
        if (_hashes.TryAdd(name, hash))
        {
            _tensors.Add(new TensorFingerprint(name, hash));
        }
        else if (_hashes[name] != hash)
        {
            throw new InvalidOperationException($"fingerprints: {name} was computed twice with other bits; expected one tensor of a name.");
        }
    }
}
