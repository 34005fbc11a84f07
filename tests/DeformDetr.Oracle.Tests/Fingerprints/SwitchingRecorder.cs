using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Fingerprints;

/// <summary>Hands everything to another recorder, which may be exchanged between two runs of one pass.</summary>
internal sealed class SwitchingRecorder(IRecorder inner) : IRecorder
{
    public IRecorder Inner { get; set; } = inner;

    public bool Wants(string name) => Inner.Wants(name);

    public Tensor<T> See<T>(string name, Tensor<T> tensor)
        where T : unmanaged => Inner.See(name, tensor);

    public void Add(string name, Tensor tensor) => Inner.Add(name, tensor);
}
