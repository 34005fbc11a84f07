using System.Runtime.Intrinsics;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

internal static partial class LegalOperators
{
    public static Tensor<float> SamplingLocations(
        OperatorContext context, LegalOrder order, Tensor<float> referencePoints, Tensor<float> samplingOffsets, Tensor<long> spatialShapes)
    {
        if (order.Locations == LocationOrder.House)
        {
            return Reference.SamplingLocations.Forward(
                context.Ordered(SummationOrder.House), referencePoints, samplingOffsets, spatialShapes);
        }

        Tensor<float> output = context.Rent<float>(samplingOffsets.Shape);
        bool boxes = referencePoints.Shape[^1] == 4;
        TensorShape s = samplingOffsets.Shape;
        (int heads, int levels, int points) = (s[2], s[3], s[4]);
        bool reciprocals = order.Locations == LocationOrder.Reciprocals;
        float[] sizes = [.. spatialShapes.AsReadOnlySpan().ToArray().Select(size => (float)size)];
        context.Split(s[0] * s[1], Least(s.LengthFrom(2)), (first, last) =>
        {
            ReadOnlySpan<float> references = referencePoints.AsReadOnlySpan();
            ReadOnlySpan<float> offsets = samplingOffsets.AsReadOnlySpan();
            Span<float> locations = output.AsSpan();
            int at = first * heads * levels * points * 2;
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
                            float cells = sizes[(2 * level) + 1 - axis];
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
        context.Split(s[0] * s[1], Least(s.LengthFrom(2) * value.Shape[3]), order.Fused ? core.Run<Fused> : core.Run<Unfused>);
        return core.Output;
    }

    private interface IMultiplyAdd
    {
        static abstract Vector256<float> Of(Vector256<float> a, Vector256<float> b, Vector256<float> c);
    }

    private readonly struct Fused : IMultiplyAdd
    {
        public static Vector256<float> Of(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);
    }

    private readonly struct Unfused : IMultiplyAdd
    {
        public static Vector256<float> Of(Vector256<float> a, Vector256<float> b, Vector256<float> c) => (a * b) + c;
    }

    // A point whose cell lies on the map: its corners as places in the value, -1 outside the map, and where in the cell it is.
    private readonly record struct CorePoint(
        int Level, float Weight, float Right, float Down, int TopLeft, int TopRight, int BottomLeft, int BottomRight);

    private sealed class CoreSums(
        LegalOrder order, Tensor<float> value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, Tensor<float> samplingLocations,
        Tensor<float> attentionWeights, Tensor<float> output)
    {
        private readonly int _channels = value.Shape[3];
        private readonly int _heads = value.Shape[2];
        private readonly int _tokens = value.Shape[1];
        private readonly int _queries = samplingLocations.Shape[1];
        private readonly int _levels = samplingLocations.Shape[3];
        private readonly int _points = samplingLocations.Shape[4];

        public Tensor<float> Output => output;

        // Channels are lanes; each of them takes the points in the order's sequence.
        public void Run<TMultiplyAdd>(int first, int last)
            where TMultiplyAdd : struct, IMultiplyAdd
        {
            CorePoint[] scratch = new CorePoint[_levels * _points];
            for (int item = first * _heads; item < last * _heads; item++)
            {
                ReadOnlySpan<CorePoint> points = scratch.AsSpan(0, Place(item, scratch));
                Span<float> sums = output.AsSpan().Slice(item * _channels, _channels);
                for (int channel = 0; channel < _channels; channel += Vector256<float>.Count)
                {
                    Values values = new(value.AsReadOnlySpan(), channel, Math.Min(Vector256<float>.Count, _channels - channel));
                    Vector256<float> sum = order.Core switch
                    {
                        CoreOrder.Descending => Descending<TMultiplyAdd>(points, values),
                        CoreOrder.ByLevel => ByLevel<TMultiplyAdd>(points, values),
                        _ => Interpolated<TMultiplyAdd>(points, values),
                    };
                    if (values.Count == Vector256<float>.Count)
                    {
                        sum.CopyTo(sums[channel..]);
                        continue;
                    }

                    for (int lane = 0; lane < values.Count; lane++)
                    {
                        sums[channel + lane] = sum[lane];
                    }
                }
            }
        }

        private static Vector256<float> Descending<TMultiplyAdd>(ReadOnlySpan<CorePoint> points, Values values)
            where TMultiplyAdd : struct, IMultiplyAdd
        {
            Vector256<float> sum = Vector256<float>.Zero;
            for (int i = points.Length - 1; i >= 0; i--)
            {
                ref readonly CorePoint point = ref points[i];
                (float right, float down, float weight) = (point.Right, point.Down, point.Weight);
                (float left, float up) = (1 - right, 1 - down);
                sum = TMultiplyAdd.Of(values.At(point.BottomRight), Vector256.Create(weight * (right * down)), sum);
                sum = TMultiplyAdd.Of(values.At(point.BottomLeft), Vector256.Create(weight * (left * down)), sum);
                sum = TMultiplyAdd.Of(values.At(point.TopRight), Vector256.Create(weight * (right * up)), sum);
                sum = TMultiplyAdd.Of(values.At(point.TopLeft), Vector256.Create(weight * (left * up)), sum);
            }

            return sum;
        }

        private static Vector256<float> ByLevel<TMultiplyAdd>(ReadOnlySpan<CorePoint> points, Values values)
            where TMultiplyAdd : struct, IMultiplyAdd
        {
            Vector256<float> sum = Vector256<float>.Zero;
            Vector256<float> ofLevel = Vector256<float>.Zero;
            int level = 0;
            foreach (ref readonly CorePoint point in points)
            {
                if (point.Level != level)
                {
                    (sum, ofLevel, level) = (sum + ofLevel, Vector256<float>.Zero, point.Level);
                }

                (float right, float down) = (point.Right, point.Down);
                (float left, float up) = (1 - right, 1 - down);
                Vector256<float> sample = TMultiplyAdd.Of(values.At(point.TopLeft), Vector256.Create(up * left), Vector256<float>.Zero);
                sample = TMultiplyAdd.Of(values.At(point.TopRight), Vector256.Create(up * right), sample);
                sample = TMultiplyAdd.Of(values.At(point.BottomLeft), Vector256.Create(down * left), sample);
                sample = TMultiplyAdd.Of(values.At(point.BottomRight), Vector256.Create(down * right), sample);
                ofLevel = TMultiplyAdd.Of(sample, Vector256.Create(point.Weight), ofLevel);
            }

            return sum + ofLevel;
        }

        // In x, then in y.
        private static Vector256<float> Interpolated<TMultiplyAdd>(ReadOnlySpan<CorePoint> points, Values values)
            where TMultiplyAdd : struct, IMultiplyAdd
        {
            Vector256<float> sum = Vector256<float>.Zero;
            foreach (ref readonly CorePoint point in points)
            {
                (Vector256<float> right, Vector256<float> left) = (Vector256.Create(point.Right), Vector256.Create(1 - point.Right));
                Vector256<float> top = TMultiplyAdd.Of(values.At(point.TopLeft), left, Vector256<float>.Zero);
                top = TMultiplyAdd.Of(values.At(point.TopRight), right, top);
                Vector256<float> bottom = TMultiplyAdd.Of(values.At(point.BottomLeft), left, Vector256<float>.Zero);
                bottom = TMultiplyAdd.Of(values.At(point.BottomRight), right, bottom);
                Vector256<float> sample = (top * (1 - point.Down)) + (bottom * point.Down);
                sum = TMultiplyAdd.Of(sample, Vector256.Create(point.Weight), sum);
            }

            return sum;
        }

        // The points of a query and head that read anything. How many there are.
        private int Place(int item, CorePoint[] to)
        {
            ReadOnlySpan<long> sizes = spatialShapes.AsReadOnlySpan();
            int from = item * _levels * _points;
            ReadOnlySpan<float> weights = attentionWeights.AsReadOnlySpan().Slice(from, to.Length);
            ReadOnlySpan<float> locations = samplingLocations.AsReadOnlySpan().Slice(2 * from, 2 * to.Length);
            int picture = item / _heads / _queries * _tokens;
            int head = item % _heads;
            int count = 0;
            for (int i = 0; i < to.Length; i++)
            {
                int level = i / _points;
                (int height, int width) = ((int)sizes[2 * level], (int)sizes[(2 * level) + 1]);
                float x = Position(locations[2 * i], width);
                float y = Position(locations[(2 * i) + 1], height);
                if (!(x > -1 && x < width && y > -1 && y < height))
                {
                    continue;
                }

                (int left, int top) = ((int)MathF.Floor(x), (int)MathF.Floor(y));
                int corner = picture + (int)levelStartIndex.AsReadOnlySpan()[level] + (top * width) + left;
                bool hasLeft = left >= 0;
                bool hasRight = left + 1 < width;
                bool hasTop = top >= 0;
                bool hasBottom = top + 1 < height;
                to[count++] = new CorePoint(
                    level, weights[i], x - left, y - top, At(corner, hasTop && hasLeft), At(corner + 1, hasTop && hasRight),
                    At(corner + width, hasBottom && hasLeft), At(corner + width + 1, hasBottom && hasRight));
            }

            return count;

            int At(int token, bool inside) => inside ? ((token * _heads) + head) * _channels : -1;
        }

        private float Position(float location, int size) => order.Positions switch
        {
            PositionOrder.Grid => ((((2 * location) - 1 + 1) * size) - 1) / 2,
            PositionOrder.Direct => (location * size) - 0.5f,
            _ => (float)(((double)location * size) - 0.5),
        };

        // Some channels of every row of the value; zeros outside the map.
        private readonly ref struct Values(ReadOnlySpan<float> value, int channel, int count)
        {
            private readonly ReadOnlySpan<float> _value = value;

            public int Count => count;

            public Vector256<float> At(int row)
            {
                if (row < 0)
                {
                    return Vector256<float>.Zero;
                }

                ReadOnlySpan<float> channels = _value.Slice(row + channel, count);
                return count == Vector256<float>.Count ? Vector256.Create(channels) : Few(channels);
            }

            private static Vector256<float> Few(ReadOnlySpan<float> channels)
            {
                Vector256<float> few = Vector256<float>.Zero;
                for (int lane = 0; lane < channels.Length; lane++)
                {
                    few = few.WithElement(lane, channels[lane]);
                }

                return few;
            }
        }
    }
}
