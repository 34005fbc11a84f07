using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

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
        Tensor<long> levelStartIndex, Tensor<bool>? paddingMask) =>
        Forward(pass, query, referencePoints, inputFlatten, null, spatialShapes, levelStartIndex, paddingMask);

    // wanted: makes rows of inputFlatten that are going to be read; null where all are there.
    internal Tensor<T> Forward(
        ForwardPass pass, Tensor<T> query, Tensor<T> referencePoints, Tensor<T> inputFlatten, RowsWanted? wanted, Tensor<long> spatialShapes,
        Tensor<long> levelStartIndex, Tensor<bool>? paddingMask)
    {
        Check(query.Shape, inputFlatten.Shape, spatialShapes.Shape, paddingMask);
        int n = query.Shape[0];
        int queries = query.Shape[1];
        using BufferScope scope = pass.Scope();

        // Where few queries read, the fast body makes the value below, once it is known of which tokens.
        Tensor<T>? value = IsReadInPart(pass, queries, inputFlatten.Shape[1]) ? null : Value(pass, inputFlatten, wanted, paddingMask);

        Tensor<T> samplingOffsets = _samplingOffsetsLinear.Forward(pass, query).Reshape([n, queries, _heads, _levels, _points, 2]);
        samplingOffsets = pass.Tap($"{Local("sampling_offsets")}", samplingOffsets);

        // One softmax over all levels and points of a head.
        Tensor<T> logits = pass.Tap($"{Local("attention_logits")}", _attentionWeightsLinear.Forward(pass, query));
        Tensor<T> attentionWeights = Softmax.Forward(pass, logits.Reshape([n, queries, _heads, _levels * _points]));
        attentionWeights = pass.Tap($"{Local("attention_weights")}", attentionWeights.Reshape([n, queries, _heads, _levels, _points]));

        Tensor<T> samplingLocations = SamplingLocations.Forward(pass, referencePoints, samplingOffsets, spatialShapes);
        samplingLocations = pass.Tap($"{Local("sampling_locations")}", samplingLocations);

        value ??= ValueInPart(pass, inputFlatten, wanted, paddingMask, spatialShapes, levelStartIndex, samplingLocations, attentionWeights);
        Tensor<T> sampled = MSDeformAttnCore.Forward(pass, value, spatialShapes, levelStartIndex, samplingLocations, attentionWeights);
        sampled = pass.Tap($"{Local("sampled")}", sampled);

        Tensor<T> output = _outputProjLinear.Forward(pass, sampled);
        return scope.Keep(pass.Tap($"{(Name.Length == 0 ? "output" : Name)}", output));
    }

    // Whether somebody listens to a tensor that MSDeformAttnRows doesn't make.
    internal bool IsTapped(ForwardPass pass) =>
        pass.Taps($"{Local("value")}") || pass.Taps($"{Local("sampling_offsets")}") || pass.Taps($"{Local("attention_logits")}")
        || pass.Taps($"{Local("attention_weights")}") || pass.Taps($"{Local("sampling_locations")}") || pass.Taps($"{Local("sampled")}")
        || pass.Taps($"{Name}");

    // this(src + pos), queries and keys being the same tokens, made ready for rows on any thread. Only for runs in which IsTapped is
    // false; the same bits.
    internal MSDeformAttnRows<T> ByRows(
        ForwardPass pass, MSDeformAttnCore.Sampler<T> sampler, TensorShape src, TensorShape referencePoints, Tensor<long> spatialShapes)
    {
        ShapeGuard.Require("ms_deform_attn", "input_spatial_shapes", spatialShapes.Shape, "[L, 2]", _levels, 2);
        ShapeGuard.Require("ms_deform_attn", "reference_points", referencePoints, "[N, S, L, 2]", src[0], src[1], _levels, 2);
        return new MSDeformAttnRows<T>(
            pass, sampler, new SamplingLocations.Pattern(spatialShapes, _heads, _points, boxes: false), _levels * _points,
            _samplingOffsetsLinear.Pack(pass), _attentionWeightsLinear.Pack(pass), _outputProjLinear.Pack(pass));
    }

    // The value of tokens [N, S, C], to be made by rows too: straight to the places where samples are read.
    internal MSDeformAttnValueRows<T> ValueByRows(ForwardPass pass, TensorShape src, LevelLayout levels, Tensor<bool> paddingMask)
    {
        Check(src, src, levels.SpatialShapes.Shape, paddingMask);
        return new MSDeformAttnValueRows<T>(
            pass, _valueProjLinear.Pack(pass), paddingMask,
            new MSDeformAttnCore.Sampler<T>(
                pass, [src[0], src[1], _heads, src[2] / _heads], levels.SpatialShapes, levels.LevelStartIndex, src[1], _points));
    }

    // Whether the fast body may leave out the values of tokens that no sample reads: nobody listens to them, and there will be many.
    internal bool IsReadInPart(ForwardPass pass, int queries, int tokens) =>
        pass.Kernels == Kernels.Simd && queries < tokens / 4 && !pass.Taps($"{Local("value")}");

    private Tensor<T> Value(ForwardPass pass, Tensor<T> inputFlatten, RowsWanted? wanted, Tensor<bool>? paddingMask)
    {
        wanted?.Invoke([.. Enumerable.Range(0, inputFlatten.Shape[0] * inputFlatten.Shape[1])]);
        Tensor<T> value = _valueProjLinear.Forward(pass, inputFlatten);
        if (paddingMask is not null)
        {
            MaskedFill.InPlace(value, paddingMask, T.Zero);
        }

        TensorShape shape = inputFlatten.Shape;
        return pass.Tap($"{Local("value")}", value.Reshape([shape[0], shape[1], _heads, shape[2] / _heads]));
    }

    // The value of the tokens that are read; the rows of the others are not set. The same bits.
    private Tensor<T> ValueInPart(
        ForwardPass pass, Tensor<T> inputFlatten, RowsWanted? wanted, Tensor<bool>? paddingMask, Tensor<long> spatialShapes,
        Tensor<long> levelStartIndex, Tensor<T> samplingLocations, Tensor<T> attentionWeights)
    {
        (int batch, int tokens, int channels) = (inputFlatten.Shape[0], inputFlatten.Shape[1], inputFlatten.Shape[2]);
        using BufferScope scope = pass.Scope();
        Tensor<int> read = pass.Rent<int>([batch * tokens]);
        TensorShape shape = [batch, tokens, _heads, channels / _heads];
        int count = MSDeformAttnCore.TokensRead(
            pass, shape, spatialShapes, levelStartIndex, samplingLocations, attentionWeights, read.AsSpan());

        // To gather rows and to spread them again costs more than to make the last few.
        if (count > read.Length / 8 * 7)
        {
            return scope.Keep(Value(pass, inputFlatten, wanted, paddingMask));
        }

        wanted?.Invoke(read.AsReadOnlySpan()[..count]);

        Tensor<T> value = pass.Rent<T>(shape);
        Tensor<T> gathered = RowBlocks.Scratch<T>(pass, channels);
        Tensor<T> made = RowBlocks.Scratch<T>(pass, channels);
        using PackedLinear<T> valueProj = _valueProjLinear.Pack(pass);
        RowBlocks.Run(pass, count, (first, rows, scratch) =>
        {
            RowBlocks.Gather(inputFlatten, channels, read.AsReadOnlySpan().Slice(first, rows), gathered, scratch);
            valueProj.Rows(gathered, scratch, rows, made, scratch);
            for (int row = 0; row < rows; row++)
            {
                int token = read[first + row];
                Span<T> target = RowBlocks.Of(value, channels, token, 1);
                if (paddingMask is not null && paddingMask.AsReadOnlySpan()[token])
                {
                    target.Clear();
                }
                else
                {
                    RowBlocks.Of(made, channels, scratch + row, 1).CopyTo(target);
                }
            }
        });
        return scope.Keep(value);
    }

    private void Check(TensorShape query, TensorShape inputFlatten, TensorShape spatialShapes, Tensor<bool>? paddingMask)
    {
        ShapeGuard.Rank("ms_deform_attn", "query", query, "[N, Lq, C]", 3);
        ShapeGuard.Require("ms_deform_attn", "input_flatten", inputFlatten, "[N, S, C]", query[0], -1, query[2]);
        ShapeGuard.Require("ms_deform_attn", "input_spatial_shapes", spatialShapes, "[L, 2]", _levels, 2);
        if (paddingMask?.Shape is { } mask)
        {
            ShapeGuard.Require("ms_deform_attn", "padding_mask", mask, "[N, S]", inputFlatten[0], inputFlatten[1]);
        }
    }

    private string Local(string variable) => Name.Length == 0 ? variable : $"{Name}.{variable}";
}
