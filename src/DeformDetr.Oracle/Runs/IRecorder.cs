using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Takes what a case computes: what is tapped, and what its target gives back.
internal interface IRecorder : ITapSink
{
    void Add(string name, Tensor tensor);
}
