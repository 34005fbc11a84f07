using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// The input under which a law broke, as a golden case: expectations are the reference's, port.safetensors beside them what the port gave.
internal static class LawExport
{
    public static string Write(LawVerdict verdict, ILawSubject subject, string folder)
    {
        int which = Array.FindIndex([.. verdict.Trial.Inputs], input => IsWrong(input, verdict.Answers[IndexOf(verdict, input)], subject.Unit));
        which = which < 0 ? verdict.Trial.Inputs.Count - 1 : which;
        LawInput input = verdict.Trial.Inputs[which];
        IReadOnlyDictionary<string, Tensor>? port = verdict.Answers[which].Outputs;
        IReadOnlyDictionary<string, Tensor> run = new ReferenceSubject(ElementType.Float32, Kernels.Simd).Run(input);
        IReadOnlyDictionary<string, Tensor> wide = new ReferenceSubject(ElementType.Float64, Kernels.Simd).Run(input);
        string[] names = [.. run.Keys.Where(name => port is null ? LawTargets.Outputs(input).Contains(name) : port.ContainsKey(name))];
        Directory.CreateDirectory(folder);
        string At(string name) => Path.Combine(folder, name);
        (string, Tensor)[] Of(Func<string, bool> wanted) => [.. input.Tensors.Where(pair => wanted(pair.Key)).Select(pair => (pair.Key, pair.Value))];
        bool contract = LawTargets.Contract.Contains(input.Target);
        (string, Tensor)[] weights = Of(name => !LawTargets.IsInput(input.Target, name));
        SafetensorsWriter.Save(At("inputs.safetensors"), Of(name => LawTargets.IsInput(input.Target, name)));
        if (weights.Length > 0)
        {
            SafetensorsWriter.Save(At("weights.safetensors"), weights);
        }

        SafetensorsWriter.Save(At("expected.safetensors"), names.Select(name => (name, run[name])));
        SafetensorsWriter.Save(At("expected64.safetensors"), names.Where(name => wide[name] is Tensor<double>).Select(name => (name, wide[name])));
        if (port is not null)
        {
            SafetensorsWriter.Save(At("port.safetensors"), port.Select(pair => (pair.Key, pair.Value)));
        }

        AtomicFile.WriteAllText(At("case.json"), Json(verdict, input, contract, weights.Length > 0, Path.GetFileName(Path.GetFullPath(folder))) + "\n");
        return folder;
    }

    private static int IndexOf(LawVerdict verdict, LawInput input) => verdict.Trial.Inputs.ToList().FindIndex(other => ReferenceEquals(other, input));

    // Whether this call, and not another one of the trial, gave wrong numbers.
    private static bool IsWrong(LawInput input, LawAnswer answer, NoiseUnit unit)
    {
        if (answer.Outputs is not { } outputs)
        {
            return true;
        }

        LawResult result = new(input, outputs, unit);
        return outputs.Keys.Any(name => result.Fault(name, false) is not null) || Agreement.Judge(result) is not null;
    }

    private static string Json(LawVerdict verdict, LawInput input, bool contract, bool weights, string name) => ReportJson.Text(writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("format", "golden-case/1");
        writer.WriteString("name", name);
        writer.WriteString("target", contract ? input.Target : "operator");
        writer.WriteStartObject("config");
        if (!contract)
        {
            writer.WriteString("operator", input.Target);
        }

        using JsonDocument config = JsonDocument.Parse(input.Config);
        foreach (JsonProperty setting in config.RootElement.EnumerateObject())
        {
            setting.WriteTo(writer);
        }

        writer.WriteEndObject();
        if (weights)
        {
            writer.WriteString("weights", "weights.safetensors");
        }

        writer.WriteString("inputs", "inputs.safetensors");
        writer.WriteString("expected", "expected.safetensors");
        writer.WriteString("expected64", "expected64.safetensors");
        writer.WriteStartObject("source");
        writer.WriteString("tool", "deform-detr laws");
        writer.WriteString("version", TraceRun.Version);
        writer.WriteString("law", verdict.Law.Name);
        writer.WriteString("case", verdict.Case.ToString());
        writer.WriteEndObject();
        writer.WriteEndObject();
    });
}
