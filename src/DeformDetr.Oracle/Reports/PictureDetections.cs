using System.Text.Json;

namespace DeformDetr.Oracle;

/// <summary>What the model found in one picture.</summary>
/// <param name="Path">The picture's file.</param>
/// <param name="Width">Its width as decoded, pixels.</param>
/// <param name="Height">Its height as decoded, pixels.</param>
/// <param name="Detections">Best first.</param>
public sealed record PictureDetections(string Path, int Width, int Height, IReadOnlyList<Detection> Detections)
{
    /// <summary>Writes the object <c>{file, width, height, detections: [{class, label, score, box: [x0, y0, x1, y1]}]}</c>.</summary>
    /// <param name="json">Stands where a value is expected.</param>
    /// <param name="more">Writes more properties of the object; null for none.</param>
    public void WriteTo(Utf8JsonWriter json, Action<Utf8JsonWriter>? more = null)
    {
        json.WriteStartObject();
        json.WriteString("file", Path);
        json.WriteNumber("width", Width);
        json.WriteNumber("height", Height);
        json.WriteStartArray("detections");
        foreach (Detection detection in Detections)
        {
            json.WriteStartObject();
            json.WriteString("class", detection.Class);
            json.WriteNumber("label", detection.Label);
            json.WriteNumberOrWord("score", detection.Score);
            json.WriteBox("box", detection.Box);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        more?.Invoke(json);
        json.WriteEndObject();
    }
}
