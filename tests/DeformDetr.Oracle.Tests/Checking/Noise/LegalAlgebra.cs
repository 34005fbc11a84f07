using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle.Tests.Checking.Noise;

// Float32 steps in a legal order.
internal sealed class LegalAlgebra(LegalOrder order) : ReferenceAlgebra<float>(new OperatorContext(Kernels.Simd, 2))
{
    public override Quantity Linear(Quantity x, Quantity weight, Quantity? bias) =>
        new(LegalOperators.Linear(Context, order, Of(x), Of(weight), bias is null ? null : Of(bias)));

    public override Quantity MatMul(Quantity a, Quantity b, bool transposed = false) =>
        new(LegalOperators.MatMul(Context, order, Of(a), Of(b), transposed));

    public override Quantity Conv2d(Quantity x, Quantity weight, Quantity? bias, Conv2dWindow window) =>
        new(LegalOperators.Conv2d(Context, order, Of(x), Of(weight), bias is null ? null : Of(bias), window));

    public override Quantity FrozenBatchNorm(
        Quantity x, Quantity weight, Quantity bias, Quantity runningMean, Quantity runningVar, double epsilon = 1e-5) =>
        new(LegalOperators.FrozenBatchNorm(
            Context, order, Of(x), new FrozenNorm<float>(Of(weight), Of(bias), Of(runningMean), Of(runningVar)), epsilon));

    public override Quantity GroupNorm(Quantity x, int groups, Quantity weight, Quantity bias, double epsilon = 1e-5) =>
        new(LegalOperators.GroupNorm(Context, order, Of(x), groups, Of(weight), Of(bias), epsilon));

    public override Quantity LayerNorm(Quantity x, Quantity weight, Quantity bias, double epsilon = 1e-5) =>
        new(LegalOperators.LayerNorm(Context, order, Of(x), Of(weight), Of(bias), epsilon));

    public override Quantity Softmax(Quantity x) => new(LegalOperators.Softmax(Context, order, Of(x)));

    public override Quantity Sigmoid(Quantity x) => new(LegalOperators.Sigmoid(Context, order, Of(x)));

    public override Quantity InverseSigmoid(Quantity x, double epsilon = 1e-5) =>
        new(LegalOperators.InverseSigmoid(Context, order, Of(x), epsilon));

    public override Quantity Gelu(Quantity x) => new(LegalOperators.Gelu(Context, order, Of(x)));

    public override Quantity SamplingLocations(Quantity referencePoints, Quantity samplingOffsets, Quantity spatialShapes) =>
        new(LegalOperators.SamplingLocations(Context, order, Of(referencePoints), Of(samplingOffsets), spatialShapes.Whole));

    public override Quantity Sample(
        Quantity value, Quantity spatialShapes, Quantity levelStartIndex, Quantity samplingLocations, Quantity attentionWeights) =>
        new(LegalOperators.MSDeformAttnCore(
            Context, order, Of(value), spatialShapes.Whole, levelStartIndex.Whole, Of(samplingLocations), Of(attentionWeights)));

    public override Quantity RefineBoxes(Quantity delta, Quantity reference, double epsilon = 1e-5)
    {
        Quantity logits = InverseSigmoid(reference, epsilon);
        if (logits.Shape[^1] == 2)
        {
            logits = Concat([logits, Given(Zeros(logits.Shape))], logits.Shape.Rank - 1);
        }

        return Sigmoid(Add(delta, logits));
    }

    // As the original has it, every step in float32.
    public override Quantity SinePosition(Quantity mask, int channels)
    {
        (int n, int height, int width) = (mask.Shape[0], mask.Shape[1], mask.Shape[2]);
        int half = channels / 2;
        Tensor<float> output = new([n, channels, height, width]);
        ReadOnlySpan<bool> masked = mask.Mask.AsReadOnlySpan();
        for (int item = 0; item < n; item++)
        {
            for (int cell = 0; cell < height * width; cell++)
            {
                (int row, int column) = (cell / width, cell % width);
                float y = Embed(masked, (item * height * width) + column, width, height, row);
                float x = Embed(masked, ((item * height) + row) * width, 1, width, column);
                for (int channel = 0; channel < channels; channel++)
                {
                    output.AsSpan()[(((item * channels) + channel) * height * width) + cell] =
                        Wave(channel < half ? y : x, channel % half, half);
                }
            }
        }

        return new(output);
    }

    public override Quantity ProposalPosition(Quantity proposals)
    {
        Tensor<float> embed = Of(Sigmoid(proposals));
        Tensor<float> output = new([proposals.Shape[0], proposals.Shape[1], 512]);
        for (int i = 0; i < output.Length; i++)
        {
            output.AsSpan()[i] = Wave(embed.AsReadOnlySpan()[i / 128] * (float)(2 * Math.PI), i % 128, 128);
        }

        return new(output);
    }

    public override Quantity OutputProposals(Quantity maskFlatten, Quantity spatialShapes)
    {
        Tensor<float> output = Of(base.OutputProposals(maskFlatten, spatialShapes)).Clone();
        foreach (ref float y in output.AsSpan())
        {
            // The fraction again, rounded; its logarithm through float32.
            float p = float.IsFinite(y) ? (float)Elementary.Sigmoid((double)y) : 0.5f;
            y = float.IsFinite(y) ? order.Logistic == LogisticOrder.Quotient
                ? Elementary.Log(p / (1 - p)) : Elementary.Log(p) - Elementary.Log(1 - p) : y;
        }

        return new(output);
    }

    private static float Embed(ReadOnlySpan<bool> masked, int start, int step, int length, int position)
    {
        (float count, float total) = (0, 0);
        for (int at = 0; at < length; at++)
        {
            total += masked[start + (at * step)] ? 0 : 1;
            count = at == position ? total : count;
        }

        return (count - 0.5f) / (total + 1e-6f) * (float)(2 * Math.PI);
    }

    private static float Wave(float embed, int feature, int features)
    {
        float argument = embed / Elementary.Pow(10000f, 2f * (feature / 2) / features);
        return feature % 2 == 0 ? Elementary.Sin(argument) : Elementary.Cos(argument);
    }
}
