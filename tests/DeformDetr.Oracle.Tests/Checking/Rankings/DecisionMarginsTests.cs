using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Rankings;

/// <summary>Distances from the other outcome, by hand and against flipping it.</summary>
public class DecisionMarginsTests
{
    [Fact]
    public void The_cut_and_the_nearest_neighbours_of_a_ranking()
    {
        Tensor<double> scores = Tensor<double>.FromArray([1, 5], [0.5, 0.9, 0.52, 0.1, 0.3]);
        IReadOnlyList<DecisionMargin> margins = DecisionMargins.TopK("topk", scores, Constant(scores, 0.05), 3, "token");
        Assert.Equal(["the cut at rank 3 (token 0 stays, token 4 doesn't)", "rank 1 against 2 (token 2 and token 0)"], margins.Select(margin => margin.What));
        Assert.Equal([2, 0.2], margins.Select(margin => margin.Margin), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([(0L, 1L), (1L, 2L)], margins.Select(margin => (margin.Undecided, margin.Of)));
    }

    [Fact]
    public void The_nearest_pair_across_the_cut_need_not_be_the_two_beside_it()
    {
        Tensor<double> scores = Tensor<double>.FromArray([1, 4], [0.9, 0.8, 0.6, 0.5]);
        Tensor<double> noise = Tensor<double>.FromArray([1, 4], [0.01, 0.01, 0.01, 0.29]);
        DecisionMargin cut = DecisionMargins.TopK("topk", scores, noise, 2, "token")[0];
        Assert.Equal("the cut at rank 2 (token 1 stays, token 3 doesn't)", cut.What);
        Assert.Equal(1, cut.Margin, 1e-12);
    }

    [Fact]
    public void Ties_are_undecided_and_so_is_what_is_not_a_number()
    {
        Tensor<double> equal = Tensor<double>.FromArray([2, 3], [7, 7, 7, 1, 2, 3]);
        IReadOnlyList<DecisionMargin> margins = DecisionMargins.TopK("topk", equal, new([2, 3]), 2, "token");
        Assert.Equal([(0.0, 1L, 2L), (0.0, 1L, 2L)], margins.Select(margin => (margin.Margin, margin.Undecided, margin.Of)));
        equal[1, 1] = double.NaN;
        Assert.Equal([2L, 2L], DecisionMargins.TopK("topk", equal, new([2, 3]), 2, "token").Select(margin => margin.Undecided));
        Assert.Empty(DecisionMargins.TopK("topk", Tensor<double>.FromArray([1, 1], [3]), new([1, 1]), 1, "token"));
    }

    [Fact]
    public void Margins_of_a_ranking_say_when_a_choice_can_flip() => Properties.Holds(random =>
    {
        int count = random.Next(2, 30);
        int kept = random.Next(1, count);
        Tensor<double> scores = new([1, count]);
        Tensor<double> noise = new([1, count]);
        for (int i = 0; i < count; i++)
        {
            scores[0, i] = random.NextDouble();
            noise[0, i] = 0.1 * random.NextDouble();
        }

        double brute = double.PositiveInfinity;
        int[] sorted = [.. Enumerable.Range(0, count).OrderByDescending(i => scores[0, i])];
        foreach (int inside in sorted[..kept])
        {
            foreach (int outside in sorted[kept..])
            {
                brute = Math.Min(brute, (scores[0, inside] - scores[0, outside]) / (noise[0, inside] + noise[0, outside]));
            }
        }

        Assert.Equal(brute, DecisionMargins.TopK("topk", scores, noise, kept, "token")[0].Margin);
    });

    [Fact]
    public void Cells_that_samples_fall_in()
    {
        // Two levels of (H, W) = (4, 8) and (2, 2), one point; x 0.25 · 8 − 0.5 = 1.5, y 0.37 · 4 − 0.5 = 0.98; x 0.5 · 2 − 0.5 = 0.5.
        Tensor<double> locations = Tensor<double>.FromArray([1, 1, 1, 2, 1, 2], [0.25, 0.37, 0.5, 3]);
        Tensor<long> shapes = Tensor<long>.FromArray([2, 2], [4, 8, 2, 2]);
        DecisionMargin margin = Assert.Single(DecisionMargins.SamplingFloor("sampling_locations", locations, Constant(locations, 0.01), shapes));
        Assert.Equal("floor in sampling at [0, 0, 0, 0, 0], y = 0.37", margin.What);
        Assert.Equal(0.5, margin.Margin, 1e-9);
        Assert.Equal((1, 4), (margin.Undecided, margin.Of));

        // Far outside nothing can flip, on whole numbers either: 3.25 · 2 − 0.5 = 6 lies 4 beyond the last edge. x at 1.5 is nearest.
        locations[0, 0, 0, 1, 0, 1] = 3.25;
        locations[0, 0, 0, 0, 0, 1] = 0.5;
        margin = Assert.Single(DecisionMargins.SamplingFloor("sampling_locations", locations, Constant(locations, 0.01), shapes));
        Assert.Equal((0L, 6.25), (margin.Undecided, Math.Round(margin.Margin, 9)));
        locations[0, 0, 0, 1, 0, 0] = double.NaN;
        margin = Assert.Single(DecisionMargins.SamplingFloor("sampling_locations", locations, Constant(locations, 0.01), shapes));
        Assert.Equal((1L, 0.0), (margin.Undecided, margin.Margin));
        locations[0, 0, 0, 1, 0, 0] = 0.5;
        Tensor<double> noise = Constant(locations, 0.01);
        noise[0, 0, 0, 1, 0, 0] = double.NaN;
        margin = Assert.Single(DecisionMargins.SamplingFloor("sampling_locations", locations, noise, shapes));
        Assert.Equal((1L, 0.0), (margin.Undecided, margin.Margin));
    }

    [Fact]
    public void The_index_of_a_sample_is_its_own()
    {
        Tensor<double> locations = new([2, 3, 4, 2, 5, 2]);
        locations.AsSpan().Fill(0.25);
        locations[1, 2, 3, 1, 4, 0] = 0.5 / 4;
        DecisionMargin margin = Assert.Single(
            DecisionMargins.SamplingFloor("s", locations, Constant(locations, 1e-3), Tensor<long>.FromArray([2, 2], [4, 4, 4, 4])));
        Assert.Equal(("floor in sampling at [1, 2, 3, 1, 4], x = 0.125", 1L, 480L), (margin.What, margin.Undecided, margin.Of));
    }

    [Fact]
    public void A_full_size_picture_is_counted()
    {
        Tensor<double> locations = new([1, 22223, 8, 4, 4, 2]);
        Random random = new(1);
        for (int i = 0; i < locations.Length; i++)
        {
            locations.AsSpan()[i] = random.NextDouble();
        }

        Tensor<double> noise = Constant(locations, 1e-7);
        Tensor<long> shapes = Tensor<long>.FromArray([4, 2], [100, 167, 50, 84, 25, 42, 13, 21]);
        DecisionMargin margin = Assert.Single(DecisionMargins.SamplingFloor("s", locations, noise, shapes));

        // Twice the noise in cells is the chance to be undecided.
        double chance = 2e-7 * (100 + 167 + 50 + 84 + 25 + 42 + 13 + 21) / 8;
        Assert.InRange(margin.Undecided, 0.8 * chance * locations.Length, 1.2 * chance * locations.Length);
    }

    [Fact]
    public void Scores_beside_the_threshold_of_a_detection()
    {
        Tensor<double> scores = Tensor<double>.FromArray([4], [0.9, 0.31, 0.2999, double.NaN]);
        DecisionMargin margin = Assert.Single(DecisionMargins.Threshold("results.0.scores", "score threshold", scores, Constant(scores, 1e-3), 0.3));
        Assert.Equal(("score threshold 0.3 for element 3, NaN", 0.0, 2L, 4L), (margin.What, margin.Margin, margin.Undecided, margin.Of));
        scores[3] = 0;
        margin = Assert.Single(DecisionMargins.Threshold("results.0.scores", "score threshold", scores, Constant(scores, 1e-3), 0.3));
        Assert.Equal("score threshold 0.3 for element 2, 0.2999", margin.What);
        Assert.Equal(0.1, margin.Margin, 1e-9);
        Assert.Equal(1, margin.Undecided);
    }

    [Fact]
    public void Half_a_cell_of_fifty_is_the_threshold_itself()
    {
        Tensor<long> shapes = Tensor<long>.FromArray([1, 2], [4, 50]);
        LevelLayout levels = new(shapes, Tensor<long>.FromArray([1], [0]));
        DecisionMargin margin = Assert.Single(DecisionMargins.Validity("transformer.output_proposals", new([1, 200]), levels, 1.0 / (1 << 24)));
        Assert.Equal("validity of token 0: cx = 0.01 against 0.01", margin.What);

        // The first and the last column of four rows.
        Assert.Equal((0.0, 8L, 1200L), (margin.Margin, margin.Undecided, margin.Of));
        LevelLayout other = new(Tensor<long>.FromArray([1, 2], [4, 51]), Tensor<long>.FromArray([1], [0]));
        Assert.Equal(0, Assert.Single(DecisionMargins.Validity("p", new([1, 204]), other, 1.0 / (1 << 24))).Undecided);

        // Padding of one column leaves a valid width of 50, and its own cells don't count.
        Tensor<bool> padding = new([1, 204]);
        for (int row = 0; row < 4; row++)
        {
            padding[0, (51 * row) + 50] = true;
        }

        Assert.Equal((8L, 1200L), (Assert.Single(DecisionMargins.Validity("p", padding, other, 1.0 / (1 << 24))) is var m ? (m.Undecided, m.Of) : default));
    }

    private static Tensor<double> Constant(Tensor<double> like, double value)
    {
        Tensor<double> noise = new(like.Shape);
        noise.AsSpan().Fill(value);
        return noise;
    }
}
