using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Tensors.Tests.Numerics;

public class RoundingTests
{
    [Fact]
    public void Widening_is_exact_and_rounding_brings_it_back()
    {
        foreach (float value in new[] { 0f, -0f, 0.1f, float.Epsilon, float.MaxValue, float.NegativeInfinity })
        {
            Assert.Equal(BitConverter.SingleToInt32Bits(value), BitConverter.SingleToInt32Bits(Rounding.Round<float>(Rounding.Widen(value))));
        }

        Assert.True(float.IsNaN(Rounding.Round<float>(Rounding.Widen(float.NaN))));
        Assert.Equal(0.1, Rounding.Round<double>(Rounding.Widen(0.1)));
    }

    [Theory]
    [InlineData(1 + (1.0 / (1 << 24)), 1f)]                                   // the middle: to even
    [InlineData(1 + (3.0 / (1 << 24)), 1 + (4f / (1 << 24)))]                 // the middle: to even
    [InlineData(1 + (1.0000001 / (1 << 24)), 1 + (2f / (1 << 24)))]
    [InlineData(1e300, float.PositiveInfinity)]
    [InlineData(1e-300, 0f)]
    [InlineData(3.4028235677973366e38, float.PositiveInfinity)]               // halfway above the largest
    public void Rounding_is_to_nearest_even(double value, float expected) => Assert.Equal(expected, Rounding.Round<float>(value));
}
