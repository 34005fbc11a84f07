using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Keeps copies of the tensors whose names are wanted, in the order in which they were computed.
internal sealed class Recorder(Func<string, bool> wants) : IRecorder
{
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    private readonly List<string> _order = [];

    public IReadOnlyList<string> Order => _order;

    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    public bool Wants(string name) => wants(name);

    public Tensor<T> See<T>(string name, Tensor<T> tensor)
        where T : unmanaged
    {
        Add(name, tensor.Clone());
        return tensor;
    }

    public void Add(string name, Tensor tensor)
    {
        if (_tensors.TryAdd(name, tensor))
        {
            _order.Add(name);
        }
    }
}
