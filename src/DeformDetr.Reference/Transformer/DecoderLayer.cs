using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Reference;

/// <summary>
/// Self-attention among the queries, deformable attention to the memory, then a feed-forward block; norm2 stands after the first, norm1
/// after the second. Mirrors DeformableTransformerDecoderLayer.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class DecoderLayer<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly MultiHeadAttention<T> _selfAttn;
    private readonly MSDeformAttn<T> _crossAttn;
    private readonly LayerNormLayer<T> _norm1;
    private readonly LayerNormLayer<T> _norm2;
    private readonly FeedForward<T> _ffn;

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="name">The module's path.</param>
    /// <param name="config">Sizes.</param>
    public DecoderLayer(IWeights<T> weights, string name, DeformableDetrConfig config)
    {
        Name = name;
        _crossAttn = new MSDeformAttn<T>(
            weights, $"{name}.cross_attn", config.HiddenDim, config.NumFeatureLevels, config.Nheads, config.DecNPoints);
        _norm1 = new LayerNormLayer<T>(weights, $"{name}.norm1", config.HiddenDim);
        _selfAttn = new MultiHeadAttention<T>(weights, $"{name}.self_attn", config.HiddenDim, config.Nheads);
        _norm2 = new LayerNormLayer<T>(weights, $"{name}.norm2", config.HiddenDim);
        _ffn = new FeedForward<T>(weights, name, "norm3", config);
    }

    /// <summary>The module's path.</summary>
    public string Name { get; }

    /// <summary>Runs the layer.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="tgt">What the queries have gathered. Shape [N, Q, C].</param>
    /// <param name="queryPos">The queries' positional part. Shape [N, Q, C].</param>
    /// <param name="referencePointsInput">(x, y) or (cx, cy, w, h), fractions of each padded level. Shape [N, Q, L, 2 or 4].</param>
    /// <param name="memory">The encoder's output. Shape [N, S, C].</param>
    /// <param name="levels">The levels' layout.</param>
    /// <param name="paddingMask">True is padding. Shape [N, S].</param>
    /// <returns>Shape [N, Q, C].</returns>
    public Tensor<T> Forward(
        ForwardPass pass, Tensor<T> tgt, Tensor<T> queryPos, Tensor<T> referencePointsInput, Tensor<T> memory, LevelLayout levels,
        Tensor<bool> paddingMask) =>
        Forward(pass, tgt, queryPos, referencePointsInput, memory, null, levels, paddingMask);

    // wanted: makes rows of memory that are going to be read; null where all are there.
    internal Tensor<T> Forward(
        ForwardPass pass, Tensor<T> tgt, Tensor<T> queryPos, Tensor<T> referencePointsInput, Tensor<T> memory, RowsWanted? wanted,
        LevelLayout levels, Tensor<bool> paddingMask)
    {
        using BufferScope scope = pass.Scope();

        // self attention: positions are added to query and key, not to the value
        Tensor<T> q = Add.Forward(pass, tgt, queryPos);
        Tensor<T> tgt2 = pass.Tap($"{Name}.self_attn", _selfAttn.Forward(pass, q, q, tgt));
        tgt = pass.Tap($"{_norm2.Name}", _norm2.ForwardSum(pass, tgt, tgt2));

        // cross attention
        q = Add.Forward(pass, tgt, queryPos);
        tgt2 = _crossAttn.Forward(pass, q, referencePointsInput, memory, wanted, levels.SpatialShapes, levels.LevelStartIndex, paddingMask);
        tgt = pass.Tap($"{_norm1.Name}", _norm1.ForwardSum(pass, tgt, tgt2));

        // ffn
        tgt = _ffn.Forward(pass, tgt);
        return scope.Keep(pass.Tap($"{Name}", tgt));
    }

    internal bool IsReadInPart(ForwardPass pass, int queries, int tokens) => _crossAttn.IsReadInPart(pass, queries, tokens);
}
