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
        if (pass.Kernels == Kernels.Simd && _activation == Activation.Relu && !IsTapped(pass))
        {
            return pass.Tap($"{_norm.Name}", ForwardByRows(pass, x));
        }

        using BufferScope scope = pass.Scope();
        Tensor<T> hidden = pass.Tap($"{_linear1.Name}", _linear1.Forward(pass, x));
        Tensor<T> active = _activation == Activation.Gelu ? Gelu.Forward(pass, hidden) : Relu.Forward(pass, hidden);
        Tensor<T> x2 = pass.Tap($"{_linear2.Name}", _linear2.Forward(pass, active));
        return scope.Keep(pass.Tap($"{_norm.Name}", _norm.ForwardSum(pass, x, x2)));
    }

    private bool IsTapped(ForwardPass pass) => pass.Taps($"{_linear1.Name}") || pass.Taps($"{_linear2.Name}");

    // Some rows through all steps before the next: the hidden layer never leaves the cache.
    private Tensor<T> ForwardByRows(ForwardPass pass, Tensor<T> x)
    {
        using BufferScope scope = pass.Scope();
        int channels = x.Shape[^1];
        Tensor<T> output = pass.Rent<T>(x.Shape);
        Tensor<T> hidden = RowBlocks.Scratch<T>(pass, _linear1.Weight.Shape[0]);
        Tensor<T> x2 = RowBlocks.Scratch<T>(pass, channels);
        using PackedLinear<T> linear1 = _linear1.Pack(pass, relu: true);
        using PackedLinear<T> linear2 = _linear2.Pack(pass);
        RowBlocks.Run(pass, x.Length / channels, (row, rows, scratch) =>
        {
            linear1.Rows(x, row, rows, hidden, scratch);
            linear2.Rows(hidden, scratch, rows, x2, scratch);
            _norm.SumOfRows(
                x.AsReadOnlySpan().Slice(row * channels, rows * channels), x2.AsSpan().Slice(scratch * channels, rows * channels),
                output.AsSpan().Slice(row * channels, rows * channels));
        });
        return scope.Keep(output);
    }
}
