using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Operators;

/// <summary>Small golden models as steps, and all their tensors.</summary>
internal static class SmallModels
{
    public static readonly string[] Names =
        ["model-basic", "model-two-stage", "model-bottleneck-refine-gelu", "model-learned-refine-five-levels", "model-dilation-single-scale"];

    public static (CheckModel Model, RunConfiguration Run) Load(string name)
    {
        GoldenCase golden = GoldenCase.Find([RepositoryFiles.Golden]).Single(golden => golden.Name == name);
        RunConfiguration run = new(ConfigReader.Read(golden.File, golden.Config), golden.Preprocess, null);
        ModelInput input = ModelInput.Load([golden.InputsPath!], golden.Preprocess);
        return (CheckModel.Create(input, [], StepWeights.Load(golden.Weights!, run.Config), run.Config, golden.Preprocess), run);
    }

    /// <summary>Every tensor of a run in an algebra; nothing is let go of.</summary>
    public static Dictionary<string, Quantity> Trace(CheckModel model, Algebra algebra, out StepRun run)
    {
        run = model.Run(algebra);
        Dictionary<string, Quantity> tensors = new(StringComparer.Ordinal);
        foreach (Step step in model.Graph.Steps)
        {
            Quantity made = run.Evaluate(step);
            run.Put(step, made);
            tensors.Add(step.Name, made);
        }

        return tensors;
    }

    public static void RequireSameBits(string name, Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        Assert.True(Fingerprint.OfTensor("", expected).AsSpan().SequenceEqual(Fingerprint.OfTensor("", actual)), $"{name}: other bits");
    }
}
