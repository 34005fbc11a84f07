using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Reference;

/// <summary>
/// Deformable self-attention over the tokens of all levels, then a feed-forward block. Mirrors DeformableTransformerEncoderLayer.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class EncoderLayer<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly string _name;
    private readonly MSDeformAttn<T> _selfAttn;
    private readonly LayerNormLayer<T> _norm1;
    private readonly FeedForward<T> _ffn;

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="name">The module's path.</param>
    /// <param name="config">Sizes.</param>
    public EncoderLayer(IWeights<T> weights, string name, DeformableDetrConfig config)
    {
        _name = name;
        _selfAttn = new MSDeformAttn<T>(
            weights, $"{name}.self_attn", config.HiddenDim, config.NumFeatureLevels, config.Nheads, config.EncNPoints);
        _norm1 = new LayerNormLayer<T>(weights, $"{name}.norm1", config.HiddenDim);
        _ffn = new FeedForward<T>(weights, name, "norm2", config);
    }

    /// <summary>Runs the layer.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="src">Tokens of all levels. Shape [N, S, C].</param>
    /// <param name="pos">Positions, level embedding included. Shape [N, S, C].</param>
    /// <param name="referencePoints">(x, y), fractions of each padded level. Shape [N, S, L, 2].</param>
    /// <param name="levels">The levels' layout.</param>
    /// <param name="paddingMask">True is padding. Shape [N, S].</param>
    /// <returns>Shape [N, S, C].</returns>
    public Tensor<T> Forward(
        ForwardPass pass, Tensor<T> src, Tensor<T> pos, Tensor<T> referencePoints, LevelLayout levels, Tensor<bool> paddingMask)
    {
        using BufferScope scope = pass.Scope();

        // self attention
        if (pass.Kernels == Kernels.Simd && !_selfAttn.IsTapped(pass))
        {
            src = _selfAttn.ForwardByRows(pass, src, pos, referencePoints, levels, paddingMask, _norm1);
        }
        else
        {
            Tensor<T> query = Add.Forward(pass, src, pos);
            Tensor<T> src2 = _selfAttn.Forward(
                pass, query, referencePoints, src, levels.SpatialShapes, levels.LevelStartIndex, paddingMask);
            src = _norm1.ForwardSum(pass, src, src2);
        }

        src = pass.Tap($"{_norm1.Name}", src);

        // ffn
        src = _ffn.Forward(pass, src);
        return scope.Keep(pass.Tap($"{_name}", src));
    }
}
