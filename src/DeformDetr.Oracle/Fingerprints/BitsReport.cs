using System.Text.Json;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>Comparisons of bits for programs.</summary>
public static class BitsReport
{
    /// <summary>
    /// Writes an array with an object per tensor: case, dtype, kernels, traced, tensor, expected, actual, verdict (equal, differs, absent,
    /// extra). A hash that there is none of is null. A case that as a whole can't be compared has one object with a note, tensor null,
    /// verdict void; its tensors follow where there are any.
    /// </summary>
    /// <param name="json">Stands where a value is expected.</param>
    /// <param name="results">The results.</param>
    public static void WriteTo(Utf8JsonWriter json, IEnumerable<BitsResult> results)
    {
        json.WriteStartArray();
        foreach (BitsResult result in results)
        {
            if (result.Fault is not null)
            {
                Write(json, result, null);
            }

            foreach (TensorBits tensor in result.Tensors)
            {
                Write(json, result, tensor);
            }
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, BitsResult result, TensorBits? tensor)
    {
        json.WriteStartObject();
        json.WriteString("case", result.Case);
        json.WriteString("dtype", result.ElementType.Word());
        json.WriteString("kernels", result.Kernels == Kernels.Simd ? "simd" : "textbook");
        if (tensor is not null)
        {
            json.WriteBoolean("traced", tensor.Traced);
        }
        else
        {
            json.WriteNull("traced");
        }

        json.WriteString("tensor", tensor?.Tensor);
        json.WriteString("expected", tensor?.Expected);
        json.WriteString("actual", tensor?.Actual);
        json.WriteString("verdict", tensor?.Word ?? "void");
        if (tensor is null)
        {
            json.WriteString("note", result.Fault);
        }

        json.WriteEndObject();
    }
}
