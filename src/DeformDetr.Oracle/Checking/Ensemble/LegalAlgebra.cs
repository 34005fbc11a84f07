using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle;

// Steps in float32 in another legal order of operations. Store: what a port in half precision does to its weights and tensors.
internal sealed class LegalAlgebra(OperatorContext context, LegalOrder order, NumberFormat? store = null)
    : ReferenceAlgebra<float>(context)
{
    public override Quantity GivenWeight(Tensor tensor) => Stored(Given(tensor));

    // The numbers that are left of a step's tensor once it is stored.
    public Quantity Stored(Quantity made)
    {
        if (store is null || made.Tensor is not Tensor<float> real)
        {
            return made;
        }

        Tensor<float> stored = new(real.Shape);
        Context.Split(real.Length, 1 << 14, (first, last) =>
        {
            ReadOnlySpan<float> from = real.AsReadOnlySpan();
            Span<float> to = stored.AsSpan();
            for (int i = first; i < last; i++)
            {
                to[i] = (float)store.Round(from[i]);
            }
        });
        return new Quantity(stored);
    }

    public override Quantity Gelu(Quantity x) => new(LegalOperators.Gelu(Context, order, Of(x)));

    public override Quantity Sigmoid(Quantity x) => new(LegalOperators.Sigmoid(Context, order, Of(x)));

    public override Quantity InverseSigmoid(Quantity x, double epsilon = 1e-5) =>
        new(LegalOperators.InverseSigmoid(Context, order, Of(x), epsilon));

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

    public override Quantity SamplingLocations(Quantity referencePoints, Quantity samplingOffsets, Quantity spatialShapes) =>
        new(LegalOperators.SamplingLocations(Context, order, Of(referencePoints), Of(samplingOffsets), spatialShapes.Whole));

    public override Quantity Sample(
        Quantity value, Quantity spatialShapes, Quantity levelStartIndex, Quantity samplingLocations, Quantity attentionWeights) =>
        new(LegalOperators.MSDeformAttnCore(
            Context, order, Of(value), spatialShapes.Whole, levelStartIndex.Whole, Of(samplingLocations), Of(attentionWeights)));

    // The same sums and sigmoids as the operators, one after another.
    public override Quantity RefineBoxes(Quantity delta, Quantity reference, double epsilon = 1e-5)
    {
        Quantity logits = InverseSigmoid(reference, epsilon);
        if (logits.Shape[^1] == 2)
        {
            logits = Concat([logits, new Quantity(Zeros(logits.Shape))], logits.Shape.Rank - 1);
        }

        return Sigmoid(Add(delta, logits));
    }

    public override Quantity SinePosition(Quantity mask, int channels) =>
        order.FloatPositions ? new(LegalPositions.Sine(Context, mask.Mask, channels)) : base.SinePosition(mask, channels);

    public override Quantity ProposalPosition(Quantity proposals) =>
        order.FloatPositions ? new(LegalPositions.Proposals(Context, Of(Sigmoid(proposals)))) : base.ProposalPosition(proposals);

    public override Quantity OutputProposals(Quantity maskFlatten, Quantity spatialShapes)
    {
        Quantity proposals = base.OutputProposals(maskFlatten, spatialShapes);
        if (order.FloatPositions)
        {
            LegalPositions.Logits(order.Logistic, Of(proposals).AsSpan());
        }

        return proposals;
    }
}
