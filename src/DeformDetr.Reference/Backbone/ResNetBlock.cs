using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Reference;

/// <summary>A residual block of torchvision's ResNet (basic or bottleneck, the stride on the 3×3 convolution).</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class ResNetBlock<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly string _name;
    private readonly ConvNorm<T>[] _convolutions;
    private readonly ConvNorm<T>? _downsample;

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="name">The module's path.</param>
    /// <param name="spec">Which ResNet.</param>
    /// <param name="inputs">Channels in.</param>
    /// <param name="planes">Planes of the layer; a bottleneck puts out four times as many.</param>
    /// <param name="stride">1 or 2.</param>
    /// <param name="dilation">Of the 3×3 convolution.</param>
    public ResNetBlock(IWeights<T> weights, string name, BackboneSpec spec, int inputs, int planes, int stride, int dilation)
    {
        _name = name;
        int outputs = planes * spec.Expansion;
        if (spec.Block == ResidualBlock.Bottleneck)
        {
            int width = planes * spec.WidthPerGroup / 64 * spec.Groups;
            _convolutions =
            [
                new ConvNorm<T>(weights, $"{name}.conv1", $"{name}.bn1", inputs, width, 1, new Conv2dWindow()),
                new ConvNorm<T>(
                    weights, $"{name}.conv2", $"{name}.bn2", width, width, 3, new Conv2dWindow(stride, dilation, dilation, spec.Groups)),
                new ConvNorm<T>(weights, $"{name}.conv3", $"{name}.bn3", width, outputs, 1, new Conv2dWindow()),
            ];
        }
        else
        {
            _convolutions =
            [
                new ConvNorm<T>(weights, $"{name}.conv1", $"{name}.bn1", inputs, planes, 3, new Conv2dWindow(stride, 1)),
                new ConvNorm<T>(weights, $"{name}.conv2", $"{name}.bn2", planes, planes, 3, new Conv2dWindow(1, 1)),
            ];
        }

        if (stride != 1 || inputs != outputs)
        {
            _downsample = new ConvNorm<T>(
                weights, $"{name}.downsample.0", $"{name}.downsample.1", inputs, outputs, 1, new Conv2dWindow(stride));
        }
    }

    /// <summary>relu(convolutions(x) + x), x downsampled where the shape changes.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="input">Shape [N, C, H, W].</param>
    /// <param name="spent">True: nobody reads the input afterwards, and the result may take its place.</param>
    /// <returns>Shape [N, C′, H′, W′]; the input itself where it was replaced.</returns>
    public Tensor<T> Forward(ForwardPass pass, Tensor<T> input, bool spent = false)
    {
        using BufferScope scope = pass.Scope();
        Tensor<T> x = input;
        foreach (ConvNorm<T> convolution in _convolutions.AsSpan(..^1))
        {
            Tensor<T> next = convolution.Forward(pass, x, null, relu: true);
            scope.Release(x);
            x = next;
        }

        // The last convolution takes the residual with it; heard tensors keep the original's order, in which that comes first.
        ConvNorm<T> last = _convolutions[^1];
        Tensor<T> output;
        if (last.IsTapped(pass))
        {
            Tensor<T> normed = last.Forward(pass, x, null, relu: false);
            output = Relu.Forward(pass, Add.Forward(pass, normed, Identity(pass, input)));
        }
        else
        {
            Tensor<T> identity = Identity(pass, input);
            output = last.Forward(pass, x, identity, relu: true, ReferenceEquals(identity, input) ? spent : scope.Owns(identity));
        }

        return scope.Keep(pass.Tap($"{_name}", output));
    }

    private Tensor<T> Identity(ForwardPass pass, Tensor<T> input) => _downsample?.Forward(pass, input, null, relu: false) ?? input;
}
