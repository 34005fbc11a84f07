using System.Numerics;
using DeformDetr.Tensors;

namespace DeformDetr.Reference;

/// <summary>Where a model's layers take their weights from, by the names of the original's state_dict.</summary>
/// <typeparam name="T">float or double.</typeparam>
public interface IWeights<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>One weight. The same name may be taken more than once (shared heads).</summary>
    /// <param name="name">The canonical name (golden-contract.md, section 3).</param>
    /// <param name="shape">The shape that the layer needs.</param>
    Tensor<T> Take(string name, TensorShape shape);
}
