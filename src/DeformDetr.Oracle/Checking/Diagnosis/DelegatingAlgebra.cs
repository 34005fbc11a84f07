using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle;

// Another algebra with some operators replaced: a mistake inside an operator, wherever a step's text uses it.
internal abstract class DelegatingAlgebra(Algebra inner) : Algebra(inner.Context)
{
    public override NoiseUnit? Unit => inner.Unit;

    public override Quantity Given(Tensor tensor) => inner.Given(tensor);

    public override Quantity Reshape(Quantity x, TensorShape shape) => inner.Reshape(x, shape);

    public override Quantity Permute(Quantity x, params int[] axes) => inner.Permute(x, axes);

    public override Quantity Concat(IReadOnlyList<Quantity> parts, int axis) => inner.Concat(parts, axis);

    public override Quantity Pick(Quantity x, int axis, params int[] indices) => inner.Pick(x, axis, indices);

    public override Quantity Gather(Quantity x, Quantity index) => inner.Gather(x, index);

    public override Quantity Expand(Quantity x, TensorShape shape) => inner.Expand(x, shape);

    public override Quantity MaskedFill(Quantity x, Quantity mask, double value) => inner.MaskedFill(x, mask, value);

    public override Quantity Pad2d(Quantity x, int top, int bottom, int left, int right, double value) =>
        inner.Pad2d(x, top, bottom, left, right, value);

    public override Quantity Add(Quantity a, Quantity b) => inner.Add(a, b);

    public override Quantity Subtract(Quantity a, Quantity b) => inner.Subtract(a, b);

    public override Quantity Multiply(Quantity a, Quantity b) => inner.Multiply(a, b);

    public override Quantity Divide(Quantity a, Quantity b) => inner.Divide(a, b);

    public override Quantity Apply(Quantity x, Func<double, double> function) => inner.Apply(x, function);

    public override Quantity Relu(Quantity x) => inner.Relu(x);

    public override Quantity Gelu(Quantity x) => inner.Gelu(x);

    public override Quantity Sigmoid(Quantity x) => inner.Sigmoid(x);

    public override Quantity InverseSigmoid(Quantity x, double epsilon = 1e-5) => inner.InverseSigmoid(x, epsilon);

    public override Quantity Linear(Quantity x, Quantity weight, Quantity? bias) => inner.Linear(x, weight, bias);

    public override Quantity MatMul(Quantity a, Quantity b, bool transposed = false) => inner.MatMul(a, b, transposed);

    public override Quantity Conv2d(Quantity x, Quantity weight, Quantity? bias, Conv2dWindow window) =>
        inner.Conv2d(x, weight, bias, window);

    public override Quantity FrozenBatchNorm(
         Quantity x, Quantity weight, Quantity bias, Quantity runningMean, Quantity runningVar, double epsilon = 1e-5) =>
        inner.FrozenBatchNorm(x, weight, bias, runningMean, runningVar, epsilon);

    public override Quantity GroupNorm(Quantity x, int groups, Quantity weight, Quantity bias, double epsilon = 1e-5) =>
        inner.GroupNorm(x, groups, weight, bias, epsilon);

    public override Quantity LayerNorm(Quantity x, Quantity weight, Quantity bias, double epsilon = 1e-5) =>
        inner.LayerNorm(x, weight, bias, epsilon);

    public override Quantity Softmax(Quantity x) => inner.Softmax(x);

    public override Quantity MaxPool2d(Quantity x, int kernel, int stride, int padding) => inner.MaxPool2d(x, kernel, stride, padding);

    public override Quantity SamplingLocations(Quantity referencePoints, Quantity samplingOffsets, Quantity spatialShapes) =>
        inner.SamplingLocations(referencePoints, samplingOffsets, spatialShapes);

    public override Quantity Sample(
         Quantity value, Quantity spatialShapes, Quantity levelStartIndex, Quantity samplingLocations, Quantity attentionWeights) =>
        inner.Sample(value, spatialShapes, levelStartIndex, samplingLocations, attentionWeights);

    public override Quantity SinePosition(Quantity mask, int channels) => inner.SinePosition(mask, channels);

    public override Quantity ValidRatios(IReadOnlyList<Quantity> masks) => inner.ValidRatios(masks);

    public override Quantity EncoderReferencePoints(Quantity spatialShapes, Quantity validRatios) =>
        inner.EncoderReferencePoints(spatialShapes, validRatios);

    public override Quantity OutputProposals(Quantity maskFlatten, Quantity spatialShapes) =>
        inner.OutputProposals(maskFlatten, spatialShapes);

    public override Quantity ProposalPosition(Quantity proposals) => inner.ProposalPosition(proposals);

    public override Quantity RefineBoxes(Quantity delta, Quantity reference, double epsilon = 1e-5) =>
        inner.RefineBoxes(delta, reference, epsilon);

    public override (Quantity Values, Quantity Indices) TopK(Quantity x, int k) => inner.TopK(x, k);

    public override Quantity DetectionBoxes(Quantity boxes, Quantity ranks, int classes, Quantity targetSizes) =>
        inner.DetectionBoxes(boxes, ranks, classes, targetSizes);

    public override Quantity NormalizePictures(IReadOnlyList<Quantity> resized) => inner.NormalizePictures(resized);
}
