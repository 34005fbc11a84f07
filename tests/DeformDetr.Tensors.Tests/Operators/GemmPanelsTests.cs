using DeformDetr.Tensors.Operators;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Operators;

public class GemmPanelsTests
{
    // Twice the lanes of all vectors, and the rows of both tiles.
    private static readonly int[] Widths = [4, 6, 8, 12, 16, 32];

    // Lanes, depth; lanes and depths before what is packed; elements between two rows of the source, and before the first.
    private static readonly Axis[] Sizes = [new(1, 300), new(0, 40), new(0, 5), new(0, 5), new(0, 3), new(0, 3)];

    [Fact]
    public void Lane_major_and_depth_major_operands_are_packed_as_drawn()
    {
        Cases.Check(100, Sizes, Law<float>);
        Cases.Check(100, Sizes, Law<double>);

        static void Law<T>(Case c)
            where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
        {
            (int lanes, int depth, int lane, int k, int gap, int offset) = (c[0], c[1], c[2], c[3], c[4], c[5]);
            int width = Widths[c.Seed % Widths.Length];

            // The source ends with the last element that is wanted: a read beyond it throws.
            int stride = k + depth + gap;
            T[] byLane = [.. Values.Counting<T>(offset + ((lane + lanes - 1) * stride) + k + depth).AsSpan()];
            Packed(
                new LaneMajorPanels<T>(new Place<T>(byLane, offset), stride), lane, lanes, k, depth, width,
                (l, step) => byLane[offset + (l * stride) + step], byLane, $"lanes apart, panels of {width}");
            Assert.Equal(
                new Footprint<T>(byLane, offset + (lane * stride) + k, depth, stride, lanes),
                new LaneMajorPanels<T>(new Place<T>(byLane, offset), stride).Reads(lane, lanes, k, depth));
            stride = lane + lanes + gap;
            T[] byDepth = [.. Values.Counting<T>(offset + (Math.Max(0, k + depth - 1) * stride) + lane + lanes).AsSpan()];
            Packed(
                new DepthMajorPanels<T>(new Place<T>(byDepth, offset), stride), lane, lanes, k, depth, width,
                (l, step) => byDepth[offset + (step * stride) + l], byDepth, $"depths apart, panels of {width}");
            Assert.Equal(
                new Footprint<T>(byDepth, offset + (k * stride) + lane, lanes, stride, depth),
                new DepthMajorPanels<T>(new Place<T>(byDepth, offset), stride).Reads(lane, lanes, k, depth));
        }
    }

    // [panel][k][lane of the panel], zero in lanes that the operand doesn't have, and nothing behind them; all from where it says.
    internal static void Packed<T, TPanels>(
        TPanels panels, int lane, int lanes, int k, int depth, int width, Func<int, int, T> element, T[] source, string what)
        where T : unmanaged, System.Numerics.INumberBase<T>
        where TPanels : struct, IPanels<T>
    {
        T[] packed = new T[((lanes + width - 1) / width * width * depth) + 7];
        T beside = -T.One;
        Array.Fill(packed, beside);
        panels.Pack(lane, lanes, k, depth, width, packed);
        if (depth > 0)
        {
            Footprints.Hold(panels.Reads(lane, lanes, k, depth), source, packed, what);
        }

        for (int at = 0; at < packed.Length; at++)
        {
            bool inside = at < packed.Length - 7;
            int l = inside ? (at / width / depth * width) + (at % width) : 0;
            int step = inside ? at / width % depth : 0;
            T expected = !inside ? beside : l < lanes ? element(lane + l, k + step) : T.Zero;
            Assert.True(expected == packed[at], $"{what}: element {at} (lane {l}, k {step}) is {packed[at]}; expected {expected}.");
        }
    }
}
