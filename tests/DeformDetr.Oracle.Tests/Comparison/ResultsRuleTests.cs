namespace DeformDetr.Oracle.Tests.Comparison;

/// <summary>Detections at the cut: any member of the tie may stand there, but each only once.</summary>
public class ResultsRuleTests
{
    // One clear winner and three that tie; two are kept of the three.
    private static readonly ResultsRule.Side Candidates = Of([0.9, 0.5, 0.5, 0.5], 0, 1, 2, 3);

    [Theory]
    [InlineData(new long[] { 0, 1, 2 }, new long[] { 0, 1, 2 })]
    [InlineData(new long[] { 0, 1, 3 }, new long[] { 0, 1, 3 })]
    [InlineData(new long[] { 0, 3, 2 }, new long[] { 0, 3, 2 })]
    [InlineData(new long[] { 0, 1, 1 }, new long[] { 0, 1, 2 })]
    [InlineData(new long[] { 0, 2, 2 }, new long[] { 0, 1, 2 })]
    [InlineData(new long[] { 0, 3, 3 }, new long[] { 0, 3, 2 })]
    [InlineData(new long[] { 3, 1, 2 }, new long[] { 0, 1, 2 })]
    [InlineData(new long[] { 0, 1, 0 }, new long[] { 0, 1, 2 })]
    public void What_is_expected_follows_the_choice_of_a_run_only_where_it_is_one(long[] given, long[] expected)
    {
        ResultsRule.Side wanted = Of([0.9, 0.5, 0.5], 0, 1, 2);
        ResultsRule.Side judged = ResultsRule.AtTheCut(wanted, Of([0.9, 0.5, 0.5], given), Candidates, 1e-6, 1e-3);
        Assert.Equal(expected, judged.Labels);
        Assert.Equal(Of([0.9, 0.5, 0.5], expected).Boxes, judged.Boxes);
    }

    [Fact]
    public void Without_a_tie_across_the_cut_nothing_is_free()
    {
        ResultsRule.Side wanted = Of([0.9, 0.6], 0, 1);
        Assert.Equal([0, 1], ResultsRule.AtTheCut(wanted, Of([0.9, 0.6], 0, 2), Of([0.9, 0.6, 0.5], 0, 1, 2), 1e-6, 1e-3).Labels);
    }

    // Detections whose label tells them apart, each with a box of its own.
    private static ResultsRule.Side Of(double[] scores, params long[] labels) =>
        new(scores, labels, [.. labels.SelectMany(label => new double[] { label, label, label + 1, label + 1 })]);
}
