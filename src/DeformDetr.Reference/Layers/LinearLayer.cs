using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Reference;

/// <summary>torch.nn.Linear: y = x · weightᵀ + bias.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class LinearLayer<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="name">The module's path.</param>
    /// <param name="inputs">Width of the rows that come in.</param>
    /// <param name="outputs">Width of the rows that go out.</param>
    public LinearLayer(IWeights<T> weights, string name, int inputs, int outputs)
    {
        Name = name;
        Weight = weights.Take($"{name}.weight", [outputs, inputs]);
        Bias = weights.Take($"{name}.bias", [outputs]);
    }

    /// <summary>The module's path.</summary>
    public string Name { get; }

    /// <summary>Shape [O, I].</summary>
    public Tensor<T> Weight { get; }

    /// <summary>Shape [O].</summary>
    public Tensor<T> Bias { get; }

    /// <summary>Maps every row.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="input">Shape [.., I].</param>
    /// <returns>Shape [.., O].</returns>
    public Tensor<T> Forward(OperatorContext pass, Tensor<T> input) => Linear.Forward(pass, input, Weight, Bias);

    /// <summary>The layer made ready for small groups of rows on any thread.</summary>
    /// <param name="pass">The run.</param>
    internal PackedLinear<T> Pack(OperatorContext pass) => new(pass, Weight, Bias);
}
