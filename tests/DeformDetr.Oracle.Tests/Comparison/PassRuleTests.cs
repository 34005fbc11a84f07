using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Comparison;

/// <summary>The pass rule, and that it can fail.</summary>
public class PassRuleTests
{
    private const double Epsilon = 1.0 / (1 << 24);

    [Fact]
    public void A_float32_run_may_err_four_times_as_much_as_the_original_did()
    {
        // The original's own error is 1e-3 on a scale of 8, well over 4 epsilon of it.
        Tensor<float> expected = Tensor<float>.Create([2], [8f, 1f + 1e-3f]);
        Tensor<double> truth = Tensor<double>.Create([2], [8.0, 1.0]);
        double own = expected[1] - 1.0;
        Assert.Equal(Verdict.Pass, PassRule.Judge("t", Tensor<float>.Create([2], [8f, 1f + 3.9e-3f]), expected, truth).Verdict);
        TensorVerdict failed = PassRule.Judge("t", Tensor<float>.Create([2], [8f, 1f + 4.1e-3f]), expected, truth);
        Assert.Equal(Verdict.Fail, failed.Verdict);
        Assert.Equal(4 * own, failed.Allowance, 12);
        Assert.InRange(failed.Ratio, 1.02, 1.03);
    }

    [Fact]
    public void An_exact_original_still_grants_sixteen_epsilon_of_the_scale()
    {
        Tensor<float> expected = Tensor<float>.Create([2], [4f, 0f]);
        Tensor<double> truth = Tensor<double>.Create([2], [4.0, 0.0]);
        float allowed = (float)(16 * Epsilon * 4);
        Assert.Equal(Verdict.Pass, PassRule.Judge("t", Tensor<float>.Create([2], [4f, allowed]), expected, truth).Verdict);
        Assert.Equal(Verdict.Fail, PassRule.Judge("t", Tensor<float>.Create([2], [4f, allowed * 1.01f]), expected, truth).Verdict);
    }

    [Fact]
    public void A_float64_run_may_err_by_1e_minus_12_of_the_scale()
    {
        Tensor<float> expected = Tensor<float>.Create([2], [2f, 1f]);
        Tensor<double> truth = Tensor<double>.Create([2], [2.0, 1.0]);
        Assert.Equal(Verdict.Pass, PassRule.Judge("t", Tensor<double>.Create([2], [2.0, 1 + 1.9e-12]), expected, truth).Verdict);
        Assert.Equal(Verdict.Fail, PassRule.Judge("t", Tensor<double>.Create([2], [2.0, 1 + 2.1e-12]), expected, truth).Verdict);
    }

    [Fact]
    public void Without_truth_256_epsilon_are_granted_and_the_row_says_so()
    {
        Tensor<float> expected = Tensor<float>.Create([2], [1f, 0f]);
        Assert.Equal(Verdict.NoTruth, PassRule.Judge("t", Tensor<float>.Create([2], [1f, (float)(255 * Epsilon)]), expected, null).Verdict);
        Assert.Equal(Verdict.Fail, PassRule.Judge("t", Tensor<float>.Create([2], [1f, (float)(257 * Epsilon)]), expected, null).Verdict);
        Assert.Equal(Verdict.Fail, PassRule.Judge("t", Tensor<double>.Create([2], [1.0, 257 * Epsilon]), expected, null).Verdict);
    }

    [Fact]
    public void Where_the_scale_is_zero_the_result_is_exactly_zero()
    {
        Tensor<float> expected = new([3]);
        Assert.Equal(Verdict.Pass, PassRule.Judge("t", new Tensor<float>([3]), expected, new Tensor<double>([3])).Verdict);
        Assert.Equal(Verdict.Fail, PassRule.Judge("t", Tensor<float>.Create([3], [0f, float.Epsilon, 0f]), expected, new Tensor<double>([3])).Verdict);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_number_that_is_not_finite_never_stands_for_one_that_is(float planted)
    {
        Tensor<float> expected = Tensor<float>.Create([2], [1f, 2f]);
        TensorVerdict verdict = PassRule.Judge("t", Tensor<float>.Create([2], [1f, planted]), expected, Tensor<double>.Create([2], [1.0, 2.0]));
        Assert.Equal(Verdict.Fail, verdict.Verdict);
        Assert.Contains("[1]", verdict.Note, StringComparison.Ordinal);
        Assert.Equal(Verdict.Fail, PassRule.Judge("t", Tensor<float>.Create([2], [1f, planted]), expected, null).Verdict);
    }

    [Fact]
    public void Infinities_and_NaNs_stand_at_the_expected_places()
    {
        Tensor<float> expected = Tensor<float>.Create([4], [1f, float.PositiveInfinity, float.NaN, float.NegativeInfinity]);
        Tensor<double> truth = Tensor<double>.Create([4], [1.0, double.PositiveInfinity, double.NaN, double.NegativeInfinity]);
        Assert.Equal(Verdict.Pass, PassRule.Judge("t", expected, expected, truth).Verdict);
        foreach (float[] wrong in new[] { new[] { 1f, 1f, float.NaN, float.NegativeInfinity }, [1f, float.PositiveInfinity, 0f, float.NegativeInfinity], [1f, float.PositiveInfinity, float.NaN, float.PositiveInfinity] })
        {
            Assert.Equal(Verdict.Fail, PassRule.Judge("t", Tensor<float>.Create([4], wrong), expected, truth).Verdict);
        }
    }

    [Fact]
    public void A_permuted_tensor_fails()
    {
        Tensor<float> expected = Tensor<float>.Create([2, 2], [1f, 2f, 3f, 4f]);
        Tensor<double> truth = Tensor<double>.Create([2, 2], [1.0, 2.0, 3.0, 4.0]);
        Assert.Equal(Verdict.Fail, PassRule.Judge("t", Tensor<float>.Create([2, 2], [3f, 4f, 1f, 2f]), expected, truth).Verdict);
        Assert.Equal(Verdict.Fail, PassRule.Judge("t", Tensor<float>.Create([2, 2], [1f, 3f, 2f, 4f]), expected, truth).Verdict);
        Assert.Equal(Verdict.Fail, PassRule.Judge("t", new Tensor<float>([2, 2]), expected, truth).Verdict);
    }

    [Fact]
    public void Another_shape_or_element_type_fails_with_a_note()
    {
        Tensor<float> expected = Tensor<float>.Create([2], [1f, 2f]);
        Assert.Equal("holds [1, 2], expected [2]", PassRule.Judge("t", expected.Reshape([1, 2]), expected, null).Note);
        Assert.Equal("holds int64, expected float32", PassRule.Judge("t", new Tensor<long>([2]), expected, null).Note);
        Assert.Equal("holds float32, expected int64", PassRule.Judge("t", new Tensor<float>([2]), new Tensor<long>([2]), null).Note);
    }

    [Fact]
    public void Integers_and_truth_values_are_equal_or_wrong()
    {
        Tensor<long> expected = Tensor<long>.Create([3], [5, 6, 7]);
        Assert.Equal(Verdict.Pass, PassRule.Judge("t", expected.Clone(), expected, expected).Verdict);
        TensorVerdict verdict = PassRule.Judge("t", Tensor<long>.Create([3], [5, 7, 7]), expected, expected);
        Assert.Equal(Verdict.Fail, verdict.Verdict);
        Assert.Equal("1 of 3 elements differ, the first at [1]", verdict.Note);
        Assert.Equal(Verdict.Fail, PassRule.Judge("t", Tensor<bool>.Create([1], [true]), Tensor<bool>.Create([1], [false]), null).Verdict);
    }

    [Fact]
    public void Padding_is_reported_apart_and_never_fails()
    {
        Tensor<float> expected = Tensor<float>.Create([3], [1f, 100f, 2f]);
        Tensor<double> truth = Tensor<double>.Create([3], [1.0, 100.0, 2.0]);
        Tensor<bool> padding = Tensor<bool>.Create([3], [false, true, false]);
        TensorVerdict verdict = PassRule.Judge("t", Tensor<float>.Create([3], [1f, -5f, 2f]), expected, truth, padding);
        Assert.Equal(Verdict.Pass, verdict.Verdict);
        Assert.Equal(2, verdict.Counted);
        Assert.Equal(105, verdict.PaddingError);

        // The scale is that of the counted elements: 2, not 100.
        Assert.Equal(16 * Epsilon * 2, verdict.Allowance, 15);
        Assert.Equal(Verdict.Fail, PassRule.Judge("t", Tensor<float>.Create([3], [1.001f, 100f, 2f]), expected, truth, padding).Verdict);
    }
}
