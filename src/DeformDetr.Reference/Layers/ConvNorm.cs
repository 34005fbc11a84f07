using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Reference;

/// <summary>A convolution without bias and the frozen batch norm behind it: the unit that a ResNet is made of.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class ConvNorm<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly string _convName;
    private readonly string _normName;
    private readonly Conv2dWindow _window;
    private readonly Tensor<T> _weight;
    private readonly Tensor<T> _normWeight;
    private readonly Tensor<T> _normBias;
    private readonly Tensor<T> _runningMean;
    private readonly Tensor<T> _runningVar;

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="convName">The convolution's path.</param>
    /// <param name="normName">The norm's path.</param>
    /// <param name="inputs">Channels in.</param>
    /// <param name="outputs">Channels out.</param>
    /// <param name="kernel">Side of the kernel.</param>
    /// <param name="window">Stride, padding, dilation, groups.</param>
    public ConvNorm(IWeights<T> weights, string convName, string normName, int inputs, int outputs, int kernel, Conv2dWindow window)
    {
        _convName = convName;
        _normName = normName;
        _window = window;
        _weight = weights.Take($"{convName}.weight", [outputs, inputs / window.Groups, kernel, kernel]);
        _normWeight = weights.Take($"{normName}.weight", [outputs]);
        _normBias = weights.Take($"{normName}.bias", [outputs]);
        _runningMean = weights.Take($"{normName}.running_mean", [outputs]);
        _runningVar = weights.Take($"{normName}.running_var", [outputs]);
    }

    /// <summary>Convolves, normalises and, if asked, keeps the positive part.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="input">Shape [N, C, H, W].</param>
    /// <param name="relu">Whether a ReLU follows.</param>
    /// <returns>Shape [N, O, Ho, Wo].</returns>
    public Tensor<T> Forward(ForwardPass pass, Tensor<T> input, bool relu)
    {
        using BufferScope scope = pass.Scope();
        Tensor<T> convolved = pass.Tap($"{_convName}", Conv2d.Forward(pass, input, _weight, null, _window));
        Tensor<T> normed = pass.Tap(
            $"{_normName}", FrozenBatchNorm.Forward(pass, convolved, _normWeight, _normBias, _runningMean, _runningVar));
        return scope.Keep(relu ? Relu.Forward(pass, normed) : normed);
    }
}
