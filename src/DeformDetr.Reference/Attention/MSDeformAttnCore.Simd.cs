using System.Numerics;
using System.Runtime.Intrinsics;
using CommunityToolkit.HighPerformance.Buffers;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Simd;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Reference;

public static partial class MSDeformAttnCore
{
    // Per query and head: first the corners (where they lie, what they weigh), then one chain of fused multiply-adds per channel over
    // levels, points and corners in index order. Lanes are channels. No tensor of samples exists.
    private static void Simd<T>(
        OperatorContext context, Tensor<T> value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, Tensor<T> samplingLocations,
        Tensor<T> attentionWeights, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CoreShape s = new(value.Shape, samplingLocations.Shape);
        Level[] levels = Level.All(spatialShapes, levelStartIndex);
        int samples = s.Levels * s.Points;
        context.Split(s.Batch * s.Queries * s.Heads, Math.Max(1, (1 << 12) / Math.Max(1, samples)), (first, last) =>
        {
            using SpanOwner<int> offsetOwner = SpanOwner<int>.Allocate(4 * samples);
            using SpanOwner<T> weightOwner = SpanOwner<T>.Allocate(4 * samples);
            Span<int> offsets = offsetOwner.Span;
            Span<T> weights = weightOwner.Span;
            for (int item = first; item < last; item++)
            {
                (int n, _, int head) = s.Item(item);
                int corners = Corners(
                    s, levels, samplingLocations.AsReadOnlySpan().Slice(item * samples * 2, samples * 2),
                    attentionWeights.AsReadOnlySpan().Slice(item * samples, samples), offsets, weights);
                ReadOnlySpan<T> values = value.AsReadOnlySpan().Slice(((n * s.Tokens * s.Heads) + head) * s.Channels);
                Accumulate(values, offsets[..corners], weights[..corners], output.AsSpan().Slice(item * s.Channels, s.Channels));
            }
        });
    }

    // Corners inside the map only; geometry in double (exact for float locations) and in the textbook's steps, so that a point is never put
    // into its neighbour's cell.
    private static int Corners<T>(
        CoreShape s, Level[] levels, ReadOnlySpan<T> locations, ReadOnlySpan<T> attention, Span<int> offsets, Span<T> weights)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int stride = s.Heads * s.Channels;
        int count = 0;
        for (int sample = 0; sample < attention.Length; sample++)
        {
            Level level = levels[sample / s.Points];
            double px = (Widen(locations[2 * sample]) * level.Width) - 0.5;
            double py = (Widen(locations[(2 * sample) + 1]) * level.Height) - 0.5;

            // Written so that NaN is outside too.
            if (!(px >= -1 && px < level.Width && py >= -1 && py < level.Height))
            {
                continue;
            }

            double left = Math.Floor(px);
            double top = Math.Floor(py);
            double weight = Widen(attention[sample]);
            double fx = px - left;
            double fy = py - top;
            int ix = (int)left;
            int iy = (int)top;
            int token = (level.Start + (iy * level.Width) + ix) * stride;
            bool inLeft = ix >= 0;
            bool inRight = ix + 1 < level.Width;
            if (iy >= 0)
            {
                if (inLeft)
                {
                    offsets[count] = token;
                    weights[count++] = Round<T>(weight * ((1 - fx) * (1 - fy)));
                }

                if (inRight)
                {
                    offsets[count] = token + stride;
                    weights[count++] = Round<T>(weight * (fx * (1 - fy)));
                }
            }

            if (iy + 1 < level.Height)
            {
                token += level.Width * stride;
                if (inLeft)
                {
                    offsets[count] = token;
                    weights[count++] = Round<T>(weight * ((1 - fx) * fy));
                }

                if (inRight)
                {
                    offsets[count] = token + stride;
                    weights[count++] = Round<T>(weight * (fx * fy));
                }
            }
        }

        return count;
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
