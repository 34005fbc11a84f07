using System.Globalization;
using System.Text.Json;
using DeformDetr.Formats;

namespace DeformDetr.Oracle;

/// <summary>
/// Detections as COCO's evaluation reads them: one list of <c>{image_id, category_id, bbox: [x, y, width, height], score}</c>.
/// </summary>
public static class CocoResults
{
    /// <summary>
    /// The number that each picture goes by: that in its file's name where all names are numbers and all numbers different
    /// (<c>000000000139.jpg</c> is 139), else its place in the list, from 1.
    /// </summary>
    /// <param name="paths">The files of the pictures.</param>
    public static IReadOnlyList<long> ImageIds(IReadOnlyList<string> paths)
    {
        List<long> numbers = [];
        foreach (string path in paths)
        {
            if (!long.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                break;
            }

            numbers.Add(number);
        }

        return numbers.Distinct().Count() == paths.Count ? numbers : [.. Enumerable.Range(1, paths.Count).Select(place => (long)place)];
    }

    /// <summary>Writes a results file; whole, or not at all.</summary>
    /// <param name="path">The file; replaced if it exists.</param>
    /// <param name="pictures">What was found.</param>
    /// <param name="imageIds">A number for each picture.</param>
    /// <exception cref="IOException">The file can't be written.</exception>
    public static void Save(string path, IReadOnlyList<PictureDetections> pictures, IReadOnlyList<long> imageIds) =>
        AtomicFile.WriteAllText(path, ReportJson.Text(json => WriteTo(json, pictures, imageIds)) + "\n");

    // The label is the category: labels of a model trained on COCO are COCO's own numbers, gaps included.
    private static void WriteTo(Utf8JsonWriter json, IReadOnlyList<PictureDetections> pictures, IReadOnlyList<long> imageIds)
    {
        json.WriteStartArray();
        for (int index = 0; index < pictures.Count; index++)
        {
            foreach (Detection detection in pictures[index].Detections)
            {
                PictureBox box = detection.Box;
                json.WriteStartObject();
                json.WriteNumber("image_id", imageIds[index]);
                json.WriteNumber("category_id", detection.Label);
                json.WriteBox("bbox", new PictureBox(box.X0, box.Y0, box.X1 - box.X0, box.Y1 - box.Y0));
                json.WriteNumberOrWord("score", detection.Score);
                json.WriteEndObject();
            }
        }

        json.WriteEndArray();
    }
}
