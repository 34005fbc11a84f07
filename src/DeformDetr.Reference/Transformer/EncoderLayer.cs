using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Reference;

/// <summary>
/// Deformable self-attention over the tokens of all levels, then a feed-forward block. Mirrors DeformableTransformerEncoderLayer.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed partial class EncoderLayer<T>
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
        if (!IsByRows(pass))
        {
            return ForwardWhole(pass, src, pos, referencePoints, levels, paddingMask);
        }

        MSDeformAttnCore.Sampler<T>? value = null;
        return ForwardByRows(pass, src, spent: false, pos, referencePoints, levels, paddingMask, ref value, null);
    }

    /// <summary>Runs layers one after another.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="layers">The layers.</param>
    /// <param name="src">Tokens of all levels. Shape [N, S, C].</param>
    /// <param name="pos">As <see cref="Forward"/>. Shape [N, S, C].</param>
    /// <param name="referencePoints">As <see cref="Forward"/>. Shape [N, S, L, 2].</param>
    /// <param name="levels">The levels' layout.</param>
    /// <param name="paddingMask">True is padding. Shape [N, S].</param>
    /// <param name="inPart">Whether the caller asks for the rows that it reads, so that the last layer may wait for that.</param>
    /// <param name="late">What then makes the rows, as long as src, pos and referencePoints live; null where all are made.</param>
    /// <returns>Shape [N, S, C].</returns>
    internal static Tensor<T> ForwardAll(
        ForwardPass pass, ReadOnlySpan<EncoderLayer<T>> layers, Tensor<T> src, Tensor<T> pos, Tensor<T> referencePoints, LevelLayout levels,
        Tensor<bool> paddingMask, bool inPart, out LateRows? late)
    {
        using BufferScope scope = pass.Scope();
        MSDeformAttnCore.Sampler<T>? value = null;
        late = null;
        for (int index = 0; index < layers.Length; index++)
        {
            EncoderLayer<T> layer = layers[index];
            EncoderLayer<T>? following = index + 1 < layers.Length ? layers[index + 1] : null;

            // What was given, or put in from outside, isn't this pass's to write to.
            bool spent = scope.Owns(src);
            if (inPart && following is null && layer.IsByRows(pass) && !layer.IsOutputTapped(pass))
            {
                late = layer.Late(pass, src, spent, pos, referencePoints, levels, paddingMask, value);
                return scope.Keep(late.Output);
            }

            Tensor<T> next = layer.IsByRows(pass)
                ? layer.ForwardByRows(pass, src, spent, pos, referencePoints, levels, paddingMask, ref value, following)
                : layer.ForwardWhole(pass, src, pos, referencePoints, levels, paddingMask);
            if (!ReferenceEquals(next, src))
            {
                scope.Release(src);
            }

            src = next;
        }

        return scope.Keep(src);
    }

    private Tensor<T> ForwardWhole(
        ForwardPass pass, Tensor<T> src, Tensor<T> pos, Tensor<T> referencePoints, LevelLayout levels, Tensor<bool> paddingMask)
    {
        using BufferScope scope = pass.Scope();

        // self attention
        Tensor<T> query = Add.Forward(pass, src, pos);
        Tensor<T> src2 = _selfAttn.Forward(pass, query, referencePoints, src, levels.SpatialShapes, levels.LevelStartIndex, paddingMask);
        src = pass.Tap($"{_norm1.Name}", _norm1.ForwardSum(pass, src, src2));

        // ffn
        src = _ffn.Forward(pass, src);
        return scope.Keep(pass.Tap($"{_name}", src));
    }

    // Whether the layer can run some rows at a time: nobody listens to what is made inside.
    private bool IsByRows(ForwardPass pass) =>
        _ffn.IsByRows(pass) && !_selfAttn.IsTapped(pass) && !pass.Taps($"{_norm1.Name}");

    private bool IsOutputTapped(ForwardPass pass) => pass.Taps($"{_ffn.OutputName}") || pass.Taps($"{_name}");

    // The same steps, some rows through several of them before the next. spent: nobody reads src afterwards, and what is made takes its
    // place: a row is read by nothing but its own steps once the values are there. value: this layer's, where the layer before has made it (disposed
    // here); then that of the following layer, made from rows that are in the cache, where that layer runs by rows too and nobody may
    // put something else in the place of these.
    private Tensor<T> ForwardByRows(
        ForwardPass pass, Tensor<T> src, bool spent, Tensor<T> pos, Tensor<T> referencePoints, LevelLayout levels, Tensor<bool> paddingMask,
        ref MSDeformAttnCore.Sampler<T>? value, EncoderLayer<T>? following)
    {
        TensorShape s = src.Shape;
        Require(s, pos);
        using BufferScope scope = pass.Scope();
        Tensor<T> output = spent ? src : pass.Rent<T>(s);
        using (MSDeformAttnCore.Sampler<T> sampler = value ?? ValueOf(pass, src, levels, paddingMask))
        {
            Attend(pass, src, pos, referencePoints, levels, sampler, output);
        }

        // ffn; with its weights in the cache there is no room for the values that attention reads, so it has a sweep of its own
        bool goesOn = following is not null && following.IsByRows(pass) && !IsOutputTapped(pass);
        using FeedForward<T>.RowRunner ffn = _ffn.ByRows(pass);
        using MSDeformAttnValueRows<T>? nextValue = goesOn ? following!._selfAttn.ValueByRows(pass, s, levels, paddingMask) : null;
        RowBlocks.Run(pass, s[0] * s[1], (row, rows, scratch) =>
        {
            ffn.Run(output, row, rows, output, row, scratch);
            nextValue?.Run(output, row, rows, scratch);
        });
        value = nextValue?.Sampler;
        return scope.Keep(pass.Tap($"{_name}", pass.Tap($"{_ffn.OutputName}", output)));
    }

    // output = norm1(src + self attention); may be src.
    private void Attend(
        ForwardPass pass, Tensor<T> src, Tensor<T> pos, Tensor<T> referencePoints, LevelLayout levels, MSDeformAttnCore.Sampler<T> sampler,
        Tensor<T> output)
    {
        using BufferScope scope = pass.Scope();
        int channels = src.Shape[2];
        int references = referencePoints.Shape[2] * referencePoints.Shape[3];
        using AttentionRows attention = new(pass, this, src.Shape, referencePoints.Shape, levels, sampler);
        RowBlocks.Run(pass, src.Length / channels, (row, rows, scratch) => attention.Run(
            RowBlocks.Of(src, channels, row, rows), RowBlocks.Of(pos, channels, row, rows),
            RowBlocks.Of(referencePoints, references, row, rows), row, RowBlocks.Of(output, channels, row, rows), scratch));
    }

    private LateRows Late(
        ForwardPass pass, Tensor<T> src, bool spent, Tensor<T> pos, Tensor<T> referencePoints, LevelLayout levels, Tensor<bool> paddingMask,
        MSDeformAttnCore.Sampler<T>? value)
    {
        Require(src.Shape, pos);
        return new LateRows(
            pass, this, src, spent ? src : pass.Rent<T>(src.Shape), pos, referencePoints, levels,
            value ?? ValueOf(pass, src, levels, paddingMask));
    }

    private static void Require(TensorShape s, Tensor<T> pos) =>
        ShapeGuard.Require("encoder layer", "pos", pos.Shape, "[N, S, C]", s[0], s[1], s[2]);

    private MSDeformAttnCore.Sampler<T> ValueOf(ForwardPass pass, Tensor<T> src, LevelLayout levels, Tensor<bool> paddingMask)
    {
        using BufferScope scope = pass.Scope();
        using MSDeformAttnValueRows<T> value = _selfAttn.ValueByRows(pass, src.Shape, levels, paddingMask);
        RowBlocks.Run(pass, src.Length / src.Shape[2], (row, rows, scratch) => value.Run(src, row, rows, scratch));
        return value.Sampler;
    }

    // norm1(src + self attention) of rows, made ready for any thread.
    private sealed class AttentionRows(
        ForwardPass pass, EncoderLayer<T> layer, TensorShape src, TensorShape referencePoints, LevelLayout levels,
        MSDeformAttnCore.Sampler<T> value) : IDisposable
    {
        private readonly Tensor<T> _attended = RowBlocks.Scratch<T>(pass, src[2]);
        private readonly MSDeformAttnRows<T> _selfAttn = layer._selfAttn.ByRows(pass, value, src, referencePoints, levels.SpatialShapes);

        // As MSDeformAttnRows.Run; output may be src.
        public void Run(
            ReadOnlySpan<T> src, ReadOnlySpan<T> pos, ReadOnlySpan<T> referencePoints, int row, Span<T> output, int scratch)
        {
            _selfAttn.Run(src, pos, referencePoints, row, _attended, scratch, scratch);
            int channels = _attended.Shape[1];
            layer._norm1.SumOfRows(src, RowBlocks.Of(_attended, channels, scratch, src.Length / channels), output);
        }

        public void Dispose() => _selfAttn.Dispose();
    }
}
