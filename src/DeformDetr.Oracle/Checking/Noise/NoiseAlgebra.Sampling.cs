using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

internal sealed partial class NoiseAlgebra
{
    // Reference + offset / size, or centre + offset / P · side / 2 in any order of its factors.
    public override Quantity SamplingLocations(Quantity referencePoints, Quantity samplingOffsets, Quantity spatialShapes)
    {
        Quantity value = _values.SamplingLocations(referencePoints, samplingOffsets, spatialShapes);
        TensorShape s = samplingOffsets.Shape;
        (int levels, int points) = (s[3], s[4]);
        int known = referencePoints.Shape[^1];
        double[] sizes = Sizes(spatialShapes.Whole);
        int width = s[2] * levels * points * 2;
        return Filled(value, s[0] * s[1], Math.Max(1, Part / Math.Max(1, width)), (first, last, to, result) =>
        {
            ReadOnlySpan<double> reference = referencePoints.Real.AsReadOnlySpan();
            ReadOnlySpan<double> offset = samplingOffsets.Real.AsReadOnlySpan();
            ReadOnlySpan<double> referenceNoise = Noise(referencePoints);
            ReadOnlySpan<double> offsetNoise = Noise(samplingOffsets);
            for (int i = first * width; i < last * width; i++)
            {
                int axis = i % 2;
                int level = i / (2 * points) % levels;
                int at = (((i / width * levels) + level) * known) + axis;
                (double x, double given) = (Math.Abs(offset[i]), At(offsetNoise, i));
                double own = At(referenceNoise, at);
                if (known == 2)
                {
                    // A product with the reciprocal is legal.
                    own += ((2 * U * x) + given) / sizes[(2 * level) + axis];
                }
                else
                {
                    double half = 0.5 / points;
                    double side = Math.Abs(reference[at + 2]);
                    own += (half * side * ((3 * U * x) + given)) + (half * x * At(referenceNoise, at + 2));
                }

                to[i] = _unit.Settle(own + (U * Math.Abs(result[i])), result[i]);
            }
        });
    }

    // Σ over levels, points and corners of attention · bilinear · value. A point's position errs by a few
    // Epsilon of pixels, which the slope of the value field turns into an error of the sample.
    public override Quantity Sample(
        Quantity value, Quantity spatialShapes, Quantity levelStartIndex, Quantity samplingLocations, Quantity attentionWeights)
    {
        Quantity result = _values.Sample(value, spatialShapes, levelStartIndex, samplingLocations, attentionWeights);
        Tensor<double> noise = Context.Rent<double>(result.Shape);
        using BufferScope scope = _fast.Scope();
        SampledField field = new(_fast, value.Real, value.Noise);
        SampledPoints points = new(U, field, spatialShapes.Whole, levelStartIndex.Whole, samplingLocations, attentionWeights);
        int channels = value.Shape[3];
        int items = result.Tensor.Length / Math.Max(1, channels);
        Context.Split(items, Math.Max(1, Part / Math.Max(1, channels * points.Count)), (first, last) =>
        {
            Span<float> sums = new float[field.Width];
            SampledPoint[] scratch = new SampledPoint[points.Count];
            for (int item = first; item < last; item++)
            {
                int count = points.Place(item, scratch);
                field.Add(scratch.AsSpan(0, count), sums);
                ReadOnlySpan<double> y = result.Real.AsReadOnlySpan().Slice(item * channels, channels);
                Span<double> to = noise.AsSpan().Slice(item * channels, channels);
                for (int channel = 0; channel < channels; channel++)
                {
                    to[channel] = _unit.Settle((sums[channel] * field.Unit) + (U * Math.Abs(y[channel])), y[channel]);
                }
            }
        });
        return new Quantity(result.Tensor, noise);
    }

    // (W, H) of each level, as points have their axes.
    private static double[] Sizes(Tensor<long> spatialShapes)
    {
        double[] sizes = new double[spatialShapes.Length];
        for (int i = 0; i < sizes.Length; i++)
        {
            sizes[i] = spatialShapes.AsReadOnlySpan()[i ^ 1];
        }

        return sizes;
    }

    // A cell's corners, as places in the field; outside the map they are a row of zeros.
    private readonly record struct Cell(int TopLeft, int TopRight, int BottomLeft, int BottomRight);

    // What one point adds: its cell, and the cell beside it along an axis where the position is within its error of the line between them;
    // across the corner where it is within that of both lines.
    private readonly record struct SampledPoint(
        Cell Cell, float X, float Y, float Sum, float Attention, float MoveX, float MoveY, float MoveBoth, bool AtLineX, bool AtLineY,
        Cell BesideX, Cell BesideY, Cell Across);

    // The points of an output's query and head.
    private sealed class SampledPoints(
        double u, SampledField field, Tensor<long> spatialShapes, Tensor<long> starts, Quantity locations, Quantity attention)
    {
        // Bilinear factors are made of two differences and a product, then comes the product with the attention.
        private const double Corner = 4;

        // Interpolated as v + f · (w − v), a sample errs by two roundings of w − v: as if the position erred by so much.
        private const double Interpolation = 2;

        private readonly int _tokens = field.Tokens;
        private readonly int _points = locations.Shape[4];
        private readonly int _heads = locations.Shape[2];
        private readonly int _queries = locations.Shape[1];

        public int Count { get; } = locations.Shape[3] * locations.Shape[4];

        public int Place(int item, SampledPoint[] to)
        {
            int n = item / _heads / _queries;
            int head = item % _heads;
            double growth = u * (SumGrowth.Of(4L * Count) + Corner);
            ReadOnlySpan<long> sizes = spatialShapes.AsReadOnlySpan();
            ReadOnlySpan<double> weights = attention.Real.AsReadOnlySpan().Slice(item * Count, Count);
            ReadOnlySpan<double> weightNoise = Part(attention, item * Count, Count);
            ReadOnlySpan<double> places = locations.Real.AsReadOnlySpan().Slice(2 * item * Count, 2 * Count);
            ReadOnlySpan<double> placeNoise = Part(locations, 2 * item * Count, 2 * Count);
            int count = 0;
            for (int i = 0; i < Count; i++)
            {
                int level = i / _points;
                int height = (int)sizes[2 * level];
                int width = (int)sizes[(2 * level) + 1];
                (double x, double moveX) = Position(places[2 * i], At(placeNoise, 2 * i), width);
                (double y, double moveY) = Position(places[(2 * i) + 1], At(placeNoise, (2 * i) + 1), height);
                double weight = Math.Abs(weights[i]);
                double given = At(weightNoise, i);

                // Farther out than a cell and its error nothing is read.
                if (!(x > -1 - moveX && x < width + moveX && y > -1 - moveY && y < height + moveY))
                {
                    continue;
                }

                double left = Math.Floor(x);
                double top = Math.Floor(y);
                double right = x - left;
                double down = y - top;
                Map map = new(field, n, head, (int)starts.AsReadOnlySpan()[level], width, height, _tokens);
                int sideX = Beside(right, moveX);
                int sideY = Beside(down, moveY);
                Cell cell = map.Cell((int)left, (int)top);
                to[count++] = new SampledPoint(
                    cell, (float)right, (float)down, (float)(((growth * weight) + given) * field.Up),
                    (float)(weight * field.Up), (float)((weight + given) * moveX * field.Up), (float)((weight + given) * moveY * field.Up),
                    (float)((weight + given) * Math.Min(1, moveX) * Math.Min(1, moveY) * field.Up), sideX != 0, sideY != 0,
                    sideX == 0 ? cell : map.Cell((int)left + sideX, (int)top),
                    sideY == 0 ? cell : map.Cell((int)left, (int)top + sideY),
                    sideX == 0 || sideY == 0 ? cell : map.Cell((int)left + sideX, (int)top + sideY));
            }

            return count;
        }

        // ((2 · location − 1 + 1) · size − 1) / 2, as the original has it, and each rounding of it, in pixels.
        private (double Position, double Error) Position(double location, double noise, int size)
        {
            double position = (location * size) - 0.5;
            double error = (u * ((size * (Math.Abs(location - 0.5) + (2 * Math.Abs(location)))) + Math.Abs(position) + Interpolation))
                + (size * noise);
            return (position, error);
        }

        private static ReadOnlySpan<double> Part(Quantity x, int start, int length) =>
            x.Noise is null ? [] : x.Noise.AsReadOnlySpan().Slice(start, length);

        private static int Beside(double fraction, double error) => fraction < error ? -1 : 1 - fraction < error ? 1 : 0;

        private readonly struct Map(SampledField field, int n, int head, int start, int width, int height, int tokens)
        {
            public Cell Cell(int left, int top) =>
                new(Corner(left, top), Corner(left + 1, top), Corner(left, top + 1), Corner(left + 1, top + 1));

            private int Corner(int x, int y) =>
                x >= 0 && x < width && y >= 0 && y < height
                    ? field.Offset((n * tokens) + start + (y * width) + x, head)
                    : field.Nothing;
        }
    }

    // Values (and their noise) as float32 in units of a power of two, channels filled up to whole vectors; a row of zeros at the end.
    private sealed class SampledField
    {
        private readonly int _heads;
        private readonly Tensor<float> _values;
        private readonly Tensor<float>? _noise;

        public SampledField(OperatorContext context, Tensor<double> value, Tensor<double>? noise)
        {
            TensorShape s = value.Shape;
            _heads = s[2];
            Tokens = s[1];
            Width = (s[3] + Vector512<float>.Count - 1) / Vector512<float>.Count * Vector512<float>.Count;
            Nothing = s[0] * s[1] * s[2] * Width;
            double largest = Math.Max(Largest(context, value), noise is null ? 0 : Largest(context, noise));
            int exponent = largest > 0 ? Math.Clamp(Headroom - Math.ILogB(largest), -900, 900) : 0;
            double up = Math.ScaleB(1, exponent);
            Up = Math.ScaleB(1, Headroom);
            Unit = Math.ScaleB(1, -exponent - Headroom);
            _values = Laid(value);
            _noise = noise is null ? null : Laid(noise);

            Tensor<float> Laid(Tensor<double> from)
            {
                Tensor<float> to = context.Rent<float>([Nothing + Width]);
                int channels = s[3];
                context.Split(s[0] * s[1] * s[2], Math.Max(1, Part / Math.Max(1, Width)), (first, last) =>
                {
                    for (int row = first; row < last; row++)
                    {
                        ReadOnlySpan<double> source = from.AsReadOnlySpan().Slice(row * channels, channels);
                        Span<float> target = to.AsSpan().Slice(row * Width, Width);
                        for (int channel = 0; channel < source.Length; channel++)
                        {
                            target[channel] = (float)(source[channel] * up);
                        }

                        target[channels..].Clear();
                    }
                });
                to.AsSpan()[Nothing..].Clear();
                return to;
            }
        }

        public int Tokens { get; }

        public int Width { get; }

        // Where the row of zeros starts.
        public int Nothing { get; }

        // Factors of points are brought up so far, since they are small.
        public double Up { get; }

        // What a sum is counted in.
        public double Unit { get; }

        public int Offset(int token, int head) => ((token * _heads) + head) * Width;

        // Sets the sums of all channels: |value| and noise by the bilinear factors, and slopes by the error of the position.
        public void Add(ReadOnlySpan<SampledPoint> points, Span<float> sums)
        {
            ref float values = ref MemoryMarshal.GetReference(_values.AsReadOnlySpan());
            Vector512<float> absolute = Vector512.Create(int.MaxValue).AsSingle();
            for (int block = 0; block < Width; block += Vector512<float>.Count)
            {
                Vector512<float> sum = Vector512<float>.Zero;
                foreach (ref readonly SampledPoint point in points)
                {
                    Cell cell = point.Cell;
                    Vector512<float> topLeft = Vector512.LoadUnsafe(ref values, (nuint)(cell.TopLeft + block));
                    Vector512<float> topRight = Vector512.LoadUnsafe(ref values, (nuint)(cell.TopRight + block));
                    Vector512<float> bottomLeft = Vector512.LoadUnsafe(ref values, (nuint)(cell.BottomLeft + block));
                    Vector512<float> bottomRight = Vector512.LoadUnsafe(ref values, (nuint)(cell.BottomRight + block));
                    (float right, float down) = (point.X, point.Y);
                    Vector512<float> across = topRight - topLeft;
                    Vector512<float> along = bottomLeft - topLeft;
                    Vector512<float> twist = bottomRight - bottomLeft - across;
                    Vector512<float> slopeX = (across + (twist * down)) & absolute;
                    Vector512<float> slopeY = (along + (twist * right)) & absolute;

                    // Of second order, and all there is where the slopes are zero; within a cell, which is a pixel wide.
                    Vector512<float> bend = twist & absolute;
                    if (point.AtLineX)
                    {
                        slopeX = Vector512.Max(slopeX, SlopeX(ref values, point.BesideX, block, down));
                        bend = Vector512.Max(bend, Bend(ref values, point.BesideX, block));
                    }

                    if (point.AtLineY)
                    {
                        slopeY = Vector512.Max(slopeY, SlopeY(ref values, point.BesideY, block, right));
                        bend = Vector512.Max(bend, Bend(ref values, point.BesideY, block));
                    }

                    if (point.AtLineX && point.AtLineY)
                    {
                        bend = Vector512.Max(bend, Bend(ref values, point.Across, block));
                    }

                    Vector512<float> magnitude = Bilinear(
                        topLeft & absolute, topRight & absolute, bottomLeft & absolute, bottomRight & absolute, right, down);
                    sum += (magnitude * point.Sum) + (slopeX * point.MoveX) + (slopeY * point.MoveY) + (bend * point.MoveBoth);
                    if (_noise is not null)
                    {
                        ref float noise = ref MemoryMarshal.GetReference(_noise.AsReadOnlySpan());
                        sum += point.Attention * Bilinear(
                            Vector512.LoadUnsafe(ref noise, (nuint)(cell.TopLeft + block)),
                            Vector512.LoadUnsafe(ref noise, (nuint)(cell.TopRight + block)),
                            Vector512.LoadUnsafe(ref noise, (nuint)(cell.BottomLeft + block)),
                            Vector512.LoadUnsafe(ref noise, (nuint)(cell.BottomRight + block)), right, down);
                    }
                }

                sum.CopyTo(sums[block..]);
            }
        }

        private static Vector512<float> Bilinear(
            Vector512<float> topLeft, Vector512<float> topRight, Vector512<float> bottomLeft, Vector512<float> bottomRight, float right,
            float down) =>
            (((topLeft * (1 - right)) + (topRight * right)) * (1 - down)) + (((bottomLeft * (1 - right)) + (bottomRight * right)) * down);

        // How much a slope changes from one side of the cell to the other.
        private static Vector512<float> Bend(ref float values, Cell cell, int block) =>
            Vector512.Abs(
                (Vector512.LoadUnsafe(ref values, (nuint)(cell.BottomRight + block))
                    - Vector512.LoadUnsafe(ref values, (nuint)(cell.BottomLeft + block)))
                - (Vector512.LoadUnsafe(ref values, (nuint)(cell.TopRight + block))
                    - Vector512.LoadUnsafe(ref values, (nuint)(cell.TopLeft + block))));

        private static Vector512<float> SlopeX(ref float values, Cell cell, int block, float down) =>
            Vector512.Abs(
                ((Vector512.LoadUnsafe(ref values, (nuint)(cell.TopRight + block))
                    - Vector512.LoadUnsafe(ref values, (nuint)(cell.TopLeft + block))) * (1 - down))
                + ((Vector512.LoadUnsafe(ref values, (nuint)(cell.BottomRight + block))
                    - Vector512.LoadUnsafe(ref values, (nuint)(cell.BottomLeft + block))) * down));

        private static Vector512<float> SlopeY(ref float values, Cell cell, int block, float right) =>
            Vector512.Abs(
                ((Vector512.LoadUnsafe(ref values, (nuint)(cell.BottomLeft + block))
                    - Vector512.LoadUnsafe(ref values, (nuint)(cell.TopLeft + block))) * (1 - right))
                + ((Vector512.LoadUnsafe(ref values, (nuint)(cell.BottomRight + block))
                    - Vector512.LoadUnsafe(ref values, (nuint)(cell.TopRight + block))) * right));
    }
}
