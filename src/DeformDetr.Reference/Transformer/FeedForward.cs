using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Reference;

/// <summary>norm(x + linear2(activation(linear1(x)))): the second half of every layer.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class FeedForward<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly LinearLayer<T> _linear1;
    private readonly LinearLayer<T> _linear2;
    private readonly LayerNormLayer<T> _norm;
    private readonly Activation _activation;

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="layer">The layer's path.</param>
    /// <param name="norm">The norm's name in the layer: norm2 in the encoder, norm3 in the decoder.</param>
    /// <param name="config">Widths and activation.</param>
    public FeedForward(IWeights<T> weights, string layer, string norm, DeformableDetrConfig config)
    {
        _linear1 = new LinearLayer<T>(weights, $"{layer}.linear1", config.HiddenDim, config.DimFeedforward);
        _linear2 = new LinearLayer<T>(weights, $"{layer}.linear2", config.DimFeedforward, config.HiddenDim);
        _norm = new LayerNormLayer<T>(weights, $"{layer}.{norm}", config.HiddenDim);
        _activation = config.Activation;
    }

    /// <summary>Runs the block.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="x">Shape [N, S, C].</param>
    /// <returns>Shape [N, S, C].</returns>
    public Tensor<T> Forward(ForwardPass pass, Tensor<T> x)
    {
        using BufferScope scope = pass.Scope();
        Tensor<T> hidden = pass.Tap($"{_linear1.Name}", _linear1.Forward(pass, x));
        Tensor<T> active = _activation == Activation.Gelu ? Gelu.Forward(pass, hidden) : Relu.Forward(pass, hidden);
        Tensor<T> x2 = pass.Tap($"{_linear2.Name}", _linear2.Forward(pass, active));
        return scope.Keep(pass.Tap($"{_norm.Name}", _norm.ForwardSum(pass, x, x2)));
    }
}
