using DeformDetr.Tensors;

namespace DeformDetr.Reference;

/// <summary>Named tensors as a checkpoint holds them. The model does not know files; whoever reads them shows them like this.</summary>
public interface IWeightStore
{
    /// <summary>What the tensors come from, for error messages: a file's name.</summary>
    string Source { get; }

    /// <summary>The names, as stored.</summary>
    IEnumerable<string> Names { get; }

    /// <summary>The shape of a tensor.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    TensorShape ShapeOf(string name);

    /// <summary>The tensor, half precision widened.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    Tensor Read(string name);

    /// <summary>What a person looks for in the file: the stored name where it is another.</summary>
    /// <param name="name">A name, whether it is among <see cref="Names"/> or not.</param>
    string StoredAs(string name) => name;

    /// <summary>Stored names that are nobody's.</summary>
    IEnumerable<string> Unexpected => [];

    /// <summary>What is wrong with single tensors, each as <c>NAME holds what, expected what</c>.</summary>
    IEnumerable<string> Wrong => [];
}
