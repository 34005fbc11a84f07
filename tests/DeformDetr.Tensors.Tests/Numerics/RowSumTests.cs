using System.Numerics;
using System.Runtime.Intrinsics;
using DeformDetr.Independent;
using DeformDetr.Tensors.Numerics;
using DeformDetr.Tensors.Simd;
using DeformDetr.Tensors.Tests.Support;

namespace DeformDetr.Tensors.Tests.Numerics;

public class RowSumTests
{
    private static readonly double[] Powers = [1, 10, 100, 1e3, 1e4, 1e5, 1e6];

    [Fact]
    public void By_hand()
    {
        float[] x = [.. Enumerable.Range(1, 20).Select(i => (float)i)];
        Assert.Equal(210, RowSum.Of<float>(x));
        Assert.Equal(2870, RowSum.OfSquares<float>(x, 0));
        Assert.Equal(665, RowSum.OfSquares<float>(x, 10.5));
        Assert.Equal(2870, RowSum.OfProducts<float>(x, x));
        Assert.Equal(0, RowSum.Of<double>([]));
    }

    [Fact]
    public void Every_length_has_the_bits_of_the_written_order_at_every_width()
    {
        for (int length = 0; length <= 65; length++)
        {
            Widths<float>(length);
            Widths<double>(length);
        }

        Widths<float>(1003);
        Widths<double>(1003);

        static void Widths<T>(int length)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
        {
            // Magnitudes far apart, so that another order gives other bits.
            Random random = new(length);
            T[] x = [.. Values.Draw<T>(random, length).Doubles().Select((v, i) => T.CreateTruncating(v * Powers[i % 7]))];
            T[] y = [.. Values.Draw<T>(random, length).AsSpan()];
            double[] wide = [.. x.Select(double.CreateTruncating)];
            double[] other = [.. y.Select(double.CreateTruncating)];
            All(x, y, new RowSum.Plain(), Contract.RowSum(length, (j, sum) => sum + wide[j]), RowSum.Of<T>(x));
            All(x, y, new RowSum.Squares(0.3), Contract.RowSum(length, (j, sum) => Math.FusedMultiplyAdd(wide[j] - 0.3, wide[j] - 0.3, sum)), RowSum.OfSquares<T>(x, 0.3));
            All(x, y, new RowSum.Products(), Contract.RowSum(length, (j, sum) => Math.FusedMultiplyAdd(wide[j], other[j], sum)), RowSum.OfProducts<T>(x, y));
        }

        static void All<T, TTerm>(T[] x, T[] y, TTerm term, double expected, double atMachineWidth)
            where T : unmanaged, IBinaryFloatingPointIeee754<T>
            where TTerm : struct, RowSum.ITerm
        {
            double[] actual =
            [
                RowSum.Run<DoubleLanes128, Vector128<double>, T, TTerm>(x, y, term), RowSum.Run<DoubleLanes256, Vector256<double>, T, TTerm>(x, y, term),
                RowSum.Run<DoubleLanes512, Vector512<double>, T, TTerm>(x, y, term), atMachineWidth,
            ];
            Comparison.SameBits<double>([expected, expected, expected, expected], actual, $"{typeof(TTerm).Name} of {x.Length} {typeof(T).Name}");
        }
    }

    [Fact]
    public void The_order_matters_for_the_values_of_that_test()
    {
        double[] x = [.. Values.Draw<double>(new Random(65), 65).Doubles().Select((v, i) => v * Powers[i % 7])];
        double forward = 0;
        foreach (double value in x)
        {
            forward += value;
        }

        Assert.NotEqual(forward, RowSum.Of<double>(x));
    }

    [Fact]
    public void It_is_close_to_the_exact_sum()
    {
        Cases.Check(80, [new Axis(0, 1500)], c =>
        {
            double[] x = Values.Draw<double>(c.Random(), c.Family, c[0]).Doubles();
            DoubleDouble sum = 0.0;
            double magnitude = 0;
            foreach (double value in x)
            {
                sum += value;
                magnitude += Math.Abs(value);
            }

            Assert.InRange(RowSum.Of<double>(x) - sum.High, -((c[0] / 16.0) + 6) * Bound.InDouble * magnitude, ((c[0] / 16.0) + 6) * Bound.InDouble * magnitude);
        });
    }

    [Fact]
    public void Refusals() =>
        Assert.Equal("RowSum: y holds 3 elements; expected as many as x = 2.", Assert.Throws<ArgumentException>(() => RowSum.OfProducts<float>([1, 2], [1, 2, 3])).Message);
}
