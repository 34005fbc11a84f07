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
    private readonly FrozenNorm<T> _norm;

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
        _norm = new FrozenNorm<T>(
            weights.Take($"{normName}.weight", [outputs]), weights.Take($"{normName}.bias", [outputs]),
            weights.Take($"{normName}.running_mean", [outputs]), weights.Take($"{normName}.running_var", [outputs]));
    }

    /// <summary>Convolves, normalises, adds a residual where there is one and, if asked, keeps the positive part.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="input">Shape [N, C, H, W].</param>
    /// <param name="residual">Null for none. Shape [N, O, Ho, Wo].</param>
    /// <param name="relu">Whether a ReLU follows.</param>
    /// <param name="spent">True: nobody reads the residual afterwards, and the result may take its place.</param>
    /// <returns>Shape [N, O, Ho, Wo]; the residual itself where it was replaced.</returns>
    public Tensor<T> Forward(ForwardPass pass, Tensor<T> input, Tensor<T>? residual, bool relu, bool spent = false)
    {
        if (!IsTapped(pass))
        {
            return Conv2d.ForwardNormed(pass, input, _weight, _window, _norm, residual, relu, spent);
        }

        using BufferScope scope = pass.Scope();
        Tensor<T> convolved = pass.Tap($"{_convName}", Conv2d.Forward(pass, input, _weight, null, _window));
        Tensor<T> y = pass.Tap(
            $"{_normName}",
            FrozenBatchNorm.Forward(pass, convolved, _norm.Weight, _norm.Bias, _norm.RunningMean, _norm.RunningVar));
        y = residual is null ? y : Add.Forward(pass, y, residual);
        return scope.Keep(relu ? Relu.Forward(pass, y) : y);
    }

    /// <summary>Whether somebody listens to a tensor that the fused kernel doesn't make.</summary>
    /// <param name="pass">The run.</param>
    public bool IsTapped(ForwardPass pass) => pass.Taps($"{_convName}") || pass.Taps($"{_normName}");
}
