using System.Numerics;
using System.Text.Json;
using DeformDetr.Formats;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Target `operator`: one operator of the catalogue on given tensors (golden/README.md). Weights may stand among the inputs.
internal static class OperatorCases
{
    public static void Run<T>(GoldenCase golden, ForwardPass pass, CaseInputs inputs, IRecorder recorder)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        JsonFile file = golden.File;
        string name = golden.Config.TryGetProperty("operator", out JsonElement value)
            ? file.String(value, "config.operator")
            : throw file.Error("config.operator", "is absent", "a setting of the operator");
        OperatorDefinition definition = OperatorCatalogue.Find(name)
            ?? throw file.Error("config.operator", $"holds '{name}'", "an operator of golden/README.md");
        OperatorSettings settings = new(file, golden.Config, name, definition.Settings, "operator");
        using TensorFile? weights = golden.Weights?.Path is { } path ? TensorFile.Open(path) : null;
        OperatorTensors tensors = OperatorTensors.Bind(
            definition, settings, golden.InputsPath ?? file.Path, inputs.TakeAny,
            tensor => weights is not null && weights.Contains(tensor) ? weights.Read(tensor) : inputs.TakeAny(tensor));
        foreach ((string output, Tensor tensor) in OperatorRun.Run<T>(tensors, pass))
        {
            recorder.Add(output, tensor);
        }
    }
}
