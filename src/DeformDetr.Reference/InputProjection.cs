using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Reference;

/// <summary>
/// From a backbone map to the transformer's width: a convolution and a GroupNorm of 32 groups. Mirrors DeformableDETR.input_proj.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class InputProjection<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int Groups = 32;

    private readonly string _name;
    private readonly Conv2dWindow _window;
    private readonly Tensor<T> _weight;
    private readonly Tensor<T> _bias;
    private readonly Tensor<T> _normWeight;
    private readonly Tensor<T> _normBias;

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="name">The module's path.</param>
    /// <param name="inputs">Channels in.</param>
    /// <param name="outputs">C.</param>
    /// <param name="downsamples">True: 3×3, stride 2, padding 1. False: 1×1.</param>
    public InputProjection(IWeights<T> weights, string name, int inputs, int outputs, bool downsamples)
    {
        int kernel = downsamples ? 3 : 1;
        _name = name;
        _window = downsamples ? new Conv2dWindow(2, 1) : new Conv2dWindow();
        _weight = weights.Take($"{name}.0.weight", [outputs, inputs, kernel, kernel]);
        _bias = weights.Take($"{name}.0.bias", [outputs]);
        _normWeight = weights.Take($"{name}.1.weight", [outputs]);
        _normBias = weights.Take($"{name}.1.bias", [outputs]);
    }

    /// <summary>Projects.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="input">Shape [N, I, H, W].</param>
    /// <returns>Shape [N, C, H′, W′].</returns>
    public Tensor<T> Forward(ForwardPass pass, Tensor<T> input)
    {
        using BufferScope scope = pass.Scope();
        Tensor<T> convolved = pass.Tap($"{_name}.0", Conv2d.Forward(pass, input, _weight, _bias, _window));
        return scope.Keep(pass.Tap($"{_name}.1", GroupNorm.Forward(pass, convolved, Groups, _normWeight, _normBias)));
    }
}
