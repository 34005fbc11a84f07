using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle;

// The operators that steps, and the mistakes that can be made in them, are written in. One text of a step then serves the truth, the float32
// runs in any legal order, and the noise that goes with a value. Shapes and axis orders are those of the operators of the same name.
internal abstract class Algebra(OperatorContext context)
{
    public OperatorContext Context { get; } = context;

    // The format whose rounding is followed with every value; null where values alone are made.
    public virtual NoiseUnit? Unit => null;

    // A tensor of numbers in the algebra's precision; whole numbers and masks stay what they are.
    public abstract Quantity Given(Tensor tensor);

    // A weight; a port in half precision has it rounded.
    public virtual Quantity GivenWeight(Tensor tensor) => Given(tensor);

    // Moves.
    public abstract Quantity Reshape(Quantity x, TensorShape shape);

    public abstract Quantity Permute(Quantity x, params int[] axes);

    public abstract Quantity Concat(IReadOnlyList<Quantity> parts, int axis);

    // The elements at some indices along an axis, in that order; an index may repeat.
    public abstract Quantity Pick(Quantity x, int axis, params int[] indices);

    public abstract Quantity Gather(Quantity x, Quantity index);

    // Axes of length 1, or missing in front, repeated.
    public abstract Quantity Expand(Quantity x, TensorShape shape);

    public abstract Quantity MaskedFill(Quantity x, Quantity mask, double value);

    // [N, C, H, W] with a frame.
    public abstract Quantity Pad2d(Quantity x, int top, int bottom, int left, int right, double value);

    // Element by element. Binary ones expand both sides.
    public abstract Quantity Add(Quantity a, Quantity b);

    public abstract Quantity Subtract(Quantity a, Quantity b);

    public abstract Quantity Multiply(Quantity a, Quantity b);

    public abstract Quantity Divide(Quantity a, Quantity b);

    // A function of one number, computed in double and rounded once.
    public abstract Quantity Apply(Quantity x, Func<double, double> function);

    public abstract Quantity Relu(Quantity x);

    public abstract Quantity Gelu(Quantity x);

    public abstract Quantity Sigmoid(Quantity x);

    public abstract Quantity InverseSigmoid(Quantity x, double epsilon = 1e-5);

    // Layers.
    public abstract Quantity Linear(Quantity x, Quantity weight, Quantity? bias);

    public abstract Quantity MatMul(Quantity a, Quantity b, bool transposed = false);

    public abstract Quantity Conv2d(Quantity x, Quantity weight, Quantity? bias, Conv2dWindow window);

    public abstract Quantity FrozenBatchNorm(
        Quantity x, Quantity weight, Quantity bias, Quantity runningMean, Quantity runningVar, double epsilon = 1e-5);

    public abstract Quantity GroupNorm(Quantity x, int groups, Quantity weight, Quantity bias, double epsilon = 1e-5);

    public abstract Quantity LayerNorm(Quantity x, Quantity weight, Quantity bias, double epsilon = 1e-5);

    // Over the last axis.
    public abstract Quantity Softmax(Quantity x);

    public abstract Quantity MaxPool2d(Quantity x, int kernel, int stride, int padding);

    // Deformable attention.
    public abstract Quantity SamplingLocations(Quantity referencePoints, Quantity samplingOffsets, Quantity spatialShapes);

    public abstract Quantity Sample(
        Quantity value, Quantity spatialShapes, Quantity levelStartIndex, Quantity samplingLocations, Quantity attentionWeights);

    // The model's own.
    public abstract Quantity SinePosition(Quantity mask, int channels);

    public abstract Quantity ValidRatios(IReadOnlyList<Quantity> masks);

    public abstract Quantity EncoderReferencePoints(Quantity spatialShapes, Quantity validRatios);

    public abstract Quantity OutputProposals(Quantity maskFlatten, Quantity spatialShapes);

    public abstract Quantity ProposalPosition(Quantity proposals);

    // σ(delta + σ⁻¹(reference)); a 2-d reference adds to the centre only.
    public abstract Quantity RefineBoxes(Quantity delta, Quantity reference, double epsilon = 1e-5);

    // The k largest of each row, ties by the lower index.
    public abstract (Quantity Values, Quantity Indices) TopK(Quantity x, int k);

    // Corners in pixels of the queries that ranks stand for. Boxes [N, Q, 4], ranks [N, R] in queries times classes, sizes [N, 2].
    public abstract Quantity DetectionBoxes(Quantity boxes, Quantity ranks, int classes, Quantity targetSizes);

    // Bytes [h, w, 3] of each picture to the padded batch [N, 3, H, W].
    public abstract Quantity NormalizePictures(IReadOnlyList<Quantity> resized);
}
