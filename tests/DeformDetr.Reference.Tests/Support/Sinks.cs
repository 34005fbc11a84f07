using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests;

// Keeps copies of the tensors it is asked for, in the order of computation.
internal sealed class RecordingSink(Func<string, bool>? wants = null) : ITapSink
{
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);

    public List<string> Names { get; } = [];

    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors;

    public Tensor<T> Of<T>(string name)
        where T : unmanaged => (Tensor<T>)_tensors[name];

    public bool Wants(string name) => wants?.Invoke(name) ?? true;

    public Tensor<T> See<T>(string name, Tensor<T> tensor)
        where T : unmanaged
    {
        Assert.Equal(name, tensor.Name);
        Names.Add(name);
        Assert.True(_tensors.TryAdd(name, tensor.Clone()), $"{name} was tapped twice");
        return tensor;
    }
}

// Puts other tensors in the place of some, and records what is gone on with, of all that it is asked for.
internal sealed class ReplacingSink(Func<string, Tensor, Tensor?> replace, Func<string, bool>? wants = null) : ITapSink
{
    private readonly Dictionary<string, Tensor> _given = new(StringComparer.Ordinal);

    public RecordingSink Record { get; } = new();

    public bool Wants(string name) => wants?.Invoke(name) ?? true;

    public Tensor<T> See<T>(string name, Tensor<T> tensor)
        where T : unmanaged
    {
        Tensor<T> next = (Tensor<T>?)replace(name, tensor) ?? tensor;
        if (next.Shape == tensor.Shape)
        {
            if (!ReferenceEquals(next, tensor))
            {
                _given[name] = next;
            }

            Tensor<T> copy = next.Clone();
            copy.Name = name;
            Record.See(name, copy);
        }

        return next;
    }

    // What was put in is the sink's: the run may read it, not write to it.
    public void RequireUntouched()
    {
        foreach ((string name, Tensor given) in _given)
        {
            Expect.SameBits(Record.Of<float>(name), (Tensor<float>)given, $"what was put in the place of {name}");
        }
    }
}
