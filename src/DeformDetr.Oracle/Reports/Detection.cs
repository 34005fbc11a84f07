using System.Globalization;
using System.Numerics;
using DeformDetr.Reference;

namespace DeformDetr.Oracle;

/// <summary>One thing that the model found in a picture.</summary>
/// <param name="Label">Its class as a number.</param>
/// <param name="Class">Its class as a word; the number where nobody named the classes.</param>
/// <param name="Score">Its probability.</param>
/// <param name="Box">Where it is.</param>
public sealed record Detection(long Label, string Class, double Score, PictureBox Box)
{
    /// <summary>The detections of a picture whose score reaches a threshold, best first.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="results">What post-processing gave.</param>
    /// <param name="classes">Names in label order; null for numbers.</param>
    /// <param name="threshold">The least score.</param>
    public static IReadOnlyList<Detection> AtLeast<T>(Detections<T> results, IReadOnlyList<string>? classes, double threshold)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        List<Detection> detections = [];
        for (int rank = 0; rank < results.Scores.Length; rank++)
        {
            double score = double.CreateTruncating(results.Scores[rank]);
            if (score >= threshold)
            {
                long label = results.Labels[rank];
                detections.Add(
                    new Detection(
                        label, NameOf(label, classes), score, new PictureBox(Side(rank, 0), Side(rank, 1), Side(rank, 2), Side(rank, 3))));
            }
        }

        return detections;

        double Side(int rank, int side) => double.CreateTruncating(results.Boxes[rank, side]);
    }

    private static string NameOf(long label, IReadOnlyList<string>? classes) =>
        classes is not null && label >= 0 && label < classes.Count ? classes[(int)label] : label.ToString(CultureInfo.InvariantCulture);
}
