// Equation, 2-d references: location = reference + offset / (W_l, H_l);
//           4-d references: location = (cx, cy) + offset / P · (w, h) · 0.5.
// Mirrors the middle of MSDeformAttn.forward (models/ops/modules/ms_deform_attn.py).
using System.Numerics;
using System.Runtime.Intrinsics;
using CommunityToolkit.HighPerformance.Buffers;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Simd;
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
        Pattern pattern = new(spatialShapes, s[2], s[4], boxes);
        Tensor<T> output = context.Rent<T>(s);
        int width = s[2] * s[3] * s[4] * 2;
        context.Split(s[0] * s[1], Math.Max(1, (1 << 14) / Math.Max(1, width)), (first, last) =>
        {
            int size = referencePoints.Shape[2] * referencePoints.Shape[3];
            pattern.Place(
                referencePoints.AsReadOnlySpan()[(first * size)..(last * size)],
                samplingOffsets.AsReadOnlySpan()[(first * width)..(last * width)], output.AsSpan()[(first * width)..(last * width)]);
        });
        return output;
    }

    /// <summary>What all queries share: how the elements of one head (level, point, axis) are scaled.</summary>
    internal sealed class Pattern
    {
        private readonly int _heads;
        private readonly int _points;
        private readonly int _levels;
        private readonly bool _boxes;

        // Points: W or H of the element's level. Boxes: P.
        private readonly double[] _divisors;

        public Pattern(Tensor<long> spatialShapes, int heads, int points, bool boxes)
        {
            _heads = heads;
            _points = points;
            _levels = spatialShapes.Shape[0];
            _boxes = boxes;
            _divisors = new double[_levels * points * 2];
            for (int i = 0; i < _divisors.Length; i++)
            {
                _divisors[i] = boxes ? points : spatialShapes[i / (2 * points), 1 - (i % 2)];
            }
        }

        /// <summary>Places the samples of whole queries.</summary>
        /// <typeparam name="T">float or double.</typeparam>
        /// <param name="references">Per query, level and (x, y) or (cx, cy, w, h).</param>
        /// <param name="offsets">Per query, head, level, point and (x, y).</param>
        /// <param name="locations">As many; may be the same memory.</param>
        public void Place<T>(ReadOnlySpan<T> references, ReadOnlySpan<T> offsets, Span<T> locations)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            int size = _boxes ? 4 : 2;
            int length = _divisors.Length;
            if (length == 0 || _heads == 0)
            {
                return;
            }

            using SpanOwner<double> centreOwner = SpanOwner<double>.Allocate(length);
            using SpanOwner<double> sideOwner = SpanOwner<double>.Allocate(length);
            Span<double> centres = centreOwner.Span;
            Span<double> sides = sideOwner.Span;
            for (int query = 0; query < offsets.Length / (_heads * length); query++)
            {
                for (int level = 0, i = 0; level < _levels; level++)
                {
                    ReadOnlySpan<T> reference = references.Slice(((query * _levels) + level) * size, size);
                    for (int point = 0; point < _points; point++)
                    {
                        for (int axis = 0; axis < 2; axis++, i++)
                        {
                            centres[i] = Widen(reference[axis]);
                            sides[i] = _boxes ? Widen(reference[axis + 2]) : 0;
                        }
                    }
                }

                for (int head = 0; head < _heads; head++)
                {
                    int start = ((query * _heads) + head) * length;
                    Head(centres, sides, offsets.Slice(start, length), locations.Slice(start, length));
                }
            }
        }

        private void Head<T>(ReadOnlySpan<double> centres, ReadOnlySpan<double> sides, ReadOnlySpan<T> offsets, Span<T> locations)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            if (Vector512.IsHardwareAccelerated)
            {
                Head<DoubleLanes512, Vector512<double>, T>(centres, sides, offsets, locations);
            }
            else if (Vector256.IsHardwareAccelerated)
            {
                Head<DoubleLanes256, Vector256<double>, T>(centres, sides, offsets, locations);
            }
            else
            {
                Head<DoubleLanes128, Vector128<double>, T>(centres, sides, offsets, locations);
            }
        }

        private void Head<TLanes, TVector, T>(
            ReadOnlySpan<double> centres, ReadOnlySpan<double> sides, ReadOnlySpan<T> offsets, Span<T> locations)
            where TLanes : struct, IDoubleLanes<TVector>
            where TVector : struct
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            int i = 0;
            for (; i + TLanes.Count <= offsets.Length; i += TLanes.Count)
            {
                TVector step = TLanes.Divide(Lanes.Load<TLanes, TVector, T>(in offsets[i], 0), TLanes.Load(in _divisors[i], 0));
                if (_boxes)
                {
                    step = TLanes.Multiply(TLanes.Multiply(step, TLanes.Load(in sides[i], 0)), TLanes.Broadcast(0.5));
                }

                Lanes.Store<TLanes, TVector, T>(TLanes.Add(TLanes.Load(in centres[i], 0), step), ref locations[i], 0);
            }

            for (; i < offsets.Length; i++)
            {
                double step = Widen(offsets[i]) / _divisors[i];
                locations[i] = Round<T>(centres[i] + (_boxes ? step * sides[i] * 0.5 : step));
            }
        }
    }
}
