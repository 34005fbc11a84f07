using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Simd;

namespace DeformDetr.Reference;

public static partial class MSDeformAttnCore
{
    // Adding 1.5 · 2^52 to a whole number below 2^51 leaves it in the low bits of the sum.
    private const double Shifter = 6755399441055744.0;

    // Per query and head: first the corners (where they lie, what they weigh), then one chain of fused multiply-adds per channel over
    // levels, points and corners in index order. Lanes are channels. No tensor of samples exists.
    private static void Simd<T>(
        OperatorContext context, Tensor<T> value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, Tensor<T> samplingLocations,
        Tensor<T> attentionWeights, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CoreShape s = new(value.Shape, samplingLocations.Shape);
        int samples = s.Heads * s.Levels * s.Points;
        int width = s.Heads * s.Channels;
        using Sampler<T> sampler = new(context, value, spatialShapes, levelStartIndex, s.Queries, s.Points);
        RowBlocks.Run(context, s.Batch * s.Queries, (row, rows, _) => sampler.Rows(
            row, rows, samplingLocations.AsReadOnlySpan().Slice(row * samples * 2, rows * samples * 2),
            attentionWeights.AsReadOnlySpan().Slice(row * samples, rows * samples), output.AsSpan().Slice(row * width, rows * width)));
    }

    // A value made ready for rows of queries on any thread. Many queries read every token many times: then the tokens of a head are laid side
    // by side first, at cache lines.
    internal sealed class Sampler<T> : IDisposable
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        private readonly Tensor<T>? _value;
        private readonly CoreShape _shape;
        private readonly Level[] _levels;
        private readonly Sixteens? _sixteens;
        private readonly AlignedBuffer<T> _laidApart;

        public Sampler(
            OperatorContext context, Tensor<T> value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, int queries, int points)
            : this(context, value.Shape, spatialShapes, levelStartIndex, queries, points, queries >= value.Shape[1] / 4)
        {
            if (queries < _shape.Tokens / 4)
            {
                _value = value;
                return;
            }

            int width = _shape.Heads * _shape.Channels;
            context.Split(_shape.Batch * _shape.Tokens, Math.Max(1, (1 << 15) / Math.Max(1, width)), (first, last) =>
                Put(first, value.AsReadOnlySpan()[(first * width)..(last * width)]));
        }

        // Without a value: Put brings it, all tokens. shape: [N, S, M, D].
        public Sampler(
            OperatorContext context, TensorShape shape, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, int queries, int points,
            bool apart = true)
        {
            int levels = spatialShapes.Shape[0];
            Check(
                shape, spatialShapes, levelStartIndex, [shape[0], queries, shape[2], levels, points, 2],
                [shape[0], queries, shape[2], levels, points]);
            _shape = new CoreShape(shape, queries, levels, points);
            _levels = Level.All(spatialShapes, levelStartIndex);
            _sixteens = Sixteens.For<T>(_levels, points, Stride(_shape, apart));
            _laidApart = context.Scratch<T>(apart ? shape.ElementCount : 0);
        }

        // Some of the N · S tokens, [.., M, D], to their places in [N, M, S, D].
        public void Put(int row, ReadOnlySpan<T> tokens)
        {
            Span<T> target = _laidApart.Span;
            int channels = _shape.Channels;
            for (int at = 0; at < tokens.Length; row++)
            {
                (int n, int token) = (row / _shape.Tokens, row % _shape.Tokens);
                for (int head = 0; head < _shape.Heads; head++, at += channels)
                {
                    int to = (((n * _shape.Heads) + head) * _shape.Tokens) + token;
                    tokens.Slice(at, channels).CopyTo(target.Slice(to * channels, channels));
                }
            }
        }

        // Rows of N · Lq queries from the given one; the spans start with that query.
        public void Rows(int row, int count, ReadOnlySpan<T> locations, ReadOnlySpan<T> attention, Span<T> output) =>
            new Rows<T>(_shape, _levels, _value is null, _sixteens).Sample(
                _value is null ? _laidApart.Span : _value.AsReadOnlySpan(), row, count, locations, attention, output);

        public void Dispose() => _laidApart.Dispose();
    }

    // Rows of queries on one thread, with what they need beside them.
    private readonly struct Rows<T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        private readonly CoreShape _shape;
        private readonly Level[] _levels;
        private readonly int _headStride;
        private readonly Geometry<T> _geometry;
        private readonly Sixteens? _sixteens;
        private readonly CornerList<T> _even;
        private readonly CornerList<T> _odd;

        public Rows(CoreShape shape, Level[] levels, bool apart, Sixteens? sixteens)
        {
            _shape = shape;
            _levels = levels;
            _headStride = shape.Channels * (apart ? shape.Tokens : 1);
            _sixteens = sixteens;
            _geometry = sixteens is null ? new Geometry<T>(levels, shape.Points, Stride(shape, apart)) : default;
            _even = new CornerList<T>(Sixteens.Room(shape.Levels * shape.Points));
            _odd = new CornerList<T>(Sixteens.Room(shape.Levels * shape.Points));
        }

        // values: [N, M, S, D] where heads lie apart, else [N, S, M, D].
        public void Sample(
            ReadOnlySpan<T> values, int row, int count, ReadOnlySpan<T> locations, ReadOnlySpan<T> attention, Span<T> output)
        {
            int ofImage = _shape.Tokens * _shape.Heads * _shape.Channels;
            for (int done = 0; done < count;)
            {
                // All queries of an image take turns with one head before the next: what they read of it stays in the cache.
                int batch = (row + done) / _shape.Queries;
                int block = Math.Min(count - done, ((batch + 1) * _shape.Queries) - row - done);
                for (int head = 0; head < _shape.Heads; head++)
                {
                    Block(
                        values.Slice(batch * ofImage, ofImage)[(head * _headStride)..], head, done, block, locations, attention, output);
                }

                done += block;
            }
        }

        // Two queries at a time: their chains don't wait for each other.
        private void Block(
            ReadOnlySpan<T> values, int head, int first, int count, ReadOnlySpan<T> locations, ReadOnlySpan<T> attention, Span<T> output)
        {
            int channels = _shape.Channels;
            for (int query = first; query < first + count; query += 2)
            {
                int item = (query * _shape.Heads) + head;
                int even = Find(locations, attention, item, _even);
                Span<T> sums = output.Slice(item * channels, channels);
                if (query + 1 < first + count)
                {
                    int odd = Find(locations, attention, item + _shape.Heads, _odd);
                    AccumulatePair(
                        values, _even.Offsets.AsSpan(0, even), _even.Weights, _odd.Offsets.AsSpan(0, odd), _odd.Weights, sums,
                        output.Slice((item + _shape.Heads) * channels, channels));
                }
                else
                {
                    Accumulate(values, _even.Offsets.AsSpan(0, even), _even.Weights, sums);
                }
            }
        }

        // Sets the tokens [N · S] that queries read. Only for heads of one channel that lie apart.
        public void Mark(int row, int count, ReadOnlySpan<T> locations, ReadOnlySpan<T> attention, Span<bool> read)
        {
            for (int query = 0; query < count; query++)
            {
                Span<bool> ofImage = read.Slice((row + query) / _shape.Queries * _shape.Tokens, _shape.Tokens);
                for (int head = 0; head < _shape.Heads; head++)
                {
                    int corners = Find(locations, attention, (query * _shape.Heads) + head, _even);
                    foreach (int token in _even.Offsets.AsSpan(0, corners))
                    {
                        ofImage[token] = true;
                    }
                }
            }
        }

        private int Find(ReadOnlySpan<T> locations, ReadOnlySpan<T> attention, int item, CornerList<T> list)
        {
            int samples = _shape.Levels * _shape.Points;
            ReadOnlySpan<T> points = locations.Slice(item * samples * 2, samples * 2);
            ReadOnlySpan<T> shares = attention.Slice(item * samples, samples);
            if (_sixteens is not null)
            {
                return _sixteens.List(
                    MemoryMarshal.Cast<T, float>(points), MemoryMarshal.Cast<T, float>(shares), list.Offsets,
                    MemoryMarshal.Cast<T, float>(list.Weights.AsSpan()));
            }

            _geometry.Place(points, shares);
            return _geometry.List(_levels, _shape.Points, list);
        }
    }

    // From a token of a head to the next one.
    private static int Stride(CoreShape shape, bool apart) => shape.Channels * (apart ? 1 : shape.Heads);

    // The corners of one query and head that lie inside the map.
    private readonly struct CornerList<T>(int most)
    {
        // Of the first channel, from the start of the head's values.
        public readonly int[] Offsets = new int[most];
        public readonly T[] Weights = new T[most];
    }

    // The samples of one query and head, in double (exact for float locations) and in the textbook's steps, so that a point is never put
    // into its neighbour's cell. Arrays over samples, some longer so that whole vectors fit.
    private readonly struct Geometry<T>
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        private const int Slack = 8;

        private readonly int _stride;
        private readonly double[] _widths;
        private readonly double[] _heights;
        private readonly double[] _starts;
        private readonly T[] _x;
        private readonly T[] _y;
        private readonly T[] _attention;
        private readonly double[] _left;
        private readonly double[] _top;
        private readonly double[] _offset;
        private readonly int _size;

        // By corner and sample, then by sample and corner.
        private readonly T[] _apart;
        private readonly T[] _weights;

        public Geometry(Level[] levels, int points, int stride)
        {
            int size = (levels.Length * points) + Slack;
            _stride = stride;
            _widths = new double[size];
            _heights = new double[size];
            _starts = new double[size];
            for (int sample = 0; sample < levels.Length * points; sample++)
            {
                _widths[sample] = levels[sample / points].Width;
                _heights[sample] = levels[sample / points].Height;
                _starts[sample] = levels[sample / points].Start;
            }

            _x = new T[size];
            _y = new T[size];
            _attention = new T[size];
            _left = new double[size];
            _top = new double[size];
            _offset = new double[size];
            _size = size;
            _apart = new T[4 * size];
            _weights = new T[4 * size];
        }

        public void Place(ReadOnlySpan<T> locations, ReadOnlySpan<T> attention)
        {
            Part(locations[..(2 * attention.Length)], _x, _y);
            attention.CopyTo(_attention);
            if (Vector512.IsHardwareAccelerated)
            {
                Place<DoubleLanes512, Vector512<double>>(attention.Length);
            }
            else if (Vector256.IsHardwareAccelerated)
            {
                Place<DoubleLanes256, Vector256<double>>(attention.Length);
            }
            else
            {
                Place<DoubleLanes128, Vector128<double>>(attention.Length);
            }
        }

        // x and y of points that lie as (x, y).
        private static void Part(ReadOnlySpan<T> points, Span<T> x, Span<T> y)
        {
            for (int i = 0; i < points.Length / 2; i++)
            {
                x[i] = points[2 * i];
                y[i] = points[(2 * i) + 1];
            }
        }

        private void Place<TLanes, TVector>(int samples)
            where TLanes : struct, IDoubleLanes<TVector>
            where TVector : struct
        {
            TVector one = TLanes.Broadcast(1);
            TVector half = TLanes.Broadcast(0.5);
            for (int sample = 0; sample < samples; sample += TLanes.Count)
            {
                TVector widths = TLanes.Load(in _widths[sample], 0);
                TVector px = TLanes.Subtract(TLanes.Multiply(Lanes.Load<TLanes, TVector, T>(in _x[sample], 0), widths), half);
                TVector py = TLanes.Subtract(
                    TLanes.Multiply(Lanes.Load<TLanes, TVector, T>(in _y[sample], 0), TLanes.Load(in _heights[sample], 0)), half);
                TVector left = TLanes.Floor(px);
                TVector top = TLanes.Floor(py);
                TVector fx = TLanes.Subtract(px, left);
                TVector fy = TLanes.Subtract(py, top);
                TVector gx = TLanes.Subtract(one, fx);
                TVector gy = TLanes.Subtract(one, fy);
                TVector weight = Lanes.Load<TLanes, TVector, T>(in _attention[sample], 0);
                TLanes.Store(left, ref _left[sample], 0);
                TLanes.Store(top, ref _top[sample], 0);

                // Exact wherever the sample is used.
                TVector token = TLanes.Add(TLanes.Add(TLanes.Load(in _starts[sample], 0), TLanes.Multiply(top, widths)), left);
                TLanes.Store(
                    TLanes.Add(TLanes.Multiply(token, TLanes.Broadcast(_stride)), TLanes.Broadcast(Shifter)), ref _offset[sample], 0);
                Lanes.Store<TLanes, TVector, T>(TLanes.Multiply(weight, TLanes.Multiply(gx, gy)), ref _apart[sample], 0);
                Lanes.Store<TLanes, TVector, T>(TLanes.Multiply(weight, TLanes.Multiply(fx, gy)), ref _apart[_size + sample], 0);
                Lanes.Store<TLanes, TVector, T>(TLanes.Multiply(weight, TLanes.Multiply(gx, fy)), ref _apart[(2 * _size) + sample], 0);
                Lanes.Store<TLanes, TVector, T>(TLanes.Multiply(weight, TLanes.Multiply(fx, fy)), ref _apart[(3 * _size) + sample], 0);
            }

            for (int corner = 0; corner < 4; corner += Transposition.Rows<T>())
            {
                Transposition.Strip(_apart.AsSpan(corner * _size), _size, _weights.AsSpan(corner), 4, samples);
            }
        }

        // Samples ascending, corners as top left, top right, bottom left, bottom right; those outside the map are left out.
        public int List(Level[] levels, int points, CornerList<T> list)
        {
            int[] offsets = list.Offsets;
            T[] weights = list.Weights;
            int count = 0;
            int sample = 0;
            foreach (ref readonly Level level in levels.AsSpan())
            {
                double lastColumn = level.Width - 1;
                double lastRow = level.Height - 1;
                int below = level.Width * _stride;
                Vector128<int> steps = Vector128.Create(0, _stride, below, below + _stride);
                for (int point = 0; point < points; point++, sample++)
                {
                    double left = _left[sample];
                    double top = _top[sample];
                    int offset = (int)BitConverter.DoubleToInt64Bits(_offset[sample]);
                    if (left >= 0 && left < lastColumn && top >= 0 && top < lastRow)
                    {
                        (Vector128.Create(offset) + steps).CopyTo(offsets, count);
                        Four(in _weights[4 * sample], ref weights.AsSpan(count, 4)[0]);
                        count += 4;
                        continue;
                    }

                    // Written so that NaN is outside too.
                    if (!(left >= -1 && left <= lastColumn && top >= -1 && top <= lastRow))
                    {
                        continue;
                    }

                    bool inLeft = left >= 0;
                    bool inRight = left < lastColumn;
                    if (top >= 0)
                    {
                        if (inLeft)
                        {
                            offsets[count] = offset;
                            weights[count++] = _weights[4 * sample];
                        }

                        if (inRight)
                        {
                            offsets[count] = offset + _stride;
                            weights[count++] = _weights[(4 * sample) + 1];
                        }
                    }

                    if (top < lastRow)
                    {
                        if (inLeft)
                        {
                            offsets[count] = offset + below;
                            weights[count++] = _weights[(4 * sample) + 2];
                        }

                        if (inRight)
                        {
                            offsets[count] = offset + below + _stride;
                            weights[count++] = _weights[(4 * sample) + 3];
                        }
                    }
                }
            }

            return count;
        }
    }

    private static void Four<T>(ref readonly T source, ref T target)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(float))
        {
            Vector128.LoadUnsafe(in source).StoreUnsafe(ref target);
        }
        else
        {
            Vector256.LoadUnsafe(in source).StoreUnsafe(ref target);
        }
    }

    private static void Accumulate<T>(ReadOnlySpan<T> values, ReadOnlySpan<int> offsets, ReadOnlySpan<T> weights, Span<T> sums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (Vector512.IsHardwareAccelerated)
        {
            Accumulate<Lanes512<T>, Vector512<T>, T>(values, offsets, weights, sums);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            Accumulate<Lanes256<T>, Vector256<T>, T>(values, offsets, weights, sums);
        }
        else
        {
            Accumulate<Lanes128<T>, Vector128<T>, T>(values, offsets, weights, sums);
        }
    }

    // Two queries of one head.
    private static void AccumulatePair<T>(
        ReadOnlySpan<T> values, ReadOnlySpan<int> offsets, ReadOnlySpan<T> weights, ReadOnlySpan<int> nextOffsets,
        ReadOnlySpan<T> nextWeights, Span<T> sums, Span<T> nextSums)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (Vector512.IsHardwareAccelerated && sums.Length % (2 * Vector512<T>.Count) == 0)
        {
            AccumulatePair<Lanes512<T>, Vector512<T>, T>(values, offsets, weights, nextOffsets, nextWeights, sums, nextSums);
        }
        else if (Vector256.IsHardwareAccelerated && sums.Length % (2 * Vector256<T>.Count) == 0)
        {
            AccumulatePair<Lanes256<T>, Vector256<T>, T>(values, offsets, weights, nextOffsets, nextWeights, sums, nextSums);
        }
        else
        {
            Accumulate(values, offsets, weights, sums);
            Accumulate(values, nextOffsets, nextWeights, nextSums);
        }
    }

    // Four chains of fused multiply-adds at once, as long as both queries have corners; channels are whole pairs of vectors.
    internal static void AccumulatePair<TLanes, TVector, T>(
        ReadOnlySpan<T> values, ReadOnlySpan<int> offsets, ReadOnlySpan<T> weights, ReadOnlySpan<int> nextOffsets,
        ReadOnlySpan<T> nextWeights, Span<T> sums, Span<T> nextSums)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int width = TLanes.Count;
        int common = Math.Min(offsets.Length, nextOffsets.Length);
        weights = weights[..offsets.Length];
        nextWeights = nextWeights[..nextOffsets.Length];
        for (int channel = 0; channel < sums.Length; channel += 2 * width)
        {
            TVector sum0 = TLanes.Zero;
            TVector sum1 = TLanes.Zero;
            TVector next0 = TLanes.Zero;
            TVector next1 = TLanes.Zero;
            int corner = 0;
            for (; corner < common; corner++)
            {
                TVector weight = TLanes.Broadcast(weights[corner]);
                ref readonly T v = ref values.Slice(offsets[corner] + channel, 2 * width)[0];
                sum0 = TLanes.MultiplyAdd(weight, TLanes.Load(in v, 0), sum0);
                sum1 = TLanes.MultiplyAdd(weight, TLanes.Load(in v, (nuint)width), sum1);
                TVector nextWeight = TLanes.Broadcast(nextWeights[corner]);
                ref readonly T w = ref values.Slice(nextOffsets[corner] + channel, 2 * width)[0];
                next0 = TLanes.MultiplyAdd(nextWeight, TLanes.Load(in w, 0), next0);
                next1 = TLanes.MultiplyAdd(nextWeight, TLanes.Load(in w, (nuint)width), next1);
            }

            for (int rest = corner; rest < offsets.Length; rest++)
            {
                TVector weight = TLanes.Broadcast(weights[rest]);
                ref readonly T v = ref values.Slice(offsets[rest] + channel, 2 * width)[0];
                sum0 = TLanes.MultiplyAdd(weight, TLanes.Load(in v, 0), sum0);
                sum1 = TLanes.MultiplyAdd(weight, TLanes.Load(in v, (nuint)width), sum1);
            }

            for (int rest = corner; rest < nextOffsets.Length; rest++)
            {
                TVector nextWeight = TLanes.Broadcast(nextWeights[rest]);
                ref readonly T w = ref values.Slice(nextOffsets[rest] + channel, 2 * width)[0];
                next0 = TLanes.MultiplyAdd(nextWeight, TLanes.Load(in w, 0), next0);
                next1 = TLanes.MultiplyAdd(nextWeight, TLanes.Load(in w, (nuint)width), next1);
            }

            TLanes.Store(sum0, ref sums[channel], 0);
            TLanes.Store(sum1, ref sums[channel], (nuint)width);
            TLanes.Store(next0, ref nextSums[channel], 0);
            TLanes.Store(next1, ref nextSums[channel], (nuint)width);
        }
    }

    internal static void Accumulate<TLanes, TVector, T>(
        ReadOnlySpan<T> values, ReadOnlySpan<int> offsets, ReadOnlySpan<T> weights, Span<T> sums)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int width = TLanes.Count;
        int channel = 0;
        for (; channel + (2 * width) <= sums.Length; channel += 2 * width)
        {
            TVector sum0 = TLanes.Zero;
            TVector sum1 = TLanes.Zero;
            for (int corner = 0; corner < offsets.Length; corner++)
            {
                TVector weight = TLanes.Broadcast(weights[corner]);
                ref readonly T v = ref values.Slice(offsets[corner] + channel, 2 * width)[0];
                sum0 = TLanes.MultiplyAdd(weight, TLanes.Load(in v, 0), sum0);
                sum1 = TLanes.MultiplyAdd(weight, TLanes.Load(in v, (nuint)width), sum1);
            }

            TLanes.Store(sum0, ref sums[channel], 0);
            TLanes.Store(sum1, ref sums[channel], (nuint)width);
        }

        for (; channel + width <= sums.Length; channel += width)
        {
            TVector sum = TLanes.Zero;
            for (int corner = 0; corner < offsets.Length; corner++)
            {
                ref readonly T v = ref values.Slice(offsets[corner] + channel, width)[0];
                sum = TLanes.MultiplyAdd(TLanes.Broadcast(weights[corner]), TLanes.Load(in v, 0), sum);
            }

            TLanes.Store(sum, ref sums[channel], 0);
        }

        for (; channel < sums.Length; channel++)
        {
            T sum = T.Zero;
            for (int corner = 0; corner < offsets.Length; corner++)
            {
                sum = T.FusedMultiplyAdd(weights[corner], values[offsets[corner] + channel], sum);
            }

            sums[channel] = sum;
        }
    }

    private readonly record struct Level(int Height, int Width, int Start)
    {
        public static Level[] All(Tensor<long> spatialShapes, Tensor<long> levelStartIndex)
        {
            Level[] levels = new Level[spatialShapes.Shape[0]];
            for (int level = 0; level < levels.Length; level++)
            {
                levels[level] = new Level((int)spatialShapes[level, 0], (int)spatialShapes[level, 1], (int)levelStartIndex[level]);
            }

            return levels;
        }
    }
}
