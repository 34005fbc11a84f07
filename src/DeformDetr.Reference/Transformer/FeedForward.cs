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
        if (IsByRows(pass))
        {
            return pass.Tap($"{_norm.Name}", ForwardByRows(pass, x));
        }

        using BufferScope scope = pass.Scope();
        Tensor<T> hidden = pass.Tap($"{_linear1.Name}", _linear1.Forward(pass, x));
        Tensor<T> active = _activation == Activation.Gelu ? Gelu.Forward(pass, hidden) : Relu.Forward(pass, hidden);
        Tensor<T> x2 = pass.Tap($"{_linear2.Name}", _linear2.Forward(pass, active));
        return scope.Keep(pass.Tap($"{_norm.Name}", _norm.ForwardSum(pass, x, x2)));
    }

    // Whether the block can run some rows at a time: nobody listens to what is made inside.
    internal bool IsByRows(ForwardPass pass) =>
        pass.Kernels == Kernels.Simd && _activation == Activation.Relu && !pass.Taps($"{_linear1.Name}") && !pass.Taps($"{_linear2.Name}");

    // The norm's name, which is that of the block's output too.
    internal string OutputName => _norm.Name;

    // The block made ready for rows on any thread. Its memory belongs to the innermost scope, and to the caller.
    internal RowRunner ByRows(ForwardPass pass) => new(pass, this);

    // Some rows through all steps before the next: the hidden layer never leaves the cache.
    private Tensor<T> ForwardByRows(ForwardPass pass, Tensor<T> x)
    {
        using BufferScope scope = pass.Scope();
        Tensor<T> output = pass.Rent<T>(x.Shape);
        using RowRunner runner = ByRows(pass);
        RowBlocks.Run(pass, x.Length / x.Shape[^1], (row, rows, scratch) => runner.Run(x, row, rows, output, row, scratch));
        return scope.Keep(output);
    }

    internal sealed class RowRunner : IDisposable
    {
        private readonly LayerNormLayer<T> _norm;
        private readonly PackedLinear<T> _linear1;
        private readonly PackedLinear<T> _linear2;
        private readonly Tensor<T> _x2;

        public RowRunner(ForwardPass pass, FeedForward<T> block)
        {
            _norm = block._norm;
            _linear1 = block._linear1.Pack(pass);
            _linear2 = block._linear2.Pack(pass);
            _x2 = RowBlocks.Scratch<T>(pass, block._linear2.Weight.Shape[0]);
        }

        public void Run(Tensor<T> x, int xRow, int rows, Tensor<T> output, int outputRow, int scratch)
        {
            int channels = x.Shape[^1];
            _linear1.RowsThrough(_linear2, x, xRow, rows, _x2, scratch);
            _norm.SumOfRows(
                RowBlocks.Of(x, channels, xRow, rows), RowBlocks.Of(_x2, channels, scratch, rows),
                RowBlocks.Of(output, channels, outputRow, rows));
        }

        public void Dispose()
        {
            _linear1.Dispose();
            _linear2.Dispose();
        }
    }
}
