// Equation: the 100 largest of σ(logits) over queries and classes; label = index mod K, box = that of query ⌊index / K⌋ as corners, in
// pixels.
// Mirrors PostProcess in models/deformable_detr.py.
using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Reference;

/// <summary>Detections of one picture, best first.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="Scores">Probabilities. Shape [100].</param>
/// <param name="Labels">Classes. Shape [100].</param>
/// <param name="Boxes">(x0, y0, x1, y1), pixels of the target size. Shape [100, 4].</param>
public readonly record struct Detections<T>(Tensor<T> Scores, Tensor<long> Labels, Tensor<T> Boxes)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>;

/// <summary>From predictions to detections.</summary>
public static class PostProcess
{
    /// <summary>How many detections a picture gets.</summary>
    public const int Count = 100;

    /// <summary>Ranks all scores of every picture and scales the boxes.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="pass">The run; the detections are tapped as results.{b}.*.</param>
    /// <param name="predictions">Logits [N, Q, K] and boxes [N, Q, 4].</param>
    /// <param name="targetSizes">(h, w) of each picture in the pixels that the boxes are wanted in. Shape [N, 2].</param>
    /// <returns>One entry per picture. A query may appear under several labels.</returns>
    /// <exception cref="ArgumentException">Shapes disagree, or fewer than 100 scores.</exception>
    public static IReadOnlyList<Detections<T>> Forward<T>(ForwardPass pass, Predictions<T> predictions, Tensor<long> targetSizes)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        TensorShape shape = predictions.PredLogits.Shape;
        ShapeGuard.Rank("post_process", "pred_logits", shape, "[N, Q, K]", 3);
        ShapeGuard.Require("post_process", "pred_boxes", predictions.PredBoxes.Shape, "[N, Q, 4]", shape[0], shape[1], 4);
        ShapeGuard.Require("post_process", "target_sizes", targetSizes.Shape, "[N, 2]", shape[0], 2);
        int classes = shape[2];
        ShapeGuard.That(
            shape[1] * classes >= Count, "post_process", "pred_logits",
            $"holds {shape}, {shape[1] * classes} scores a picture; expected at least {Count}.");

        using BufferScope scope = pass.Scope();
        Tensor<T> prob = Sigmoid.Forward(pass, predictions.PredLogits).Reshape([shape[0], shape[1] * classes]);
        (Tensor<T> values, Tensor<long> indices) = TopK.Forward(pass, prob, Count);
        List<Detections<T>> results = [];
        for (int b = 0; b < shape[0]; b++)
        {
            Tensor<T> scores = new([Count]);
            Tensor<long> labels = new([Count]);
            Tensor<T> boxes = new([Count, 4]);
            double height = targetSizes[b, 0];
            double width = targetSizes[b, 1];
            for (int rank = 0; rank < Count; rank++)
            {
                int index = (int)indices[b, rank];
                int query = index / classes;
                double cx = Widen(predictions.PredBoxes[b, query, 0]);
                double cy = Widen(predictions.PredBoxes[b, query, 1]);
                double w = Widen(predictions.PredBoxes[b, query, 2]);
                double h = Widen(predictions.PredBoxes[b, query, 3]);
                scores[rank] = values[b, rank];
                labels[rank] = index % classes;
                boxes[rank, 0] = Round<T>((cx - (0.5 * w)) * width);
                boxes[rank, 1] = Round<T>((cy - (0.5 * h)) * height);
                boxes[rank, 2] = Round<T>((cx + (0.5 * w)) * width);
                boxes[rank, 3] = Round<T>((cy + (0.5 * h)) * height);
            }

            results.Add(new Detections<T>(
                pass.Tap($"results.{b}.scores", scores), pass.Tap($"results.{b}.labels", labels), pass.Tap($"results.{b}.boxes", boxes)));
        }

        return results;
    }
}
