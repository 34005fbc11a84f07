using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Reference;

// Deformable self-attention of some tokens at a time: what is made between its steps stays in the cache, and the steps before and behind
// it can be done on the same rows. Every row has the bits that it has in one go. Scratch tensors belong to the innermost scope.
internal sealed class MSDeformAttnRows<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly MSDeformAttnCore.Sampler<T> _sampler;
    private readonly SamplingLocations.Pattern _pattern;
    private readonly int _samplesOfHead;
    private readonly PackedLinear<T> _samplingOffsetsLinear;
    private readonly PackedLinear<T> _attentionWeightsLinear;
    private readonly PackedLinear<T> _outputProjLinear;
    private readonly Tensor<T> _query;
    private readonly Tensor<T> _locations;
    private readonly Tensor<T> _weights;

    public MSDeformAttnRows(
        ForwardPass pass, MSDeformAttnCore.Sampler<T> sampler, SamplingLocations.Pattern pattern, int samplesOfHead,
        PackedLinear<T> samplingOffsetsLinear, PackedLinear<T> attentionWeightsLinear, PackedLinear<T> outputProjLinear)
    {
        _sampler = sampler;
        _pattern = pattern;
        _samplesOfHead = samplesOfHead;
        _samplingOffsetsLinear = samplingOffsetsLinear;
        _attentionWeightsLinear = attentionWeightsLinear;
        _outputProjLinear = outputProjLinear;
        _query = RowBlocks.Scratch<T>(pass, outputProjLinear.Outputs);
        _locations = RowBlocks.Scratch<T>(pass, samplingOffsetsLinear.Outputs);
        _weights = RowBlocks.Scratch<T>(pass, attentionWeightsLinear.Outputs);
    }

    // Rows of tokens, their positions and reference points, as many of each; they ask the picture that token row of N · S and the next ones
    // belong to. output, from outputRow on, is another tensor.
    public void Run(
        ReadOnlySpan<T> src, ReadOnlySpan<T> pos, ReadOnlySpan<T> referencePoints, int row, Tensor<T> output, int outputRow, int scratch)
    {
        int channels = _query.Shape[1];
        int samples = _weights.Shape[1];
        int rows = src.Length / channels;
        Span<T> q = RowBlocks.Of(_query, channels, scratch, rows);
        TensorPrimitives.Add(src, pos, q);
        _samplingOffsetsLinear.Rows(_query, scratch, rows, _locations, scratch);
        _attentionWeightsLinear.Rows(_query, scratch, rows, _weights, scratch);
        Span<T> attention = RowBlocks.Of(_weights, samples, scratch, rows);
        Softmax.Rows(attention, _samplesOfHead, attention);
        Span<T> locations = RowBlocks.Of(_locations, 2 * samples, scratch, rows);
        _pattern.Place(referencePoints, locations, locations);

        // The query has been read: its rows take what was sampled.
        _sampler.Rows(row, rows, locations, attention, q);
        _outputProjLinear.Rows(_query, scratch, rows, output, outputRow);
    }

    public void Dispose()
    {
        _samplingOffsetsLinear.Dispose();
        _attentionWeightsLinear.Dispose();
        _outputProjLinear.Dispose();
    }
}

// The value of deformable attention, some tokens at a time.
internal sealed class MSDeformAttnValueRows<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly PackedLinear<T> _valueProjLinear;
    private readonly Tensor<bool> _paddingMask;
    private readonly Tensor<T> _value;

    public MSDeformAttnValueRows(
        ForwardPass pass, PackedLinear<T> valueProjLinear, Tensor<bool> paddingMask, MSDeformAttnCore.Sampler<T> sampler)
    {
        _valueProjLinear = valueProjLinear;
        _paddingMask = paddingMask;
        Sampler = sampler;
        _value = RowBlocks.Scratch<T>(pass, valueProjLinear.Outputs);
    }

    // Where the value goes; lives on when this is disposed.
    public MSDeformAttnCore.Sampler<T> Sampler { get; }

    // Rows of src [N, S, C] from row on.
    public void Run(Tensor<T> src, int row, int rows, int scratch)
    {
        int channels = _value.Shape[1];
        _valueProjLinear.Rows(src, row, rows, _value, scratch);
        Span<T> made = RowBlocks.Of(_value, channels, scratch, rows);
        ReadOnlySpan<bool> masked = _paddingMask.AsReadOnlySpan().Slice(row, rows);
        for (int token = 0; token < rows; token++)
        {
            if (masked[token])
            {
                made.Slice(token * channels, channels).Clear();
            }
        }

        Sampler.Put(row, made);
    }

    public void Dispose() => _valueProjLinear.Dispose();
}
