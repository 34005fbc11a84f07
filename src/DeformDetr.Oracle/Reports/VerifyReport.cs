using System.Text.Json;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>Results of golden cases for programs (golden-contract.md, section 5).</summary>
public static class VerifyReport
{
    /// <summary>
    /// Writes an array with an object per tensor: case, dtype, kernels, tensor, shape, error, allowance, ratio, counted, padding_error,
    /// verdict, and note where there is one. Error, allowance and ratio are null where nothing was compared; padding_error where every
    /// element counts.
    /// </summary>
    /// <param name="json">Stands where a value is expected.</param>
    /// <param name="results">The results.</param>
    public static void WriteTo(Utf8JsonWriter json, IEnumerable<CaseResult> results)
    {
        json.WriteStartArray();
        foreach (CaseResult result in results)
        {
            foreach (TensorVerdict verdict in result.Tensors)
            {
                Write(json, result, verdict);
            }
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, CaseResult result, TensorVerdict verdict)
    {
        bool compared = verdict.Verdict is not (Verdict.Absent or Verdict.NotComputed);
        json.WriteStartObject();
        json.WriteString("case", result.Case);
        json.WriteString("dtype", result.ElementType.Word());
        json.WriteString("kernels", result.Kernels == Kernels.Simd ? "simd" : "textbook");
        json.WriteString("tensor", verdict.Tensor);
        json.WriteStartArray("shape");
        foreach (int size in verdict.Shape)
        {
            json.WriteNumberValue(size);
        }

        json.WriteEndArray();
        Number(json, "error", compared ? verdict.Error : null);
        Number(json, "allowance", compared ? verdict.Allowance : null);
        Number(json, "ratio", compared ? verdict.Ratio : null);
        json.WriteNumber("counted", verdict.Counted);
        Number(json, "padding_error", verdict.PaddingError);
        json.WriteString("verdict", verdict.Word);
        if (verdict.Note is not null)
        {
            json.WriteString("note", verdict.Note);
        }

        json.WriteEndObject();
    }

    private static void Number(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number)
        {
            json.WriteNumberOrWord(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
