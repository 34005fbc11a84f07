using System.Text.Json;

namespace DeformDetr.Oracle;

/// <summary>A thing that really is in a picture.</summary>
/// <param name="Class">Its class as a word.</param>
/// <param name="Box">Where it is.</param>
public sealed record TrueObject(string Class, PictureBox Box);

/// <summary>What is really in some pictures, from a file like <c>golden/demo/truth.json</c>.</summary>
public sealed class GroundTruth
{
    private readonly Dictionary<string, IReadOnlyList<TrueObject>> _objects = new(StringComparer.Ordinal);

    private GroundTruth()
    {
    }

    /// <summary>Reads <c>{"pictures": [{"file", "objects": [{"label", "box": [x0, y0, x1, y1]}]}]}</c>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">Another content; the message names file and key.</exception>
    public static GroundTruth Load(string path)
    {
        JsonFile file = JsonFile.Open(path);
        GroundTruth truth = new();
        foreach (JsonElement picture in file.Array(Required(file, file.Root, "pictures"), "pictures"))
        {
            string name = file.String(Required(file, picture, "file"), "pictures.file");
            List<TrueObject> objects = [];
            foreach (JsonElement item in file.Array(Required(file, picture, "objects"), "pictures.objects"))
            {
                double[] box = [.. file.Array(Required(file, item, "box"), "box").Select(side => file.Number(side, "box"))];
                if (box.Length != 4)
                {
                    throw file.Error("box", $"holds {box.Length} numbers", "x0, y0, x1, y1");
                }

                objects.Add(
                    new TrueObject(file.String(Required(file, item, "label"), "label"), new PictureBox(box[0], box[1], box[2], box[3])));
            }

            truth._objects[name] = objects;
        }

        return truth;
    }

    /// <summary>What is in a picture; nothing where the file doesn't know it.</summary>
    /// <param name="fileName">The picture's file name without its folder.</param>
    public IReadOnlyList<TrueObject> Of(string fileName) =>
        _objects.TryGetValue(fileName, out IReadOnlyList<TrueObject>? objects) ? objects : [];

    private static JsonElement Required(JsonFile file, JsonElement element, string key) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(key, out JsonElement value)
            ? value
            : throw file.Error(key, "is absent", "a value");
}
