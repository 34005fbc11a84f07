using DeformDetr.Independent;

namespace DeformDetr.Tensors.Tests.Support;

// A comparer that lets a wrong tensor pass makes every test that uses it worthless, so it is tested first.
public class ComparisonTests
{
    private static readonly TensorShape Shape = [3, 4];
    private static readonly double[] Right = [0.5, -1.25, 3, 0.125, 7, -2, 0.75, 1, -4, 6, 2.5, -0.5];

    [Fact]
    public void The_right_tensor_passes() => Assert.Null(Difference(Shape, [.. Right]));

    [Fact]
    public void A_difference_of_the_bound_passes_and_of_more_fails()
    {
        Assert.Null(Difference(Shape, [.. Right.Select(v => v + 0.0625)], 0.0625));
        Assert.NotNull(Difference(Shape, [.. Right.Select((v, i) => i == 11 ? v + 0.0626 : v)], 0.0625));
    }

    [Fact]
    public void All_zero_fails() => Assert.StartsWith("12 of 12 differ, first at [0, 0] of [3, 4]: 0; expected 0.5", Difference(Shape, new double[12]), StringComparison.Ordinal);

    [Fact]
    public void One_NaN_fails() => Assert.StartsWith("1 of 12 differ, first at [1, 2]", Difference(Shape, [.. Right.Select((v, i) => i == 6 ? double.NaN : v)]), StringComparison.Ordinal);

    [Fact]
    public void All_NaN_fails() => Assert.NotNull(Difference(Shape, [.. Right.Select(_ => double.NaN)]));

    [Fact]
    public void Permuted_elements_fail() => Assert.NotNull(Difference(Shape, [.. Right.Order()]));

    [Fact]
    public void A_transposed_tensor_fails() => Assert.NotNull(Difference(Shape, Products.Transposed(Right, 3, 4)));

    [Fact]
    public void Rows_off_by_one_fail() => Assert.NotNull(Difference(Shape, [.. Right[4..], .. Right[..4]]));

    [Fact]
    public void Another_shape_of_the_same_elements_fails() => Assert.Equal("shape is [4, 3]; expected [3, 4].", Difference([4, 3], [.. Right]));

    [Fact]
    public void Missing_elements_fail() => Assert.NotNull(Difference(Shape, Right[..11]));

    [Fact]
    public void An_infinity_agrees_with_itself_only()
    {
        double[] infinite = [.. Right.Select((v, i) => i == 3 ? double.PositiveInfinity : v)];
        Assert.Null(Comparison.Difference(Shape, infinite.Exactly(), new double[12], Shape, infinite));
        Assert.NotNull(Comparison.Difference(Shape, infinite.Exactly(), Bound.All(12, double.PositiveInfinity), Shape, [.. infinite.Select(v => -v)]));
        Assert.NotNull(Comparison.Difference(Shape, infinite.Exactly(), Bound.All(12, double.PositiveInfinity), Shape, Right));
        Assert.NotNull(Difference(Shape, infinite));
    }

    [Fact]
    public void An_expected_NaN_is_met_by_NaN_only()
    {
        double[] missing = [.. Right.Select((v, i) => i == 3 ? double.NaN : v)];
        Assert.Null(Comparison.Difference(Shape, missing.Exactly(), new double[12], Shape, missing));
        Assert.NotNull(Comparison.Difference(Shape, missing.Exactly(), Bound.All(12, 1e300), Shape, Right));
    }

    [Fact]
    public void A_bound_that_is_NaN_lets_nothing_pass() => Assert.NotNull(Difference(Shape, [.. Right], double.NaN));

    [Fact]
    public void Bits_tell_the_two_zeros_apart() =>
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Comparison.SameBits(Values.Of<float>([2], 0.0, 1), Values.Of<float>([2], -0.0, 1)));

    [Fact]
    public void Bits_tell_neighbours_apart() =>
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Comparison.SameBits(Values.Of<double>([2], 1, 2), Values.Of<double>([2], 1, Math.BitIncrement(2.0))));

    [Theory]
    [InlineData(1.0, 5.9604644775390625e-08)]
    [InlineData(1.9999, 5.9604644775390625e-08)]
    [InlineData(2.0, 1.1920928955078125e-07)]
    [InlineData(0.0, 7.006492321624085e-46)]
    public void Half_an_ulp_of_float(double value, double expected) => Assert.Equal(expected, Comparison.HalfUlp<float>(value));

    [Fact]
    public void A_float_one_step_beside_the_nearest_is_not_rounded_once()
    {
        double exact = 1.0 + (1.0 / 3);
        float nearest = (float)exact;
        Comparison.RoundedOnce([1], [exact], [0.0], Values.Of<float>([1], nearest));
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Comparison.RoundedOnce([1], [exact], [0.0], Values.Of<float>([1], MathF.BitIncrement(nearest))));
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Comparison.RoundedOnce([1], [exact], [0.0], Values.Of<float>([1], MathF.BitDecrement(nearest))));
    }

    [Fact]
    public void A_failing_law_throws_and_says_the_smallest_case()
    {
        Exception exception = Assert.ThrowsAny<Exception>(() => Cases.Check(200, [new Axis(1, 600), new Axis(1, 40)], c => Assert.True(c[0] < 17)));
        Assert.Contains("sizes [17, 1]", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Drawn_cases_repeat()
    {
        List<string> first = [];
        List<string> second = [];
        Cases.Check(50, [new Axis(1, 600)], c => first.Add(c.ToString()));
        Cases.Check(50, [new Axis(1, 600)], c => second.Add(c.ToString()));
        Assert.Equal(50, first.Count);
        Assert.Equal(first, second);
        Assert.Contains(first, text => text.EndsWith(nameof(Family.NearConstant), StringComparison.Ordinal));
    }

    private static string? Difference(TensorShape shape, double[] actual, double bound = 1e-9) => Comparison.Difference(Shape, Right.Exactly(), Bound.All(12, bound), shape, actual);
}
