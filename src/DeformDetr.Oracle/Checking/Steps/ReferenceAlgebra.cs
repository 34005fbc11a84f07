using System.Numerics;
using DeformDetr.Reference;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;
using static DeformDetr.Tensors.Numerics.Rounding;
using Core = DeformDetr.Reference.MSDeformAttnCore;
using Ops = DeformDetr.Tensors.Operators;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeformDetr.Oracle;

// The reference's own operators in T: steps evaluated with it have the bits that the model gives its taps.
internal class ReferenceAlgebra<T>(OperatorContext context) : Algebra(context)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public override Quantity Given(Tensor tensor) => new(tensor switch
    {
        Tensor<T> or Tensor<long> or Tensor<bool> or Tensor<byte> => tensor,
        Tensor<float> narrow => Widening.To<T>(narrow)!,
        Tensor<double> wide => Narrow(wide),
        _ => throw new NotSupportedException($"algebra: elements of {tensor.ElementType.Word()}."),
    });

    public override Quantity Reshape(Quantity x, TensorShape shape) => new(x.Tensor.ReshapeUntyped(shape));

    public override Quantity Permute(Quantity x, params int[] axes) => new(Moves.Permute(Context, x.Tensor, axes));

    public override Quantity Concat(IReadOnlyList<Quantity> parts, int axis) =>
        new(Moves.Concat(Context, [.. parts.Select(part => part.Tensor)], axis));

    public override Quantity Pick(Quantity x, int axis, params int[] indices) => new(Moves.Pick(Context, x.Tensor, axis, indices));

    public override Quantity Gather(Quantity x, Quantity index) => new(Moves.Gather(Context, x.Tensor, index.Whole));

    public override Quantity Expand(Quantity x, TensorShape shape) => new(Moves.Expand(Context, x.Tensor, shape));

    public override Quantity MaskedFill(Quantity x, Quantity mask, double value) =>
        new(Moves.MaskedFill(Context, x.Tensor, mask.Mask, value));

    public override Quantity Pad2d(Quantity x, int top, int bottom, int left, int right, double value) =>
        new(Moves.Pad2d(Context, x.Tensor, top, bottom, left, right, value));

    public override Quantity Add(Quantity a, Quantity b) =>
        a.Shape == b.Shape ? new(Ops.Add.Forward(Context, Of(a), Of(b))) : Binary(a, b, (x, y) => x + y);

    public override Quantity Subtract(Quantity a, Quantity b) => Binary(a, b, (x, y) => x - y);

    public override Quantity Multiply(Quantity a, Quantity b) => Binary(a, b, (x, y) => x * y);

    public override Quantity Divide(Quantity a, Quantity b) => Binary(a, b, (x, y) => x / y);

    public override Quantity Apply(Quantity x, Func<double, double> function)
    {
        Tensor<T> input = Of(x);
        Tensor<T> output = Context.Rent<T>(x.Shape);
        Context.Split(input.Length, 1 << 13, (first, last) =>
        {
            ReadOnlySpan<T> from = input.AsReadOnlySpan()[first..last];
            Span<T> to = output.AsSpan()[first..last];
            for (int i = 0; i < to.Length; i++)
            {
                to[i] = Round<T>(function(Widen(from[i])));
            }
        });
        return new(output);
    }

    public override Quantity Relu(Quantity x) => new(Ops.Relu.Forward(Context, Of(x)));

    public override Quantity Gelu(Quantity x) => new(Ops.Gelu.Forward(Context, Of(x)));

    public override Quantity Sigmoid(Quantity x) => new(Ops.Sigmoid.Forward(Context, Of(x)));

    public override Quantity InverseSigmoid(Quantity x, double epsilon = 1e-5) =>
        new(Ops.InverseSigmoid.Forward(Context, Of(x), epsilon));

    public override Quantity Linear(Quantity x, Quantity weight, Quantity? bias) =>
        new(Ops.Linear.Forward(Context, Of(x), Of(weight), bias is null ? null : Of(bias)));

    public override Quantity MatMul(Quantity a, Quantity b, bool transposed = false) =>
        new(Ops.MatMul.Forward(Context, Of(a), Of(b), transposed));

    public override Quantity Conv2d(Quantity x, Quantity weight, Quantity? bias, Conv2dWindow window) =>
        new(Ops.Conv2d.Forward(Context, Of(x), Of(weight), bias is null ? null : Of(bias), window));

    public override Quantity FrozenBatchNorm(
        Quantity x, Quantity weight, Quantity bias, Quantity runningMean, Quantity runningVar, double epsilon = 1e-5) =>
        new(Ops.FrozenBatchNorm.Forward(Context, Of(x), Of(weight), Of(bias), Of(runningMean), Of(runningVar), epsilon));

    public override Quantity GroupNorm(Quantity x, int groups, Quantity weight, Quantity bias, double epsilon = 1e-5) =>
        new(Ops.GroupNorm.Forward(Context, Of(x), groups, Of(weight), Of(bias), epsilon));

    public override Quantity LayerNorm(Quantity x, Quantity weight, Quantity bias, double epsilon = 1e-5) =>
        new(Ops.LayerNorm.Forward(Context, Of(x), Of(weight), Of(bias), epsilon));

    public override Quantity Softmax(Quantity x) => new(Ops.Softmax.Forward(Context, Of(x)));

    public override Quantity MaxPool2d(Quantity x, int kernel, int stride, int padding) =>
        new(Ops.MaxPool2d.Forward(Context, Of(x), kernel, stride, padding));

    public override Quantity SamplingLocations(Quantity referencePoints, Quantity samplingOffsets, Quantity spatialShapes) =>
        new(Reference.SamplingLocations.Forward(Context, Of(referencePoints), Of(samplingOffsets), spatialShapes.Whole));

    public override Quantity Sample(
        Quantity value, Quantity spatialShapes, Quantity levelStartIndex, Quantity samplingLocations, Quantity attentionWeights) =>
        new(Core.Forward(
            Context, Of(value), spatialShapes.Whole, levelStartIndex.Whole, Of(samplingLocations), Of(attentionWeights)));

    public override Quantity SinePosition(Quantity mask, int channels) =>
        new(SinePositionEncoding.Forward<T>(Context, mask.Mask, channels));

    public override Quantity ValidRatios(IReadOnlyList<Quantity> masks) =>
        new(Reference.ValidRatios.Forward<T>(Context, [.. masks.Select(mask => mask.Mask)]));

    public override Quantity EncoderReferencePoints(Quantity spatialShapes, Quantity validRatios) =>
        new(Reference.EncoderReferencePoints.Forward(Context, StepKinds.Layout(spatialShapes.Whole), Of(validRatios)));

    public override Quantity OutputProposals(Quantity maskFlatten, Quantity spatialShapes) =>
        new(EncoderProposals<T>.Propose(Context, maskFlatten.Mask, StepKinds.Layout(spatialShapes.Whole)).Proposals);

    public override Quantity ProposalPosition(Quantity proposals) => new(ProposalPositionEncoding.Forward(Context, Of(proposals)));

    public override Quantity RefineBoxes(Quantity delta, Quantity reference, double epsilon = 1e-5)
    {
        if (epsilon == Ops.InverseSigmoid.DefaultEpsilon)
        {
            return new(BoxRefinement.Forward(Context, Of(delta), Of(reference)));
        }

        Quantity logits = InverseSigmoid(reference, epsilon);
        if (logits.Shape[^1] == 2)
        {
            logits = Concat([logits, Given(Zeros(logits.Shape))], logits.Shape.Rank - 1);
        }

        return Sigmoid(Add(delta, logits));
    }

    public override (Quantity Values, Quantity Indices) TopK(Quantity x, int k)
    {
        (Tensor<T> values, Tensor<long> indices) = Ops.TopK.Forward(Context, Of(x), k);
        return (new(values), new(indices));
    }

    public override Quantity DetectionBoxes(Quantity boxes, Quantity ranks, int classes, Quantity targetSizes)
    {
        Tensor<T> predBoxes = Of(boxes);
        Tensor<long> rank = ranks.Whole;
        Tensor<long> sizes = targetSizes.Whole;
        Tensor<T> output = Context.Rent<T>([rank.Shape[0], rank.Shape[1], 4]);
        for (int n = 0; n < rank.Shape[0]; n++)
        {
            double height = sizes[n, 0];
            double width = sizes[n, 1];
            for (int r = 0; r < rank.Shape[1]; r++)
            {
                int query = (int)(rank[n, r] / classes);
                double cx = Widen(predBoxes[n, query, 0]);
                double cy = Widen(predBoxes[n, query, 1]);
                double w = Widen(predBoxes[n, query, 2]);
                double h = Widen(predBoxes[n, query, 3]);
                output[n, r, 0] = Round<T>((cx - (0.5 * w)) * width);
                output[n, r, 1] = Round<T>((cy - (0.5 * h)) * height);
                output[n, r, 2] = Round<T>((cx + (0.5 * w)) * width);
                output[n, r, 3] = Round<T>((cy + (0.5 * h)) * height);
            }
        }

        return new(output);
    }

    public override Quantity NormalizePictures(IReadOnlyList<Quantity> resized)
    {
        int height = resized.Max(picture => picture.Shape[0]);
        int width = resized.Max(picture => picture.Shape[1]);
        Tensor<float> samples = new([resized.Count, 3, height, width]);
        for (int n = 0; n < resized.Count; n++)
        {
            Tensor<float> picture = PictureNormalization.Normalize((Tensor<byte>)resized[n].Tensor);
            (int rows, int columns) = (picture.Shape[1], picture.Shape[2]);
            for (int row = 0; row < 3 * rows; row++)
            {
                picture.AsReadOnlySpan().Slice(row * columns, columns).CopyTo(
                    samples.AsSpan().Slice(((((n * 3) + (row / rows)) * height) + (row % rows)) * width, columns));
            }
        }

        return Given(samples);
    }

    protected static Tensor<T> Of(Quantity x) => (Tensor<T>)x.Tensor;

    protected static Tensor<T> Zeros(TensorShape shape) => new(shape);

    private Quantity Binary(Quantity a, Quantity b, Func<double, double, double> function)
    {
        TensorShape shape = Moves.Common(a.Shape, b.Shape);
        Tensor<T> x = (Tensor<T>)Moves.Expand(Context, a.Tensor, shape);
        Tensor<T> y = (Tensor<T>)Moves.Expand(Context, b.Tensor, shape);
        Tensor<T> output = Context.Rent<T>(shape);
        Context.Split(output.Length, 1 << 13, (first, last) =>
        {
            ReadOnlySpan<T> left = x.AsReadOnlySpan()[first..last];
            ReadOnlySpan<T> right = y.AsReadOnlySpan()[first..last];
            Span<T> to = output.AsSpan()[first..last];
            for (int i = 0; i < to.Length; i++)
            {
                to[i] = Round<T>(function(Widen(left[i]), Widen(right[i])));
            }
        });
        return new(output);
    }

    private static Tensor<T> Narrow(Tensor<double> wide)
    {
        Tensor<T> narrow = new(wide.Shape) { Name = wide.Name };
        TensorPrimitives.ConvertTruncating(wide.AsReadOnlySpan(), narrow.AsSpan());
        return narrow;
    }
}
