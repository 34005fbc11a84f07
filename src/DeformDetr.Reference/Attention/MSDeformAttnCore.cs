// Equation (paper, eq. 3): y[n, q, m, :] = Σ_l Σ_p A[n, q, m, l, p] · value_l[n, m, :](φ_l(location[n, q, m, l, p])), bilinear, zero
// outside the map.
// Mirrors ms_deform_attn_core_pytorch and ms_deform_attn_cuda (models/ops). Fast version: MSDeformAttnCore.Simd.cs; gradients:
// MSDeformAttnCore.Backward.cs.
using System.Numerics;
using DeformDetr.Tensors;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Reference;

/// <summary>The core of multi-scale deformable attention: reads a few points of every level and adds them up, weighted.</summary>
public static partial class MSDeformAttnCore
{
    internal delegate void Kernel<T>(
        OperatorContext context, Tensor<T> value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, Tensor<T> samplingLocations,
        Tensor<T> attentionWeights, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>Samples and adds up.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="value">Projected tokens of all levels. Shape [N, S, M, D].</param>
    /// <param name="spatialShapes">Cells of each level, last axis (H, W). Shape [L, 2].</param>
    /// <param name="levelStartIndex">First token of each level. Shape [L].</param>
    /// <param name="samplingLocations">Where to read, last axis (x, y), fractions of the padded level: 0 its left or top edge, 1 its right
    /// or bottom; may lie outside. Shape [N, Lq, M, L, P, 2].</param>
    /// <param name="attentionWeights">Weight of every sample. Shape [N, Lq, M, L, P].</param>
    /// <returns>Heads side by side. Shape [N, Lq, M · D].</returns>
    /// <exception cref="ArgumentException">Shapes disagree, or a level lies outside the tokens.</exception>
    public static Tensor<T> Forward<T>(
        OperatorContext context, Tensor<T> value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, Tensor<T> samplingLocations,
        Tensor<T> attentionWeights)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Check(value.Shape, spatialShapes, levelStartIndex, samplingLocations.Shape, attentionWeights.Shape);
        Tensor<T> output = context.Rent<T>([value.Shape[0], samplingLocations.Shape[1], value.Shape[2] * value.Shape[3]]);
        Kernel<T> kernel = context.Kernels == Kernels.Textbook ? Textbook : Simd;
        kernel(context, value, spatialShapes, levelStartIndex, samplingLocations, attentionWeights, output);
        return output;
    }

    private static void Textbook<T>(
        OperatorContext context, Tensor<T> value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, Tensor<T> samplingLocations,
        Tensor<T> attentionWeights, Tensor<T> output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CoreShape s = new(value.Shape, samplingLocations.Shape);
        ReadOnlySpan<T> values = value.AsReadOnlySpan();
        double[] sums = new double[s.Channels];
        for (int item = 0; item < s.Batch * s.Queries * s.Heads; item++)
        {
            (int n, int query, int head) = s.Item(item);
            Array.Clear(sums);
            for (int level = 0; level < s.Levels; level++)
            {
                int height = (int)spatialShapes[level, 0];
                int width = (int)spatialShapes[level, 1];
                for (int point = 0; point < s.Points; point++)
                {
                    // φ: from fractions of the level to its pixels, whose centres are the whole numbers.
                    double px = (Widen(samplingLocations[n, query, head, level, point, 0]) * width) - 0.5;
                    double py = (Widen(samplingLocations[n, query, head, level, point, 1]) * height) - 0.5;
                    double weight = Widen(attentionWeights[n, query, head, level, point]);
                    for (int corner = 0; corner < 4; corner++)
                    {
                        double ix = Math.Floor(px) + (corner & 1);
                        double iy = Math.Floor(py) + (corner >> 1);
                        if (ix >= 0 && ix < width && iy >= 0 && iy < height)
                        {
                            double bilinear = (1 - Math.Abs(px - ix)) * (1 - Math.Abs(py - iy));
                            int token = (int)levelStartIndex[level] + ((int)iy * width) + (int)ix;
                            ReadOnlySpan<T> v = values.Slice(
                                (((n * s.Tokens) + token) * s.Heads * s.Channels) + (head * s.Channels), s.Channels);
                            for (int channel = 0; channel < s.Channels; channel++)
                            {
                                sums[channel] += weight * bilinear * Widen(v[channel]);
                            }
                        }
                    }
                }
            }

            for (int channel = 0; channel < s.Channels; channel++)
            {
                output.AsSpan()[(item * s.Channels) + channel] = Round<T>(sums[channel]);
            }
        }
    }

    private static void Check(
        TensorShape value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, TensorShape samplingLocations,
        TensorShape attentionWeights)
    {
        const string Name = "ms_deform_attn_core";
        ShapeGuard.Rank(Name, "value", value, "[N, S, M, D]", 4);
        ShapeGuard.Require(Name, "spatial_shapes", spatialShapes.Shape, "[L, 2]", -1, 2);
        int levels = spatialShapes.Shape[0];
        ShapeGuard.Require(Name, "level_start_index", levelStartIndex.Shape, "[L]", levels);
        ShapeGuard.Require(Name, "sampling_locations", samplingLocations, "[N, Lq, M, L, P, 2]", value[0], -1, value[2], levels, -1, 2);
        ShapeGuard.Require(
            Name, "attention_weights", attentionWeights, "[N, Lq, M, L, P]", value[0], samplingLocations[1], value[2], levels,
            samplingLocations[4]);
        LevelLayout.Require(Name, spatialShapes, levelStartIndex, value[1]);
    }

    // The sizes of a call, and the order in which outputs lie in memory.
    private readonly struct CoreShape(TensorShape value, int queries, int levels, int points)
    {
        public readonly int Batch = value[0];
        public readonly int Tokens = value[1];
        public readonly int Heads = value[2];
        public readonly int Channels = value[3];
        public readonly int Queries = queries;
        public readonly int Levels = levels;
        public readonly int Points = points;

        public CoreShape(TensorShape value, TensorShape samplingLocations)
            : this(value, samplingLocations[1], samplingLocations[3], samplingLocations[4])
        {
        }

        public (int N, int Query, int Head) Item(int item) => (item / Heads / Queries, item / Heads % Queries, item % Heads);
    }
}
