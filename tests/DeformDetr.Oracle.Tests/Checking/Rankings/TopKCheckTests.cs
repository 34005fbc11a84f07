using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Rankings;

/// <summary>Chosen tokens: the same set, the same order; ties by noise are free and nothing else is.</summary>
public class TopKCheckTests
{
    // Tokens 0 to 7; noise 1e-3 each, so that gaps up to 2e-3 are anybody's. Tokens 2 and 3 tie, 5 and 6 tie across the cut at 5.
    private static readonly double[] Scores = [0.9, 0.1, 0.7001, 0.7, 0.5, 0.3001, 0.3, -2];

    [Fact]
    public void The_expected_ranking_passes_without_a_word()
    {
        RankingVerdict verdict = Judge(Scores, 0, 2, 3, 4, 5);
        Assert.True(verdict.Right);
        Assert.Empty(verdict.Notes);
        Assert.Empty(verdict.Faults);
    }

    [Fact]
    public void Tied_tokens_may_be_exchanged_and_a_note_says_so()
    {
        RankingVerdict order = Judge(Scores, 0, 3, 2, 4, 5);
        Assert.True(order.Right);
        Assert.Equal(0.05, order.Order.Worst, 1e-3);
        Assert.Equal(["2 of 5 ranks hold another item than score and index give; all are ties within noise"], order.Notes);
        RankingVerdict set = Judge(Scores, 0, 2, 3, 4, 6);
        Assert.True(set.Right);
        Assert.Equal(["1 of 5 are exchanged across the cut within noise, such as token 6 for token 5"], set.Notes);
    }

    [Fact]
    public void Separate_tokens_may_not_be_exchanged_and_both_are_named()
    {
        RankingVerdict verdict = Judge(Scores, 2, 0, 3, 4, 5);
        Assert.True(verdict.Set.Right);
        Assert.Equal(["ranks 0 and 1 are exchanged (token 2 and token 0): the gap is 100 noise"], verdict.Order.Faults);
        Assert.Equal(99.95, verdict.Order.Worst, 1e-6);
        Assert.Equal(["ranks 0 and 4 are exchanged (token 5 and token 0): the gap is 300 noise"], Judge(Scores, 5, 2, 3, 4, 0).Faults);
    }

    [Fact]
    public void One_token_that_moves_far_is_one_fault() =>
        Assert.Equal(["rank 0 holds token 5, whose place is rank 4: wrong by 300 noise"], Judge(Scores, 5, 0, 2, 3, 4).Faults);

    [Fact]
    public void A_replaced_token_is_a_difference_of_sets()
    {
        RankingVerdict verdict = Judge(Scores, 0, 2, 3, 5, 1);
        Assert.Equal(["token 1 is chosen, its score 0.1 is 100 noise below the cut; token 4 is missing"], verdict.Set.Faults);
        Assert.True(verdict.Order.Right);

        // The best is left out for one that ties at the cut: the newcomer isn't to blame.
        Assert.Equal(["token 0 is missing, its score 0.9 is 300 noise above the cut"], Judge(Scores, 2, 3, 4, 5, 6).Faults);
    }

    [Theory]
    [InlineData(new long[] { 0, 2, 3, 4, 4 }, "token 4 is chosen twice, at ranks 3 and 4")]
    [InlineData(new long[] { 0, 2, 3, 4, 8 }, "rank 4 holds index 8; expected 0 to 7")]
    [InlineData(new long[] { 0, 2, 3, 4, -1 }, "rank 4 holds index -1; expected 0 to 7")]
    [InlineData(new long[] { 0, 2, 3, 4, long.MaxValue }, "rank 4 holds index 9223372036854775807; expected 0 to 7")]
    public void Indices_stand_once_and_exist(long[] chosen, string fault)
    {
        RankingVerdict verdict = Judge(Scores, chosen);
        Assert.False(verdict.Right);
        Assert.Equal([fault, "token 5 is missing, its score 0.3001 is 0.05 noise above the cut"], verdict.Set.Faults);
        Assert.Equal(double.PositiveInfinity, verdict.Worst);
    }

    [Fact]
    public void Scores_and_noise_have_to_be_numbers()
    {
        double[] broken = [.. Scores];
        broken[7] = double.NaN;
        Assert.Equal(["the score of token 7 is NaN"], Judge(broken, 0, 2, 3, 4, 5).Set.Faults);
        foreach (double bad in new[] { double.NaN, double.PositiveInfinity, -1 })
        {
            Tensor<double> noise = Noise(8);
            noise[0, 3] = bad;
            RankingVerdict verdict = RankingCheck.TopK(Tensor<long>.FromArray([1, 5], [0, 2, 3, 4, 5]), Row(Scores), noise);
            Assert.False(verdict.Set.Right);
            Assert.False(verdict.Order.Right);
        }
    }

    [Fact]
    public void A_long_run_of_near_ties_does_not_excuse_exchanging_its_ends()
    {
        // Neighbours lie 1.5 allowed noises of one apart, within the two of both; ends are 15 apart.
        double[] run = [.. Enumerable.Range(0, 11).Select(i => 1 - (i * 1.5e-3))];
        Assert.True(Judge(run, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 10).Right);
        Assert.Equal(["ranks 0 and 10 are exchanged (token 10 and token 0): the gap is 7.5 noise"], Judge(run, 10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0).Faults);
        Assert.False(Judge(run, 10, 9, 8).Set.Right);
    }

    [Fact]
    public void Without_noise_equal_scores_tie_and_others_do_not()
    {
        // Masked tokens share one logit.
        double[] scores = [2, -4, -4, -4, -4, 1];
        Assert.True(Exact(scores, 0, 5, 4, 2).Right);
        Assert.Equal("2 of 4 are exchanged across the cut within noise, such as token 4 for token 2", Assert.Single(Exact(scores, 0, 5, 4, 3).Set.Notes));
        Assert.Equal(["ranks 0 and 1 are exchanged (token 5 and token 0): the gap is 1 (without noise)"], Exact(scores, 5, 0, 4, 2).Faults);
        scores[1] = Math.BitDecrement(-4.0);
        Assert.False(Exact(scores, 0, 5, 1, 2).Right);
    }

    [Fact]
    public void One_token_and_none()
    {
        Assert.True(Judge([0.5], 0).Right);
        Assert.False(Judge([0.5], 1).Right);
        Assert.True(Judge([0.5]).Right);
        Assert.True(Exact([7, 7, 7], 2, 0, 1).Right);
        Assert.True(Exact([double.NegativeInfinity, double.PositiveInfinity, double.PositiveInfinity], 2, 1).Right);
    }

    [Fact]
    public void Noises_that_differ_are_each_tokens_own()
    {
        // Token 1 is anywhere in [0.6, 1]; token 0 certainly beats token 2.
        Tensor<double> scores = Row(1.0, 0.8, 0.9, 0.7);
        Tensor<double> noise = Tensor<double>.FromArray([1, 4], [0.01, 0.2, 0.01, 0.2]);
        Assert.True(RankingCheck.TopK(Tensor<long>.FromArray([1, 2], [1, 0]), scores, noise).Right);
        Assert.True(RankingCheck.TopK(Tensor<long>.FromArray([1, 2], [3, 1]), scores, noise).Order.Right);
        Assert.Equal(
            ["token 2 is chosen and token 0 isn't, whose score is 5.0 noise above its"],
            RankingCheck.TopK(Tensor<long>.FromArray([1, 2], [2, 1]), scores, noise).Set.Faults);
    }

    [Fact]
    public void Pictures_are_judged_apart()
    {
        Tensor<double> scores = Tensor<double>.FromArray([2, 3], [3, 2, 1, 1, 2, 3]);
        RankingVerdict verdict = RankingCheck.TopK(Tensor<long>.FromArray([2, 2], [0, 1, 0, 1]), scores, null);
        Assert.Equal(["picture 1: token 0 is chosen, its score 1 is 1 (without noise) below the cut; token 2 is missing"], verdict.Set.Faults);
        Assert.Equal(["picture 1: ranks 0 and 1 are exchanged (token 0 and token 1): the gap is 1 (without noise)"], verdict.Order.Faults);
    }

    [Fact]
    public void Of_many_faults_the_first_are_named_and_the_rest_is_counted()
    {
        double[] scores = [.. Enumerable.Range(0, 60).Select(i => 60.0 - i)];
        RankingVerdict verdict = Exact(scores, [.. Enumerable.Range(30, 30).Select(i => (long)i)]);
        Assert.Equal(9, verdict.Set.Faults.Count);
        Assert.Equal("and 22 more", verdict.Set.Faults[^1]);
        Assert.Equal(30, verdict.Set.Wrong);
    }

    [Fact]
    public void Rows_that_were_gathered_belong_to_the_tokens_chosen()
    {
        Tensor<long> chosen = Tensor<long>.FromArray([1, 3], [2, 0, 1]);
        Tensor<double> source = Tensor<double>.FromArray([1, 4, 2], [0, 1, 10, 11, double.PositiveInfinity, 21, 30, 31]);
        Tensor<double> gathered = Tensor<double>.FromArray([1, 3, 2], [double.PositiveInfinity, 21, 0, 1, 10, 11]);
        Assert.True(RankingCheck.Gathered(gathered, chosen, source, null).Right);
        gathered[0, 1, 0] = 30;
        gathered[0, 1, 1] = 31;
        gathered[0, 2, 0] = double.NaN;
        Assert.Equal(
            ["rank 1 holds the row of token 3, the ranking says token 0", "rank 2 holds no token's row, the ranking says token 1"],
            RankingCheck.Gathered(gathered, chosen, source, null).Faults);
    }

    // The definition, tried out: some scores within noise give the ranking.
    [Fact]
    public void A_ranking_made_from_scores_within_noise_passes_and_one_beyond_two_noises_fails() => Properties.Holds(random =>
    {
        int count = random.Next(2, 40);
        int kept = random.Next(1, count + 1);
        double[] scores = [.. Enumerable.Range(0, count).Select(_ => random.Next(3) == 0 ? random.Next(4) : 4 * random.NextDouble())];
        double[] noise = [.. scores.Select(_ => random.Next(4) == 0 ? 0 : 0.3 * random.NextDouble())];
        double[] perturbed = [.. scores.Select((score, i) => score + (noise[i] * 0.999 * ((2 * random.NextDouble()) - 1)))];
        long[] ranking = [.. Enumerable.Range(0, count).OrderByDescending(i => perturbed[i]).Take(kept).Select(i => (long)i)];
        Tensor<double> rowNoise = Tensor<double>.FromArray([1, count], noise);
        Assert.True(RankingCheck.TopK(Tensor<long>.FromArray([1, kept], ranking), Row(scores), rowNoise).Right);

        // Exchanging any two of all ranked items is right exactly if every pair that it turns round is a tie.
        long[] whole = [.. Enumerable.Range(0, count).OrderByDescending(i => perturbed[i]).Select(i => (long)i)];
        (int a, int b) = (random.Next(count), random.Next(count));
        (whole[a], whole[b]) = (whole[b], whole[a]);
        bool set = true;
        bool order = true;
        for (int i = 0; i < count; i++)
        {
            for (int j = i + 1; j < count; j++)
            {
                bool beats = scores[whole[j]] - scores[whole[i]] > noise[whole[i]] + noise[whole[j]];
                set &= !(beats && i < kept && j >= kept);
                order &= !(beats && j < kept);
            }
        }

        RankingVerdict verdict = RankingCheck.TopK(Tensor<long>.FromArray([1, kept], whole[..kept]), Row(scores), rowNoise);
        Assert.Equal((set, order), (verdict.Set.Right, verdict.Order.Right));
        Assert.Equal(!set, verdict.Set.Faults.Count > 0);
        Assert.Equal(!order, verdict.Order.Faults.Count > 0);
    }, 1000);

    [Fact]
    public void Scaling_scores_and_noise_by_a_power_of_two_changes_nothing() => Properties.Holds(random =>
    {
        int count = random.Next(1, 30);
        int kept = random.Next(0, count + 1);
        double[] scores = [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() - 0.5)];
        double[] noise = [.. scores.Select(_ => 0.05 * random.NextDouble())];
        Tensor<long> ranking = Tensor<long>.FromArray([1, kept], [.. Enumerable.Range(0, kept).Select(_ => (long)random.Next(count))]);
        RankingVerdict one = RankingCheck.TopK(ranking, Row(scores), Tensor<double>.FromArray([1, count], noise));
        double scale = Math.ScaleB(1, random.Next(-200, 200));
        RankingVerdict other = RankingCheck.TopK(
            ranking, Row([.. scores.Select(score => scale * score)]), Tensor<double>.FromArray([1, count], [.. noise.Select(n => scale * n)]));
        foreach ((RankingAspect a, RankingAspect b) in new[] { (one.Set, other.Set), (one.Order, other.Order) })
        {
            Assert.Equal((a.Right, a.Worst, a.Wrong, a.Faults.Count, a.Notes.Count), (b.Right, b.Worst, b.Wrong, b.Faults.Count, b.Notes.Count));
        }
    });

    private static RankingVerdict Judge(double[] scores, params long[] chosen) =>
        RankingCheck.TopK(Tensor<long>.FromArray([1, chosen.Length], chosen), Row(scores), Noise(scores.Length));

    private static RankingVerdict Exact(double[] scores, params long[] chosen) =>
        RankingCheck.TopK(Tensor<long>.FromArray([1, chosen.Length], chosen), Row(scores), null);

    private static Tensor<double> Row(params double[] scores) => Tensor<double>.FromArray([1, scores.Length], [.. scores]);

    private static Tensor<double> Noise(int count)
    {
        Tensor<double> noise = new([1, count]);
        noise.AsSpan().Fill(1e-3);
        return noise;
    }
}
