using System.Runtime.Intrinsics;
using CommunityToolkit.HighPerformance.Buffers;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

internal static partial class LegalOperators
{
    public static Tensor<float> SamplingLocations(
        OperatorContext context, LegalOrder order, Tensor<float> referencePoints, Tensor<float> samplingOffsets, Tensor<long> spatialShapes)
    {
        Tensor<float> output = Reference.SamplingLocations.Forward(
            context.Ordered(SummationOrder.House), referencePoints, samplingOffsets, spatialShapes);
        if (order.Locations == LocationOrder.House)
        {
            return output;
        }

        bool boxes = referencePoints.Shape[^1] == 4;
        TensorShape s = samplingOffsets.Shape;
        (int heads, int levels, int points) = (s[2], s[3], s[4]);
        bool reciprocals = order.Locations == LocationOrder.Reciprocals;
        context.Split(s[0] * s[1], Least(s.LengthFrom(2)), (first, last) =>
        {
            ReadOnlySpan<float> references = referencePoints.AsReadOnlySpan();
            ReadOnlySpan<float> offsets = samplingOffsets.AsReadOnlySpan();
            Span<float> locations = output.AsSpan();
            int at = first * s.LengthFrom(2);
            for (int query = first; query < last; query++)
            {
                for (int head = 0; head < heads; head++)
                {
                    for (int level = 0; level < levels; level++)
                    {
                        ReadOnlySpan<float> reference = references.Slice(((query * levels) + level) * (boxes ? 4 : 2), boxes ? 4 : 2);
                        for (int i = 0; i < 2 * points; i++, at++)
                        {
                            int axis = i & 1;
                            float cells = spatialShapes[level, 1 - axis];
                            if (boxes)
                            {
                                float step = reciprocals
                                    ? offsets[at] * (0.5f / points) * reference[2 + axis]
                                    : offsets[at] / points * reference[2 + axis] * 0.5f;
                                locations[at] = reference[axis] + step;
                            }
                            else
                            {
                                locations[at] = reciprocals
                                    ? LegalFunctions.MultiplyAdd(offsets[at], 1 / cells, reference[axis], order.Fused)
                                    : reference[axis] + (offsets[at] / cells);
                            }
                        }
                    }
                }
            }
        });
        return output;
    }

    public static Tensor<float> MSDeformAttnCore(
        OperatorContext context, LegalOrder order, Tensor<float> value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex,
        Tensor<float> samplingLocations, Tensor<float> attentionWeights)
    {
        if (order.Core == CoreOrder.House)
        {
            return Reference.MSDeformAttnCore.Forward(
                context.Ordered(SummationOrder.House), value, spatialShapes, levelStartIndex, samplingLocations, attentionWeights);
        }

        TensorShape s = samplingLocations.Shape;
        CoreSums core = new(
            order, value, spatialShapes, levelStartIndex, samplingLocations, attentionWeights,
            context.Rent<float>([s[0], s[1], s[2] * value.Shape[3]]));
        context.Split(s[0] * s[1], Least(s.LengthFrom(2) * value.Shape[3]), core.Run);
        return core.Output;
    }

    private sealed class CoreSums(
        LegalOrder order, Tensor<float> value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, Tensor<float> samplingLocations,
        Tensor<float> attentionWeights, Tensor<float> output)
    {
        private readonly int _channels = value.Shape[3];
        private readonly int _heads = value.Shape[2];
        private readonly int _queries = samplingLocations.Shape[1];
        private readonly int _levels = samplingLocations.Shape[3];
        private readonly int _points = samplingLocations.Shape[4];

        public Tensor<float> Output => output;

        public void Run(int first, int last)
        {
            using SpanOwner<float> scratch = SpanOwner<float>.Allocate(3 * _channels, AllocationMode.Clear);
            Span<float> zeros = scratch.Span[..(_channels)];
            Span<float> levelSum = scratch.Span.Slice(_channels, _channels);
            Span<float> sample = scratch.Span[(2 * _channels)..];
            bool backwards = order.Core == CoreOrder.Descending;
            for (int item = first * _heads; item < last * _heads; item++)
            {
                Span<float> sum = output.AsSpan().Slice(item * _channels, _channels);
                sum.Clear();
                int n = item / _heads / _queries;
                for (int i = 0; i < _levels; i++)
                {
                    int level = backwards ? _levels - 1 - i : i;
                    levelSum.Clear();
                    for (int j = 0; j < _points; j++)
                    {
                        Sample(n, item, level, backwards ? _points - 1 - j : j, sum, levelSum, sample, zeros);
                    }

                    if (order.Core == CoreOrder.ByLevel)
                    {
                        Add(sum, levelSum, 1);
                    }
                }
            }
        }

        private void Sample(
            int n, int item, int level, int point, Span<float> sum, Span<float> levelSum, Span<float> sample, ReadOnlySpan<float> zeros)
        {
            int at = (((item * _levels) + level) * _points) + point;
            (int height, int width) = ((int)spatialShapes[level, 0], (int)spatialShapes[level, 1]);
            float px = Position(samplingLocations.AsReadOnlySpan()[2 * at], width);
            float py = Position(samplingLocations.AsReadOnlySpan()[(2 * at) + 1], height);
            if (!(px > -1 && px < width && py > -1 && py < height))
            {
                return;
            }

            float weight = attentionWeights.AsReadOnlySpan()[at];
            (int left, int top) = ((int)MathF.Floor(px), (int)MathF.Floor(py));
            (float fx, float fy) = (px - left, py - top);
            ReadOnlySpan<float> c0 = Corner(n, item % _heads, level, left, top, zeros);
            ReadOnlySpan<float> c1 = Corner(n, item % _heads, level, left + 1, top, zeros);
            ReadOnlySpan<float> c2 = Corner(n, item % _heads, level, left, top + 1, zeros);
            ReadOnlySpan<float> c3 = Corner(n, item % _heads, level, left + 1, top + 1, zeros);
            (float gx, float gy) = (1 - fx, 1 - fy);
            switch (order.Core)
            {
                case CoreOrder.Descending:
                    Add(sum, c3, weight * (fx * fy));
                    Add(sum, c2, weight * (gx * fy));
                    Add(sum, c1, weight * (fx * gy));
                    Add(sum, c0, weight * (gx * gy));
                    break;
                case CoreOrder.ByLevel:
                    sample.Clear();
                    Add(sample, c0, gy * gx);
                    Add(sample, c1, gy * fx);
                    Add(sample, c2, fy * gx);
                    Add(sample, c3, fy * fx);
                    Add(levelSum, sample, weight);
                    break;
                default:
                    // Bottom row in sample, then the top row over it: in x, then in y.
                    sample.Clear();
                    Add(sample, c2, gx);
                    Add(sample, c3, fx);
                    levelSum.Clear();
                    Add(levelSum, c0, gx);
                    Add(levelSum, c1, fx);
                    Lerp(levelSum, gy, sample, fy);
                    Add(sum, levelSum, weight);
                    break;
            }
        }

        private float Position(float location, int size) => order.Positions switch
        {
            PositionOrder.Grid => ((((2 * location) - 1 + 1) * size) - 1) / 2,
            PositionOrder.Direct => (location * size) - 0.5f,
            _ => (float)(((double)location * size) - 0.5),
        };

        private ReadOnlySpan<float> Corner(int n, int head, int level, int x, int y, ReadOnlySpan<float> zeros)
        {
            (int height, int width) = ((int)spatialShapes[level, 0], (int)spatialShapes[level, 1]);
            if ((uint)x >= (uint)width || (uint)y >= (uint)height)
            {
                return zeros;
            }

            int token = (int)levelStartIndex[level] + (y * width) + x;
            return value.AsReadOnlySpan().Slice(((((n * value.Shape[1]) + token) * _heads) + head) * _channels, _channels);
        }

        // sum += v · weight, fused or not.
        private void Add(Span<float> sum, ReadOnlySpan<float> v, float weight)
        {
            Vector256<float> weights = Vector256.Create(weight);
            bool fused = order.Fused;
            int i = 0;
            for (; i + 8 <= sum.Length; i += 8)
            {
                Vector256<float> term = Vector256.LoadUnsafe(in v[i]);
                Vector256<float> before = Vector256.LoadUnsafe(in sum[i]);
                (fused ? Vector256.FusedMultiplyAdd(term, weights, before) : (term * weights) + before).StoreUnsafe(ref sum[i]);
            }

            for (; i < sum.Length; i++)
            {
                sum[i] = LegalFunctions.MultiplyAdd(v[i], weight, sum[i], fused);
            }
        }

        // a = a · one + b · other.
        private static void Lerp(Span<float> a, float one, ReadOnlySpan<float> b, float other)
        {
            for (int i = 0; i < a.Length; i++)
            {
                a[i] = (a[i] * one) + (b[i] * other);
            }
        }
    }
}
