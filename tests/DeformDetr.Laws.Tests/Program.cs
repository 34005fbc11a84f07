using DeformDetr.Formats;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Laws.Tests;

// xunit doesn't come in through here: the tests start this assembly as somebody else's program, which is asked to obey the laws.
internal static class Program
{
    public static int Main(string[] arguments)
    {
        if (arguments is not ["port", string given, string made])
        {
            return 2;
        }

        using TensorFile file = TensorFile.Open(given);
        ReferenceSubject reference = new(ElementType.Float32, Kernels.Simd);
        List<(string, Tensor)> outputs = [];
        for (int k = 0; k < int.Parse(file.Metadata["cases"], System.Globalization.CultureInfo.InvariantCulture); k++)
        {
            string prefix = FormattableString.Invariant($"{k}/");
            Dictionary<string, Tensor> tensors = file.Entries.Where(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal))
                .ToDictionary(entry => entry.Name[prefix.Length..], entry => file.Read(entry.Name), StringComparer.Ordinal);
            outputs.AddRange(reference.Run(new LawInput(file.Metadata["target"], file.Metadata["config"], tensors)).Select(pair => (prefix + pair.Key, pair.Value)));
        }

        SafetensorsWriter.Save(made, outputs);
        return 0;
    }
}
