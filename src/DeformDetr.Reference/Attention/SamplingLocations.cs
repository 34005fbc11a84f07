// Equation, 2-d references: location = reference + offset / (W_l, H_l);
//           4-d references: location = (cx, cy) + offset / P · (w, h) · 0.5.
// Mirrors the middle of MSDeformAttn.forward (models/ops/modules/ms_deform_attn.py).
using System.Numerics;
using DeformDetr.Tensors;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Reference;

/// <summary>From reference points and offsets to the places where the attention reads.</summary>
public static class SamplingLocations
{
    /// <summary>Places every sample.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="referencePoints">Points (x, y) or boxes (cx, cy, w, h), fractions of each padded level.
    /// Shape [N, Lq, L, 2 or 4].</param>
    /// <param name="samplingOffsets">Last axis (x, y): cells of each level for points, half box sizes / P for boxes.
    /// Shape [N, Lq, M, L, P, 2].</param>
    /// <param name="spatialShapes">Cells of each level, last axis (H, W). Shape [L, 2].</param>
    /// <returns>Last axis (x, y), fractions of the padded level; may lie outside [0, 1]. Shape [N, Lq, M, L, P, 2].</returns>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public static Tensor<T> Forward<T>(
        OperatorContext context, Tensor<T> referencePoints, Tensor<T> samplingOffsets, Tensor<long> spatialShapes)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        const string Name = "sampling_locations";
        TensorShape s = samplingOffsets.Shape;
        ShapeGuard.Require(Name, "sampling_offsets", s, "[N, Lq, M, L, P, 2]", -1, -1, -1, spatialShapes.Shape[0], -1, 2);
        ShapeGuard.Rank(Name, "reference_points", referencePoints.Shape, "[N, Lq, L, 2 or 4]", 4);
        bool boxes = referencePoints.Shape[^1] == 4;
        ShapeGuard.Require(Name, "reference_points", referencePoints.Shape, "[N, Lq, L, 2 or 4]", s[0], s[1], s[3], boxes ? 4 : 2);
        int heads = s[2];
        int levels = s[3];
        int points = s[4];
        int size = boxes ? 4 : 2;
        double[] cells = new double[2 * levels];
        for (int level = 0; level < levels; level++)
        {
            cells[2 * level] = spatialShapes[level, 1];
            cells[(2 * level) + 1] = spatialShapes[level, 0];
        }

        Tensor<T> output = context.Rent<T>(s);
        context.Split(s[0] * s[1], Math.Max(1, (1 << 13) / Math.Max(1, heads * levels * points)), (first, last) =>
        {
            ReadOnlySpan<T> references = referencePoints.AsReadOnlySpan();
            for (int query = first; query < last; query++)
            {
                int at = query * heads * levels * points * 2;
                ReadOnlySpan<T> offsets = samplingOffsets.AsReadOnlySpan().Slice(at, heads * levels * points * 2);
                Span<T> locations = output.AsSpan().Slice(at, heads * levels * points * 2);
                int i = 0;
                for (int head = 0; head < heads; head++)
                {
                    for (int level = 0; level < levels; level++)
                    {
                        ReadOnlySpan<T> reference = references.Slice(((query * levels) + level) * size, size);
                        for (int point = 0; point < points; point++)
                        {
                            for (int axis = 0; axis < 2; axis++, i++)
                            {
                                double offset = boxes
                                    ? Widen(offsets[i]) / points * Widen(reference[2 + axis]) * 0.5
                                    : Widen(offsets[i]) / cells[(2 * level) + axis];
                                locations[i] = Round<T>(Widen(reference[axis]) + offset);
                            }
                        }
                    }
                }
            }
        });
        return output;
    }
}
