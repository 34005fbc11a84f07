using System.Numerics;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;
using DeformDetr.Tensors.Simd;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Reference;

public static partial class MSDeformAttnCore
{
    // Threads take whole heads of whole images: all that adds to one element of grad_value runs on one thread, queries ascending.
    private static void BackwardSimd<T>(
        OperatorContext context, Tensor<T> value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, Tensor<T> samplingLocations,
        Tensor<T> attentionWeights, Tensor<T> gradOutput, MSDeformAttnGradients<T> gradients)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CoreShape s = new(value.Shape, samplingLocations.Shape);
        Level[] levels = Level.All(spatialShapes, levelStartIndex);
        int samples = s.Levels * s.Points;
        gradients.Value.AsSpan().Clear();
        context.Split(s.Batch * s.Heads, 1, (first, last) =>
        {
            for (int pair = first; pair < last; pair++)
            {
                int n = pair / s.Heads;
                int head = pair % s.Heads;
                int start = ((n * s.Tokens * s.Heads) + head) * s.Channels;
                for (int query = 0; query < s.Queries; query++)
                {
                    int item = (((n * s.Queries) + query) * s.Heads) + head;
                    ReadOnlySpan<T> g = gradOutput.AsReadOnlySpan().Slice(item * s.Channels, s.Channels);
                    for (int sample = 0; sample < samples; sample++)
                    {
                        int at = (item * samples) + sample;
                        Sample(s, levels[sample / s.Points], value, start, g, samplingLocations, attentionWeights, at, gradients);
                    }
                }
            }
        });
    }

    private static void Sample<T>(
        CoreShape s, Level level, Tensor<T> value, int start, ReadOnlySpan<T> g, Tensor<T> samplingLocations, Tensor<T> attentionWeights,
        int at, MSDeformAttnGradients<T> gradients)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double px = (Widen(samplingLocations.AsReadOnlySpan()[2 * at]) * level.Width) - 0.5;
        double py = (Widen(samplingLocations.AsReadOnlySpan()[(2 * at) + 1]) * level.Height) - 0.5;
        double weight = Widen(attentionWeights.AsReadOnlySpan()[at]);
        double gradWeight = 0;
        double gradX = 0;
        double gradY = 0;
        if (px >= -1 && px < level.Width && py >= -1 && py < level.Height)
        {
            double left = Math.Floor(px);
            double top = Math.Floor(py);
            for (int corner = 0; corner < 4; corner++)
            {
                int ix = (int)left + (corner & 1);
                int iy = (int)top + (corner >> 1);
                if ((uint)ix >= (uint)level.Width || (uint)iy >= (uint)level.Height)
                {
                    continue;
                }

                double factorX = (corner & 1) == 0 ? 1 - (px - left) : px - left;
                double factorY = (corner >> 1) == 0 ? 1 - (py - top) : py - top;
                int offset = start + ((level.Start + (iy * level.Width) + ix) * s.Heads * s.Channels);
                double product = RowSum.OfProducts(g, value.AsReadOnlySpan().Slice(offset, s.Channels));
                gradWeight = Math.FusedMultiplyAdd(factorX * factorY, product, gradWeight);
                gradX = Math.FusedMultiplyAdd((corner & 1) == 0 ? -factorY : factorY, product, gradX);
                gradY = Math.FusedMultiplyAdd((corner >> 1) == 0 ? -factorX : factorX, product, gradY);
                AddScaled(g, Round<T>(weight * (factorX * factorY)), gradients.Value.AsSpan().Slice(offset, s.Channels));
            }
        }

        gradients.AttentionWeights.AsSpan()[at] = Round<T>(gradWeight);
        gradients.SamplingLocations.AsSpan()[2 * at] = Round<T>(weight * level.Width * gradX);
        gradients.SamplingLocations.AsSpan()[(2 * at) + 1] = Round<T>(weight * level.Height * gradY);
    }

    // y += x · factor, fused.
    private static void AddScaled<T>(ReadOnlySpan<T> x, T factor, Span<T> y)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (Vector512.IsHardwareAccelerated)
        {
            AddScaled<Lanes512<T>, Vector512<T>, T>(x, factor, y);
        }
        else if (Vector256.IsHardwareAccelerated)
        {
            AddScaled<Lanes256<T>, Vector256<T>, T>(x, factor, y);
        }
        else
        {
            AddScaled<Lanes128<T>, Vector128<T>, T>(x, factor, y);
        }
    }

    private static void AddScaled<TLanes, TVector, T>(ReadOnlySpan<T> x, T factor, Span<T> y)
        where TLanes : struct, ILanes<TVector, T>
        where TVector : struct
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TVector factors = TLanes.Broadcast(factor);
        int i = 0;
        for (; i + TLanes.Count <= x.Length; i += TLanes.Count)
        {
            TLanes.Store(TLanes.MultiplyAdd(TLanes.Load(in x[i], 0), factors, TLanes.Load(ref y[i], 0)), ref y[i], 0);
        }

        for (; i < x.Length; i++)
        {
            y[i] = T.FusedMultiplyAdd(x[i], factor, y[i]);
        }
    }
}
