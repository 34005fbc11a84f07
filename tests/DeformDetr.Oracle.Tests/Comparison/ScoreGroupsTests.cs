namespace DeformDetr.Oracle.Tests.Comparison;

/// <summary>Rankings: order is free within a group of scores that lie closer than δ, and nowhere else.</summary>
public class ScoreGroupsTests
{
    private static readonly double[] Scores = [0.9, 0.5, 0.5005, 0.1, 0.7];

    [Theory]
    [InlineData(new long[] { 0, 4, 2 }, 0)]
    [InlineData(new long[] { 0, 4, 1 }, 0)]
    [InlineData(new long[] { 4, 0, 2 }, 2)]
    [InlineData(new long[] { 0, 4, 3 }, 1)]
    [InlineData(new long[] { 0, 4, 4 }, 1)]
    [InlineData(new long[] { 0, 4, 9 }, 1)]
    [InlineData(new long[] { 0, 4, 1, 2, 3 }, 0)]
    [InlineData(new long[] { 0, 4, 1, 3, 2 }, 2)]
    public void A_rank_holds_a_member_of_its_group(long[] ranking, int misplaced) => Assert.Equal(misplaced, new ScoreGroups(Scores, 1e-3).Misplaced(ranking));

    [Fact]
    public void Without_a_delta_only_equal_scores_form_a_group()
    {
        Assert.Equal(1, new ScoreGroups(Scores, 0).Misplaced([0, 4, 1]));
        Assert.Equal(0, new ScoreGroups([1.0, 1.0, 0.5], 0).Misplaced([1, 0]));
    }

    [Fact]
    public void Neighbours_chain_into_one_group() => Assert.Equal(0, new ScoreGroups([3.0, 2.9, 2.8, 2.7, 1.0], 0.15).Misplaced([3, 2, 1, 0]));

    [Fact]
    public void Equal_scores_rank_by_the_lower_index() => Assert.Equal([2, 0, 1], new ScoreGroups([1.0, 1.0, 2.0], 0).Order);

    [Fact]
    public void Alignment_pairs_equal_items_and_then_what_is_left_in_order()
    {
        Assert.Equal([2, 0, 1], ScoreGroups.Align([7, 8, 9], [8, 9, 7]));
        Assert.Equal([1, 0, 2], ScoreGroups.Align([7, 8, 9], [5, 7, 6]));
    }
}
