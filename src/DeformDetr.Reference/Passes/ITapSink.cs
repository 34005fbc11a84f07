using DeformDetr.Tensors;

namespace DeformDetr.Reference;

/// <summary>
/// Something that listens to a run: it sees the named tensors in the order of computation, and may put others in their place.
/// </summary>
public interface ITapSink
{
    /// <summary>Whether <see cref="See{T}"/> should be called for a name. Never changes the bits of the run.</summary>
    /// <param name="name">A name of golden-contract.md, section 1.</param>
    bool Wants(string name);

    /// <summary>Shows a tensor. Its buffer is used again later in the run: a sink that keeps it copies it.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="name">The tensor's name.</param>
    /// <param name="tensor">The tensor. Shape [..], the one that docs/shapes.md has for the name.</param>
    /// <returns>The tensor to go on with: the same, or another of the same shape.</returns>
    Tensor<T> See<T>(string name, Tensor<T> tensor)
        where T : unmanaged;
}
