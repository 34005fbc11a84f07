using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Reference;

/// <summary>Linear layers with ReLU between them (not after the last): the box heads. Mirrors MLP in models/deformable_detr.py.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class Mlp<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly LinearLayer<T>[] _layers;

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="name">The module's path.</param>
    /// <param name="inputs">Width that comes in.</param>
    /// <param name="hidden">Width between the layers.</param>
    /// <param name="outputs">Width that goes out.</param>
    /// <param name="layers">How many linear layers.</param>
    public Mlp(IWeights<T> weights, string name, int inputs, int hidden, int outputs, int layers)
    {
        Name = name;
        _layers = new LinearLayer<T>[layers];
        for (int layer = 0; layer < layers; layer++)
        {
            _layers[layer] = new LinearLayer<T>(
                weights, $"{name}.layers.{layer}", layer == 0 ? inputs : hidden, layer == layers - 1 ? outputs : hidden);
        }
    }

    /// <summary>The module's path.</summary>
    public string Name { get; }

    /// <summary>Runs the layers.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="input">Shape [.., I].</param>
    /// <returns>Shape [.., O].</returns>
    public Tensor<T> Forward(ForwardPass pass, Tensor<T> input)
    {
        using BufferScope scope = pass.Scope();
        Tensor<T> x = input;
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            x = pass.Tap($"{Name}.layers.{layer}", _layers[layer].Forward(pass, x));
            if (layer < _layers.Length - 1)
            {
                x = Relu.Forward(pass, x);
            }
        }

        return scope.Keep(pass.Tap($"{Name}", x));
    }
}
