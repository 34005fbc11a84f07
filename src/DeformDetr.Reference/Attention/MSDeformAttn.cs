using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Reference;

/// <summary>
/// Multi-scale deformable attention (paper, section 4.1). Mirrors MSDeformAttn in models/ops/modules/ms_deform_attn.py: every query looks
/// at P points of each of L levels with each of M heads; where they lie and what they weigh are linear functions of the query.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class MSDeformAttn<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly int _heads;
    private readonly int _levels;
    private readonly int _points;
    private readonly LinearLayer<T> _samplingOffsetsLinear;
    private readonly LinearLayer<T> _attentionWeightsLinear;
    private readonly LinearLayer<T> _valueProjLinear;
    private readonly LinearLayer<T> _outputProjLinear;

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="name">The module's path; empty for a module on its own.</param>
    /// <param name="channels">C.</param>
    /// <param name="levels">L.</param>
    /// <param name="heads">M, a divisor of C.</param>
    /// <param name="points">P.</param>
    public MSDeformAttn(IWeights<T> weights, string name, int channels, int levels, int heads, int points)
    {
        ShapeGuard.That(
            heads > 0 && channels % heads == 0, "ms_deform_attn", "hidden_dim",
            $"holds {channels}; expected a multiple of nheads = {heads}.");
        Name = name;
        _heads = heads;
        _levels = levels;
        _points = points;
        _samplingOffsetsLinear = new LinearLayer<T>(weights, Local("sampling_offsets"), channels, heads * levels * points * 2);
        _attentionWeightsLinear = new LinearLayer<T>(weights, Local("attention_weights"), channels, heads * levels * points);
        _valueProjLinear = new LinearLayer<T>(weights, Local("value_proj"), channels, channels);
        _outputProjLinear = new LinearLayer<T>(weights, Local("output_proj"), channels, channels);
    }

    /// <summary>The module's path.</summary>
    public string Name { get; }

    /// <summary>Attends.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="query">What asks (positions added). Shape [N, Lq, C].</param>
    /// <param name="referencePoints">Where each query looks from, (x, y) or (cx, cy, w, h), fractions of each padded level.
    /// Shape [N, Lq, L, 2 or 4].</param>
    /// <param name="inputFlatten">What is read (positions not added). Shape [N, S, C].</param>
    /// <param name="spatialShapes">Last axis (H, W). Shape [L, 2].</param>
    /// <param name="levelStartIndex">First token of each level. Shape [L].</param>
    /// <param name="paddingMask">True is padding, whose value is zero; null for none. Shape [N, S].</param>
    /// <returns>Shape [N, Lq, C].</returns>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public Tensor<T> Forward(
        ForwardPass pass, Tensor<T> query, Tensor<T> referencePoints, Tensor<T> inputFlatten, Tensor<long> spatialShapes,
        Tensor<long> levelStartIndex, Tensor<bool>? paddingMask)
    {
        Check(query.Shape, inputFlatten.Shape, spatialShapes.Shape);
        int n = query.Shape[0];
        int queries = query.Shape[1];
        using BufferScope scope = pass.Scope();
        Tensor<T> value = Value(pass, inputFlatten, paddingMask);

        Tensor<T> samplingOffsets = _samplingOffsetsLinear.Forward(pass, query).Reshape([n, queries, _heads, _levels, _points, 2]);
        samplingOffsets = pass.Tap($"{Local("sampling_offsets")}", samplingOffsets);

        // One softmax over all levels and points of a head.
        Tensor<T> logits = pass.Tap($"{Local("attention_logits")}", _attentionWeightsLinear.Forward(pass, query));
        Tensor<T> attentionWeights = Softmax.Forward(pass, logits.Reshape([n, queries, _heads, _levels * _points]));
        attentionWeights = pass.Tap($"{Local("attention_weights")}", attentionWeights.Reshape([n, queries, _heads, _levels, _points]));

        Tensor<T> samplingLocations = SamplingLocations.Forward(pass, referencePoints, samplingOffsets, spatialShapes);
        samplingLocations = pass.Tap($"{Local("sampling_locations")}", samplingLocations);

        Tensor<T> sampled = MSDeformAttnCore.Forward(pass, value, spatialShapes, levelStartIndex, samplingLocations, attentionWeights);
        sampled = pass.Tap($"{Local("sampled")}", sampled);

        Tensor<T> output = _outputProjLinear.Forward(pass, sampled);
        return scope.Keep(pass.Tap($"{(Name.Length == 0 ? "output" : Name)}", output));
    }

    // norm(src + this(src + pos)), queries and keys being the same tokens: an encoder layer's first half, some rows through all steps before
    // the next. Only for runs in which IsTapped is false; the same bits.
    internal Tensor<T> ForwardByRows(
        ForwardPass pass, Tensor<T> src, Tensor<T> pos, Tensor<T> referencePoints, LevelLayout levels, Tensor<bool> paddingMask,
        LayerNormLayer<T> norm)
    {
        Check(src.Shape, src.Shape, levels.SpatialShapes.Shape);
        TensorShape s = src.Shape;
        ShapeGuard.Require("ms_deform_attn", "pos", pos.Shape, "[N, S, C]", s[0], s[1], s[2]);
        ShapeGuard.Require("ms_deform_attn", "padding_mask", paddingMask.Shape, "[N, S]", s[0], s[1]);
        ShapeGuard.Require("ms_deform_attn", "reference_points", referencePoints.Shape, "[N, S, L, 2]", s[0], s[1], _levels, 2);
        using BufferScope scope = pass.Scope();
        int channels = src.Shape[2];
        Tensor<T> output = pass.Rent<T>(src.Shape);
        int samples = _heads * _levels * _points;
        using MSDeformAttnCore.Sampler<T> sampler = pass.Taps($"{Local("value")}")
            ? new(pass, Value(pass, src, paddingMask), levels.SpatialShapes, levels.LevelStartIndex, src.Shape[1], _points)
            : ValueByRows(pass, src, levels, paddingMask);
        SamplingLocations.Pattern pattern = new(levels.SpatialShapes, _heads, _points, boxes: false);
        Tensor<T> query = RowBlocks.Scratch<T>(pass, channels);
        Tensor<T> locations = RowBlocks.Scratch<T>(pass, 2 * samples);
        Tensor<T> weights = RowBlocks.Scratch<T>(pass, samples);
        using PackedLinear<T> samplingOffsetsLinear = _samplingOffsetsLinear.Pack(pass);
        using PackedLinear<T> attentionWeightsLinear = _attentionWeightsLinear.Pack(pass);
        using PackedLinear<T> outputProjLinear = _outputProjLinear.Pack(pass);
        int references = referencePoints.Shape[2] * referencePoints.Shape[3];
        RowBlocks.Run(pass, src.Length / channels, (row, rows, scratch) =>
        {
            ReadOnlySpan<T> x = src.AsReadOnlySpan().Slice(row * channels, rows * channels);
            Span<T> q = query.AsSpan().Slice(scratch * channels, rows * channels);
            TensorPrimitives.Add(x, pos.AsReadOnlySpan().Slice(row * channels, rows * channels), q);
            samplingOffsetsLinear.Rows(query, scratch, rows, locations, scratch);
            attentionWeightsLinear.Rows(query, scratch, rows, weights, scratch);
            Span<T> a = weights.AsSpan().Slice(scratch * samples, rows * samples);
            Softmax.Rows(a, _levels * _points, a);
            Span<T> l = locations.AsSpan().Slice(scratch * 2 * samples, rows * 2 * samples);
            pattern.Place(referencePoints.AsReadOnlySpan().Slice(row * references, rows * references), l, l);

            // The query has been read: its rows take what was sampled, and the output's rows what is projected.
            sampler.Rows(row, rows, l, a, q);
            outputProjLinear.Rows(query, scratch, rows, output, row);
            Span<T> y = output.AsSpan().Slice(row * channels, rows * channels);
            norm.SumOfRows(x, y, y);
        });
        return scope.Keep(output);
    }

    // The value straight to the places where samples are read.
    private MSDeformAttnCore.Sampler<T> ValueByRows(ForwardPass pass, Tensor<T> src, LevelLayout levels, Tensor<bool> paddingMask)
    {
        using BufferScope scope = pass.Scope();
        int tokens = src.Shape[1];
        int channels = src.Shape[2];
        TensorShape shape = [src.Shape[0], tokens, _heads, channels / _heads];
        MSDeformAttnCore.Sampler<T> sampler = new(pass, shape, levels.SpatialShapes, levels.LevelStartIndex, tokens, _points);
        Tensor<T> value = RowBlocks.Scratch<T>(pass, channels);
        using PackedLinear<T> valueProjLinear = _valueProjLinear.Pack(pass);
        RowBlocks.Run(pass, src.Shape[0] * tokens, (row, rows, scratch) =>
        {
            valueProjLinear.Rows(src, row, rows, value, scratch);
            Span<T> made = value.AsSpan().Slice(scratch * channels, rows * channels);
            ReadOnlySpan<bool> masked = paddingMask.AsReadOnlySpan().Slice(row, rows);
            for (int token = 0; token < rows; token++)
            {
                if (masked[token])
                {
                    made.Slice(token * channels, channels).Clear();
                }
            }

            sampler.Put(row, made);
        });
        return sampler;
    }

    // Whether somebody listens to a tensor that ForwardByRows doesn't make.
    internal bool IsTapped(ForwardPass pass) =>
        pass.Taps($"{Local("sampling_offsets")}") || pass.Taps($"{Local("attention_logits")}") || pass.Taps($"{Local("attention_weights")}")
        || pass.Taps($"{Local("sampling_locations")}") || pass.Taps($"{Local("sampled")}") || pass.Taps($"{Name}");

    private Tensor<T> Value(ForwardPass pass, Tensor<T> inputFlatten, Tensor<bool>? paddingMask)
    {
        Tensor<T> value = _valueProjLinear.Forward(pass, inputFlatten);
        if (paddingMask is not null)
        {
            MaskedFill.InPlace(value, paddingMask, T.Zero);
        }

        TensorShape shape = inputFlatten.Shape;
        return pass.Tap($"{Local("value")}", value.Reshape([shape[0], shape[1], _heads, shape[2] / _heads]));
    }

    private void Check(TensorShape query, TensorShape inputFlatten, TensorShape spatialShapes)
    {
        ShapeGuard.Rank("ms_deform_attn", "query", query, "[N, Lq, C]", 3);
        ShapeGuard.Require("ms_deform_attn", "input_flatten", inputFlatten, "[N, S, C]", query[0], -1, query[2]);
        ShapeGuard.Require("ms_deform_attn", "input_spatial_shapes", spatialShapes, "[L, 2]", _levels, 2);
    }

    private string Local(string variable) => Name.Length == 0 ? variable : $"{Name}.{variable}";
}
