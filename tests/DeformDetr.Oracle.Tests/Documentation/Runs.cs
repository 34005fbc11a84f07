using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Documentation;

/// <summary>Whole runs in float32, with all their named tensors.</summary>
internal static class Runs
{
    public static Result Case(string name, Kernels kernels)
    {
        GoldenCase golden = GoldenCase.Load(Path.Combine(RepositoryFiles.Golden, "cases", name));
        return Run(golden, [golden.InputsPath!], kernels);
    }

    // Pictures are counted from 1.
    public static Result Demo(Kernels kernels, params int[] pictures)
    {
        GoldenCase golden = GoldenCase.Load(Path.Combine(RepositoryFiles.Golden, "demo"));
        return Run(golden, [.. pictures.Select(number => golden.PicturePaths[number - 1])], kernels);
    }

    private static Result Run(GoldenCase golden, IReadOnlyList<string> inputs, Kernels kernels)
    {
        RunConfiguration run = RunConfiguration.Load(Path.Combine(golden.Folder, "case.json"));
        Sink sink = new();
        ModelInput input = ModelInput.Load(inputs, run.Preprocess, sink.Keep);
        new ModelRun<float>(golden.Weights!.Load<float>(run.Config)).Run(input, kernels, 1, sink);
        return new Result(run.Config, sink.Tensors);
    }

    internal sealed record Result(DeformableDetrConfig Config, IReadOnlyDictionary<string, Tensor> Tensors);

    private sealed class Sink : ITapSink
    {
        public Dictionary<string, Tensor> Tensors { get; } = new(StringComparer.Ordinal);

        public bool Wants(string name) => true;

        public Tensor<T> See<T>(string name, Tensor<T> tensor)
            where T : unmanaged
        {
            Keep(name, tensor);
            return tensor;
        }

        public void Keep(string name, Tensor tensor)
        {
            Tensor copy = tensor.CloneUntyped();
            copy.Name = name;
            Tensors.Add(name, copy);
        }
    }
}
