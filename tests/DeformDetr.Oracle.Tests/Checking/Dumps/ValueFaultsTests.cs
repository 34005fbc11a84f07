using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Dumps;

/// <summary>Traps 1 and 7: NaN never passes for a number, and buffers that nothing was written to are seen.</summary>
public class ValueFaultsTests
{
    private const double Nan = double.NaN;
    private const double Inf = double.PositiveInfinity;

    [Theory]
    [InlineData(new[] { 1.0, 2, 3 }, new[] { 1.5, 2, 3 }, null)]
    [InlineData(new[] { 1.0, Nan, 3 }, new[] { 1.0, 2, 3 }, "holds NaN: 1 of 3 elements, the first at [1] holds NaN; expected 2 there")]
    [InlineData(new[] { Nan, Nan, Nan }, new[] { 1.0, 2, 3 }, "holds NaN: 3 of 3 elements, the first at [0] holds NaN; expected 1 there")]
    [InlineData(new[] { 1.0, Nan, 3 }, new[] { 1.0, Nan, 3 }, null)]
    [InlineData(new[] { 1.0, Nan, 3 }, new[] { 1.0, Inf, 3 }, "holds NaN: 1 of 3 elements, the first at [1] holds NaN; expected +inf there")]
    [InlineData(new[] { 1.0, 2, 3 }, new[] { 1.0, Nan, 3 }, "holds numbers where none is finite: 1 of 3 elements, the first at [1] holds 2; expected NaN there")]
    [InlineData(new[] { 1.0, Inf, 3 }, new[] { 1.0, Inf, 3 }, null)]
    [InlineData(new[] { 1.0, Inf, 3 }, new[] { 1.0, 2, 3 }, "holds infinities: 1 of 3 elements, the first at [1] holds +inf; expected 2 there")]
    [InlineData(new[] { 1.0, -Inf, 3 }, new[] { 1.0, Inf, 3 }, "holds infinities: 1 of 3 elements, the first at [1] holds -inf; expected +inf there")]
    [InlineData(new[] { 1.0, 2, 3 }, new[] { 1.0, 2, Inf }, "holds numbers where none is finite: 1 of 3 elements, the first at [2] holds 3; expected +inf there")]
    [InlineData(new[] { Inf, Inf, Inf }, new[] { Inf, Inf, 1.0 }, "holds infinities: 1 of 3 elements, the first at [2] holds +inf; expected 1 there")]
    [InlineData(new[] { 0.0, 0, 0 }, new[] { 1.0, 2, 3 }, "holds zeros only; expected numbers from 1 to 3")]
    [InlineData(new[] { 0.0, -0.0, 0 }, new[] { 1.0, 2, 3 }, "holds zeros only; expected numbers from 1 to 3")]
    [InlineData(new[] { 2.5, 2.5, 2.5 }, new[] { 1.0, 2, 3 }, "holds 2.5 in every element; expected numbers from 1 to 3")]
    [InlineData(new[] { 1.0, 1, 1 }, new[] { 1.0, 1, 1 }, null)]
    [InlineData(new[] { 1.0, 1, 1 }, new[] { 1.0, 1 + 1e-9, 1 }, null)]
    [InlineData(new[] { Inf, 1.0, 1 }, new[] { Inf, 1.0, 2 }, "holds 1 in every element; expected numbers from 1 to 2")]
    [InlineData(new[] { Inf, 1.0, 3 }, new[] { Inf, 1.0, 2 }, null)]
    [InlineData(new[] { 3.0 }, new[] { 4.0 }, null)]
    [InlineData(new double[0], new double[0], null)]
    public void Numbers_that_can_not_be_judged_are_said(double[] port, double[] expected, string? wording) =>
        Assert.Equal(wording, ValueFaults.Of(Of(port), Of(expected), DumpDType.Float32)?.Text);

    [Theory]
    [InlineData(new[] { 0.0, 0, 0 }, true)]
    [InlineData(new[] { 2.5, 2.5, 2.5 }, true)]
    [InlineData(new[] { 1.0, Nan, 3 }, false)]
    [InlineData(new[] { 1.0, Inf, 3 }, false)]
    public void Zeros_and_one_number_are_a_buffer_and_no_steps_result(double[] port, bool buffer) =>
        Assert.Equal(buffer, ValueFaults.Of(Of(port), Of([1, 2, 3]), DumpDType.Float32)!.IsBuffer);

    [Fact]
    public void Overflow_is_no_fault_of_a_half_precision_port()
    {
        Tensor<double> expected = Of([1, 70000, -70000]);
        Assert.Null(ValueFaults.Of(Of([1, Inf, -Inf]), expected, DumpDType.Float16));
        Assert.NotNull(ValueFaults.Of(Of([1, Inf, -Inf]), expected, DumpDType.BFloat16));
        Assert.NotNull(ValueFaults.Of(Of([1, -Inf, -Inf]), expected, DumpDType.Float16));
        Assert.NotNull(ValueFaults.Of(Of([Inf, Inf, -Inf]), expected, DumpDType.Float16));
    }

    [Fact]
    public void A_range_below_the_precision_may_come_out_as_one_number()
    {
        Assert.Null(ValueFaults.Of(Of([1, 1]), Of([1, 1.001]), DumpDType.Float16));
        Assert.NotNull(ValueFaults.Of(Of([1, 1]), Of([1, 1.001]), DumpDType.Float32));
    }

    [Fact]
    public void Padding_is_said_but_does_not_excuse()
    {
        Tensor<bool> padding = Tensor<bool>.FromArray([3], [false, true, true]);
        Assert.Equal(
            "holds NaN: 2 of 3 elements, all of them in padding, the first at [1] holds NaN; expected 2 there",
            ValueFaults.Of(Of([1, Nan, Nan]), Of([1, 2, 3]), DumpDType.Float32, padding)?.Text);
        Assert.Contains(
            "2 of 3 elements, 1 of them in padding", ValueFaults.Of(Of([Nan, Nan, 3]), Of([1, 2, 3]), DumpDType.Float32, padding)!.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_shape_is_said() =>
        Assert.Equal("holds [2]; expected [3]", ValueFaults.Of(Of([1, 2]), Of([1, 2, 3]), DumpDType.Float32)?.Text);

    private static Tensor<double> Of(double[] numbers) => Tensor<double>.FromArray([numbers.Length], numbers);
}
