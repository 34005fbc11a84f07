using System.Globalization;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>A folder with the annotated copies of pictures and <c>detections.json</c>. Every file appears whole or not at all.</summary>
public static class ReportFolder
{
    /// <summary>Refuses a path that can't be a folder to write to, before any work is done for it.</summary>
    /// <param name="folder">The folder; it need not exist.</param>
    /// <exception cref="IOException">A file has that name.</exception>
    public static void RequireUsable(string folder)
    {
        if (File.Exists(folder))
        {
            throw new IOException($"{folder}: is a file; expected a folder to write to.");
        }
    }

    /// <summary>Writes the annotated pictures and then detections.json.</summary>
    /// <param name="folder">The folder; made where it doesn't exist.</param>
    /// <param name="pictures">What was found.</param>
    /// <param name="decode">Gives the pixels of the picture with an index, once each. Shape [h, w, 3].</param>
    /// <param name="truth">What is really in the picture with an index; null where nobody knows.</param>
    /// <returns>Paths of the annotated pictures, in the order of the pictures.</returns>
    /// <exception cref="IOException">The folder can't be written to.</exception>
    public static IReadOnlyList<string> Write(
        string folder, IReadOnlyList<PictureDetections> pictures, Func<int, Tensor<byte>> decode,
        Func<int, IReadOnlyList<TrueObject>>? truth = null)
    {
        Directory.CreateDirectory(folder);
        HashSet<string> taken = new(StringComparer.OrdinalIgnoreCase);
        List<string> names = [.. pictures.Select(picture => Free(Path.GetFileNameWithoutExtension(picture.Path), taken))];
        for (int index = 0; index < pictures.Count; index++)
        {
            PictureDetections picture = pictures[index];
            string svg = AnnotatedPicture.ToSvg(decode(index), Path.GetFileName(picture.Path), picture.Detections, truth?.Invoke(index));
            AtomicFile.WriteAllText(Path.Combine(folder, names[index]), svg);
        }

        AtomicFile.WriteAllText(Path.Combine(folder, "detections.json"), ReportJson.Text(json =>
        {
            json.WriteStartArray();
            for (int index = 0; index < pictures.Count; index++)
            {
                pictures[index].WriteTo(json, more => more.WriteString("annotated", names[index]));
            }

            json.WriteEndArray();
        }) + "\n");
        return [.. names.Select(name => Path.Combine(folder, name))];
    }

    // Pictures of one name from different folders get different names here.
    private static string Free(string stem, HashSet<string> taken)
    {
        string name = $"{stem}.svg";
        for (int number = 2; !taken.Add(name); number++)
        {
            name = string.Create(CultureInfo.InvariantCulture, $"{stem}-{number}.svg");
        }

        return name;
    }
}
