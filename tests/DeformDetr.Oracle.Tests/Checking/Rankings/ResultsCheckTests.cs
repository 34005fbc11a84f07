using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle.Tests.Checking.Rankings;

/// <summary>Detections: which query as which class, in which order, with which numbers.</summary>
public class ResultsCheckTests
{
    private const double Epsilon = 1.0 / (1 << 24);

    [Fact]
    public void What_float32_makes_of_the_predictions_passes()
    {
        for (int seed = 0; seed < 20; seed++)
        {
            Case c = new(seed);
            Assert.True(c.Judge().Right, string.Join("\n", c.Judge().Faults));
        }
    }

    [Fact]
    public void Equal_detections_may_be_exchanged()
    {
        Case c = new(1);
        c.CopyQuery(c.QueryAt(3), (c.QueryAt(3) + 1) % 40);
        RankingVerdict verdict = c.Judge();
        Assert.True(verdict.Right, string.Join("\n", verdict.Faults));
    }

    [Fact]
    public void Detections_of_equal_score_are_told_apart_by_their_boxes()
    {
        Case c = new(1);
        c.CopyQuery(c.QueryAt(3), (c.QueryAt(3) + 1) % 40, boxToo: false);
        RankingVerdict verdict = c.Judge();
        Assert.True(verdict.Right, string.Join("\n", verdict.Faults));
        Assert.NotEmpty(verdict.Order.Notes);
        c.Boxes[3, 0] += 1;
        Assert.False(c.Judge().Values.Right);
    }

    [Fact]
    public void Exchanged_ranks_are_an_error_of_order()
    {
        Case c = new(2);
        c.Swap(3, 4);
        RankingVerdict verdict = c.Judge();
        Assert.True(verdict.Set.Right && verdict.Values.Right);
        Assert.StartsWith($"ranks 3 and 4 are exchanged ({c.Word(4)} and {c.Word(3)}): the gap is ", Assert.Single(verdict.Faults));
    }

    [Fact]
    public void A_replaced_detection_is_a_difference_of_sets()
    {
        Case c = new(3);
        c.Set(9, c.Order[50]);
        RankingVerdict verdict = c.Judge();
        Assert.True(verdict.Values.Right);
        string fault = Assert.Single(verdict.Set.Faults);
        Assert.StartsWith($"{c.Word(50)} is chosen, its score ", fault);
        Assert.EndsWith($" noise below the cut; {c.Word(9)} is missing", fault);
    }

    [Fact]
    public void A_detection_that_stands_twice_is_no_detection()
    {
        Case c = new(4);
        c.Set(5, c.Order[4]);
        Assert.False(c.Judge().Right);
    }

    [Fact]
    public void A_wrong_label_is_a_wrong_value()
    {
        Case c = new(5);
        for (int rank = 0; rank < 20; rank++)
        {
            c.Labels[rank]++;
        }

        RankingVerdict verdict = c.Judge();
        Assert.Equal(20, verdict.Values.Wrong);
        Assert.StartsWith($"rank 0, query {c.QueryAt(0)}: label {c.Labels[0]}, expected {c.Labels[0] - 1}", verdict.Values.Faults[0]);
        Assert.True(verdict.Set.Right && verdict.Order.Right, string.Join("\n", verdict.Faults));
    }

    [Fact]
    public void Boxes_of_another_size_are_wrong_values_and_nothing_else()
    {
        Case c = new(6);
        for (int i = 0; i < c.Boxes.Length; i++)
        {
            c.Boxes.AsSpan()[i] *= 0.5;
        }

        RankingVerdict verdict = c.Judge();
        Assert.True(verdict.Set.Right && verdict.Order.Right, string.Join("\n", verdict.Faults));
        Assert.Equal(20, verdict.Values.Wrong);
        Assert.StartsWith($"rank 0, {c.Word(0)}: box [", verdict.Values.Faults[0]);
    }

    [Fact]
    public void Other_scores_are_wrong_values()
    {
        Case c = new(7);
        for (int rank = 0; rank < 20; rank++)
        {
            c.Scores[rank] = c.Scores[rank] * c.Scores[rank];
        }

        RankingVerdict verdict = c.Judge();
        Assert.True(verdict.Set.Right && verdict.Order.Right, string.Join("\n", verdict.Faults));
        Assert.Equal(20, verdict.Values.Wrong);
    }

    [Fact]
    public void Not_a_number_fails_wherever_it_stands()
    {
        for (int where = 0; where < 4; where++)
        {
            Case c = new(8);
            (where == 0 ? c.Scores : where == 1 ? c.Boxes : where == 2 ? c.Logits : c.PredBoxes).AsSpan()[where < 2 ? 0 : where == 2 ? 11 : (4 * c.QueryAt(0)) + 1] = double.NaN;
            Assert.False(c.Judge().Right);
        }

        Case labels = new(8);
        labels.Labels[3] = -1;
        Assert.False(labels.Judge().Right);
        labels.Labels[3] = 99;
        Assert.False(labels.Judge().Right);
    }

    private sealed class Case
    {
        private readonly Tensor<long> _targetSizes = Tensor<long>.FromArray([1, 2], [480, 640]);

        public Case(int seed)
        {
            Random random = new(seed);
            for (int i = 0; i < Logits.Length; i++)
            {
                Logits.AsSpan()[i] = (8 * random.NextDouble()) - 6;
            }

            for (int i = 0; i < PredBoxes.Length; i++)
            {
                PredBoxes.AsSpan()[i] = random.NextDouble();
            }

            Run();
        }

        public Tensor<double> Logits { get; } = new([1, 40, 5]);

        public Tensor<double> PredBoxes { get; } = new([1, 40, 4]);

        public Tensor<double> Scores { get; } = new([20]);

        public Tensor<long> Labels { get; } = new([20]);

        public Tensor<double> Boxes { get; } = new([20, 4]);

        public int[] Order { get; private set; } = [];

        public int QueryAt(int rank) => Order[rank] / 5;

        public string Word(int rank) => $"query {QueryAt(rank)} as class {Order[rank] % 5}";

        public void CopyQuery(int from, int to, bool boxToo = true)
        {
            Logits.AsSpan().Slice(5 * from, 5).CopyTo(Logits.AsSpan()[(5 * to)..]);
            if (boxToo)
            {
                PredBoxes.AsSpan().Slice(4 * from, 4).CopyTo(PredBoxes.AsSpan()[(4 * to)..]);
            }

            Run();
            for (int rank = 0; rank < 19; rank++)
            {
                if (Scores[rank] == Scores[rank + 1])
                {
                    Swap(rank, rank + 1);
                }
            }
        }

        public void Swap(int a, int b)
        {
            Set(a, Order[b]);
            Set(b, Order[a]);
        }

        // What a float32 program writes for an item.
        public void Set(int rank, int item)
        {
            Scores[rank] = (float)Elementary.Sigmoid((float)Logits.AsSpan()[item]);
            Labels[rank] = item % 5;
            float[] box = [.. PredBoxes.AsSpan().Slice(4 * (item / 5), 4).ToArray().Select(side => (float)side)];
            Boxes[rank, 0] = (box[0] - (0.5f * box[2])) * 640;
            Boxes[rank, 1] = (box[1] - (0.5f * box[3])) * 480;
            Boxes[rank, 2] = (box[0] + (0.5f * box[2])) * 640;
            Boxes[rank, 3] = (box[1] + (0.5f * box[3])) * 480;
        }

        public RankingVerdict Judge()
        {
            // The port's own predictions are float32 numbers.
            (Tensor<double> scoreNoise, Tensor<double> boxNoise) = RankingCheck.ResultsNoise(Logits, PredBoxes, _targetSizes, Epsilon);
            return RankingCheck.Results(0, Scores, Labels, Boxes, Logits, PredBoxes, _targetSizes, scoreNoise, boxNoise);
        }

        private void Run()
        {
            foreach (Tensor<double> tensor in new[] { Logits, PredBoxes })
            {
                for (int i = 0; i < tensor.Length; i++)
                {
                    tensor.AsSpan()[i] = (float)tensor.AsSpan()[i];
                }
            }

            Order = [.. Enumerable.Range(0, 200).OrderByDescending(item => Logits.AsSpan()[item])];
            for (int rank = 0; rank < 20; rank++)
            {
                Set(rank, Order[rank]);
            }
        }
    }
}
