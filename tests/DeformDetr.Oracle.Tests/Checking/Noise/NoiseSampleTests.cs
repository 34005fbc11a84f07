using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Noise;

/// <summary>Sampling where bilinear interpolation has corners: a location that is an ulp off is read from another cell.</summary>
public class NoiseSampleTests
{
    private const int Size = 4;

    public static TheoryData<int, int> Places()
    {
        TheoryData<int, int> places = [];
        for (int row = 0; row < Size; row++)
        {
            for (int column = 0; column < Size; column++)
            {
                places.Add(row, column);
            }
        }

        return places;
    }

    [Theory]
    [MemberData(nameof(Places))]
    public void One_value_seen_from_a_corner_of_four_cells(int row, int column)
    {
        Tensor<float> value = new([1, Size * Size, 1, 1]);
        value[0, (row * Size) + column, 0, 0] = 1;

        // (2, 2) in pixels, and the corners of the map.
        foreach (float location in (float[])[0.625f, 0.125f, 0.875f])
        {
            Covered(value, location, location);
        }
    }

    [Fact]
    public void A_slope_that_is_zero_at_the_point_alone()
    {
        // Halfway between rows 1 and 2, on column 2: the values of column 3 cancel there, those of column 1 too.
        Tensor<float> value = new([1, Size * Size, 1, 1]);
        value[0, Size + 3, 0, 0] = 1;
        value[0, (2 * Size) + 3, 0, 0] = -1;
        value[0, Size + 1, 0, 0] = -3;
        value[0, (2 * Size) + 1, 0, 0] = 3;
        Covered(value, 0.625f, 0.5f);
    }

    [Fact]
    public void An_error_of_first_order_is_not_covered()
    {
        Tensor<float> value = new([1, Size * Size, 1, 1]);
        value[0, 0, 0, 0] = 1;
        Quantity right = Sampled(Spread.Noise(), value, 0.625f, 0.625f);
        Quantity wrong = Sampled(new ReferenceAlgebra<double>(new OperatorContext()), value, 0.374f, 0.374f);
        Assert.True(Math.Abs(wrong.Real[0, 0, 0] - right.Real[0, 0, 0]) > right.Noise![0, 0, 0] * 1e6);
        Assert.True(right.Noise[0, 0, 0] <= 1e-12, $"{right.Noise[0, 0, 0]}");
    }

    private static void Covered(Tensor<float> value, float x, float y)
    {
        Quantity right = Sampled(Spread.Noise(), value, x, y);
        foreach (float port in (float[])[MathF.BitDecrement(x), x, MathF.BitIncrement(x)])
        {
            foreach (float other in (float[])[MathF.BitDecrement(y), y, MathF.BitIncrement(y)])
            {
                Quantity made = Sampled(new ReferenceAlgebra<double>(new OperatorContext()), value, port, other);
                double error = Math.Abs(made.Real[0, 0, 0] - right.Real[0, 0, 0]);
                Assert.True(error <= right.Noise![0, 0, 0], $"{port:R}, {other:R}: off by {error}; expected at most {right.Noise[0, 0, 0]}");
            }
        }
    }

    private static Quantity Sampled(Algebra a, Tensor<float> value, float x, float y)
    {
        Tensor<long> shapes = Tensor<long>.Create([1, 2], [Size, Size]);
        Tensor<float> locations = Tensor<float>.Create([1, 1, 1, 1, 1, 2], [x, y]);
        Tensor<float> weights = Tensor<float>.Create([1, 1, 1, 1, 1], [1f]);
        return a.Sample(a.Given(value), a.Given(shapes), a.Given(new Tensor<long>([1])), a.Given(locations), a.Given(weights));
    }
}
