using DeformDetr.Oracle.Tests.Checking.Noise;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Ensemble;

/// <summary>The attention core in a legal order has, for any number of channels, the bits of that order written down with single numbers.</summary>
public class LegalCoreTests
{
    private static readonly Tensor<long> Shapes = Tensor<long>.Create([2, 2], [4, 5, 2, 3]);

    public static TheoryData<int, int> Cases()
    {
        TheoryData<int, int> cases = [];
        for (int order = 0; order < LegalOrders.All.Count; order++)
        {
            foreach (int channels in (int[])[1, 5, 8, 11, 32])
            {
                cases.Add(order, channels);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Bits_are_those_of_the_order(int index, int channels)
    {
        LegalOrder order = LegalOrders.All[index];
        if (order.Core == CoreOrder.House)
        {
            return;
        }

        Draws draws = new(index);
        (int n, int queries, int heads, int points) = (2, 9, 3, 4);
        Tensor<float> value = draws.Normal([n, 26, heads, channels]);
        Tensor<float> locations = draws.Fill([n, queries, heads, 2, points, 2], () => draws.Real(-0.3, 1.3));
        Tensor<float> weights = draws.Fill([n, queries, heads, 2, points], () => draws.Real(0, 1));
        Tensor<float> made = LegalOperators.MSDeformAttnCore(
            new OperatorContext(Kernels.Simd, 2), order, value, Shapes, StepKinds.Starts(Shapes), locations, weights);
        for (int i = 0; i < made.Length; i++)
        {
            int item = i / channels;
            float expected = One(order, item / heads / queries, item % heads, i % channels, item * 2 * points, points, value, locations, weights);
            Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(made.AsReadOnlySpan()[i]));
        }
    }

    private static float One(
        LegalOrder order, int n, int head, int channel, int from, int points, Tensor<float> value, Tensor<float> locations,
        Tensor<float> weights)
    {
        float Add(float sum, float v, float weight) => order.Fused ? MathF.FusedMultiplyAdd(v, weight, sum) : sum + (v * weight);
        float sum = 0;
        float ofLevel = 0;
        int[] sequence = [.. Enumerable.Range(0, 2 * points)];
        if (order.Core == CoreOrder.Descending)
        {
            Array.Reverse(sequence);
        }

        foreach (int i in sequence)
        {
            int level = i / points;
            (int height, int width) = ((int)Shapes[level, 0], (int)Shapes[level, 1]);
            float px = Position(order, locations.AsReadOnlySpan()[2 * (from + i)], width);
            float py = Position(order, locations.AsReadOnlySpan()[(2 * (from + i)) + 1], height);
            float weight = weights.AsReadOnlySpan()[from + i];
            if (order.Core == CoreOrder.ByLevel && i == points)
            {
                (sum, ofLevel) = (sum + ofLevel, 0);
            }

            if (!(px > -1 && px < width && py > -1 && py < height))
            {
                continue;
            }

            (int left, int top) = ((int)MathF.Floor(px), (int)MathF.Floor(py));
            (float fx, float fy) = (px - left, py - top);
            (float gx, float gy) = (1 - fx, 1 - fy);
            float V(int x, int y) =>
                x < 0 || x >= width || y < 0 || y >= height ? 0 : value[n, (level * 20) + (y * width) + x, head, channel];
            (float c0, float c1, float c2, float c3) = (V(left, top), V(left + 1, top), V(left, top + 1), V(left + 1, top + 1));
            if (order.Core == CoreOrder.Descending)
            {
                sum = Add(sum, c3, weight * (fx * fy));
                sum = Add(sum, c2, weight * (gx * fy));
                sum = Add(sum, c1, weight * (fx * gy));
                sum = Add(sum, c0, weight * (gx * gy));
            }
            else if (order.Core == CoreOrder.ByLevel)
            {
                float sample = Add(Add(Add(Add(0, c0, gy * gx), c1, gy * fx), c2, fy * gx), c3, fy * fx);
                ofLevel = Add(ofLevel, sample, weight);
            }
            else
            {
                (float upper, float lower) = (Add(Add(0, c0, gx), c1, fx), Add(Add(0, c2, gx), c3, fx));
                float sample = (upper * gy) + (lower * fy);
                sum = Add(sum, sample, weight);
            }
        }

        return sum + ofLevel;
    }

    private static float Position(LegalOrder order, float location, int size) =>
        order.Positions == PositionOrder.Grid ? ((((2 * location) - 1 + 1) * size) - 1) / 2 : (location * size) - 0.5f;
}
