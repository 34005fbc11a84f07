using System.Numerics;
using DeformDetr.Tensors;
using FsCheck.Fluent;

namespace DeformDetr.Reference.Tests;

public class PostProcessTests
{
    [Fact]
    public void Scores_are_ranked_over_queries_and_classes_and_boxes_become_corners_in_pixels()
    {
        // 40 queries, 3 classes; the best is query 7 as class 2, then query 3 as class 0, then query 7 again as class 1.
        Tensor<double> logits = Draw.Constant<double>([1, 40, 3], -9);
        logits[0, 7, 2] = 2;
        logits[0, 3, 0] = 1;
        logits[0, 7, 1] = 0;
        Tensor<double> boxes = Draw.Constant<double>([1, 40, 4], 0.5);
        double[] box = [0.25, 0.5, 0.125, 0.5];
        box.CopyTo(boxes.AsSpan()[28..]);
        Detections<double> detections = Run(logits, boxes, 200, 800)[0];
        Assert.Equal([0.880797077977882, 0.731058578630005, 0.5], detections.Scores.AsSpan()[..3].ToArray(), (x, y) => Math.Abs(x - y) < 1e-14);
        Assert.Equal([2L, 0, 1], detections.Labels.AsSpan()[..3].ToArray());

        // Width 800: 0.25 ∓ 0.0625 is 150 and 250; height 200: 0.5 ∓ 0.25 is 50 and 150.
        Assert.Equal([150, 50, 250, 150], detections.Boxes.AsSpan()[..4].ToArray());
        Assert.Equal([200, 50, 600, 150], detections.Boxes.AsSpan()[4..8].ToArray());
        Assert.Equal([150, 50, 250, 150], detections.Boxes.AsSpan()[8..12].ToArray());
    }

    [Fact]
    public void Equal_scores_rank_by_the_lower_index()
    {
        Detections<float> detections = Run(new Tensor<float>([1, 50, 3]), Draw.Between<float>(new Random(1), [1, 50, 4], 0.1, 0.9), 10, 10)[0];
        Assert.Equal(Enumerable.Range(0, 100).Select(index => (long)(index % 3)), detections.Labels.AsSpan().ToArray());
        Assert.All(detections.Scores.AsSpan().ToArray(), score => Assert.Equal(0.5f, score));
        Assert.Equal(detections.Boxes.AsSpan()[..4].ToArray(), detections.Boxes.AsSpan()[8..12].ToArray());
        Assert.NotEqual(detections.Boxes.AsSpan()[..4].ToArray(), detections.Boxes.AsSpan()[12..16].ToArray());
    }

    [Fact]
    public void Every_picture_agrees_with_sorting_and_arithmetic() =>
        Properties.Holds(
            from seed in Gen.Choose(0, int.MaxValue) from classes in Gen.Choose(1, 9) select (seed, classes),
            c =>
            {
                Compare<float>(c.seed, c.classes, 2e-7);
                Compare<double>(c.seed, c.classes, 1e-15);
            },
            30);

    [Fact]
    public void Results_are_tapped_for_every_picture()
    {
        RecordingSink sink = new();
        ForwardPass pass = new(Kernels.Simd, 1, sink);
        PostProcess.Forward(pass, new Predictions<float>(Draw.Numbers<float>(1, [2, 50, 2]), Draw.Numbers<float>(2, [2, 50, 4])), new Tensor<long>([2, 2]));
        Assert.Equal(["results.0.scores", "results.0.labels", "results.0.boxes", "results.1.scores", "results.1.labels", "results.1.boxes"], sink.Names);
        Assert.Equal([100, 4], sink.Tensors["results.1.boxes"].Shape);
        Assert.Equal([100], sink.Of<long>("results.1.labels").Shape);
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        Tensor<float> boxes = new([1, 33, 4]);
        Expect.Refusal<ArgumentException>("post_process: pred_logits holds [1, 33, 3], 99 scores a picture; expected at least 100.", () => Run(new Tensor<float>([1, 33, 3]), boxes, 1, 1));
        Expect.Refusal<ArgumentException>("post_process: pred_boxes holds [1, 33, 4]; expected [N, Q, 4] = [1, 50, 4].", () => Run(new Tensor<float>([1, 50, 3]), boxes, 1, 1));
        Expect.Refusal<ArgumentException>("post_process: pred_logits holds [33, 3]; expected [N, Q, K], 3 axes.", () => Run(new Tensor<float>([33, 3]), boxes, 1, 1));
        Expect.Refusal<ArgumentException>(
            "post_process: target_sizes holds [2, 2]; expected [N, 2] = [1, 2].",
            () => PostProcess.Forward(new ForwardPass(), new Predictions<float>(new Tensor<float>([1, 33, 4]), boxes), new Tensor<long>([2, 2])));
    }

    private static IReadOnlyList<Detections<T>> Run<T>(Tensor<T> logits, Tensor<T> boxes, params long[] sizes)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        PostProcess.Forward(new ForwardPass(), new Predictions<T>(logits, boxes), Tensor<long>.FromArray([sizes.Length / 2, 2], sizes));

    private static void Compare<T>(int seed, int classes, double relative)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Random random = new(seed);
        Tensor<T> logits = Draw.Numbers<T>(random, [2, 120, classes], 2);
        Tensor<T> boxes = Draw.Between<T>(random, [2, 120, 4], -0.1, 1.1);
        long[] sizes = [random.Next(1, 2000), random.Next(1, 2000), random.Next(1, 2000), random.Next(1, 2000)];
        IReadOnlyList<Detections<T>> detections = Run(logits, boxes, sizes);
        double[] scores = Independent.Dense.Sigmoid(logits.Doubles());
        for (int b = 0; b < 2; b++)
        {
            int start = b * 120 * classes;
            int[] ranked = [.. Enumerable.Range(0, 120 * classes).OrderByDescending(index => logits.AsReadOnlySpan()[start + index]).Take(100)];
            Expect.Close([.. ranked.Select(index => scores[start + index])], detections[b].Scores.Doubles(), relative, "scores");

            // Neighbours that round to one score may stand in the other order.
            List<double> expected = [];
            for (int rank = 0; rank < 100; rank++)
            {
                int index = ranked[rank];
                bool tied = (rank > 0 && detections[b].Scores[rank] == detections[b].Scores[rank - 1]) || (rank < 99 && detections[b].Scores[rank] == detections[b].Scores[rank + 1]);
                Assert.True(tied || detections[b].Labels[rank] == index % classes, $"label {rank}");
                for (int at = 0; at < 4; at++)
                {
                    int axis = at % 2;
                    double centre = double.CreateTruncating(boxes[b, index / classes, axis]);
                    double size = double.CreateTruncating(boxes[b, index / classes, 2 + axis]);
                    expected.Add(tied ? double.CreateTruncating(detections[b].Boxes[rank, at]) : (centre + ((at < 2 ? -0.5 : 0.5) * size)) * sizes[(2 * b) + 1 - axis]);
                }
            }

            Expect.Close([.. expected], detections[b].Boxes.Doubles(), relative, "boxes");
        }
    }
}
