using System.Numerics;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests;

// Weights by the recipe, but for those that a test sets itself; remembers what was taken, under canonical names.
internal sealed class MadeWeights<T>(bool withBoxRefine = false, ulong seed = 11) : IWeights<T>, INamedWeights
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly RecipeWeights<T> _recipe = new(seed, withBoxRefine);

    public Dictionary<string, Tensor<T>> Taken { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, Func<TensorShape, Tensor<T>>> Set { get; } = new(StringComparer.Ordinal);

    public Tensor<T> Take(string name, TensorShape shape)
    {
        string canonical = WeightNames.Canonical(name, withBoxRefine);
        if (!Taken.TryGetValue(canonical, out Tensor<T>? tensor))
        {
            tensor = Set.TryGetValue(name, out Func<TensorShape, Tensor<T>>? make) ? make(shape) : _recipe.Take(name, shape);
            Taken.Add(canonical, tensor);
        }

        Assert.Equal(shape, tensor.Shape);
        return tensor;
    }

    public double[] this[string name] => Taken[WeightNames.Canonical(name, withBoxRefine)].Doubles();
}
