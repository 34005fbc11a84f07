using System.Numerics;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Steps;

/// <summary>The steps are the model: the same names, and the same bits in every one of them.</summary>
public class StepRunTests
{
    public static TheoryData<string> Cases() =>
        [.. GoldenCase.Find([RepositoryFiles.Golden]).Where(golden => golden.Target == "model").Select(golden => golden.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void StepsHaveTheModelsBits(string name)
    {
        Compare<float>(name);
        Compare<double>(name);
    }

    private static void Compare<T>(string name)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        GoldenCase golden = GoldenCase.Find([RepositoryFiles.Golden]).Single(golden => golden.Name == name);
        DeformableDetrConfig config = ConfigReader.Read(golden.File, golden.Config);
        ModelInput input = ModelInput.Load([golden.InputsPath!], golden.Preprocess);
        Dictionary<string, byte[]> model = new(StringComparer.Ordinal);
        new ModelRun<T>(golden.Weights!.Load<T>(config)).Run(input, Kernels.Simd, 2, new Hashes(model));

        int results = input.TargetSizes?.Shape[0] ?? 0;
        StepGraph graph = StepGraph.Build(config, pictures: 0, results);
        Dictionary<string, Tensor> given = new(StringComparer.Ordinal)
        {
            ["samples.tensor"] = input.Samples,
            ["samples.mask"] = input.Mask,
        };
        if (input.TargetSizes is not null)
        {
            given[StepGraph.TargetSizes] = input.TargetSizes;
        }

        using StepRun run = new(
            graph, new ReferenceAlgebra<T>(new OperatorContext(Kernels.Simd, 2)), StepWeights.Load(golden.Weights!, config), given);
        List<string> wrong = [];
        foreach (Step step in graph.Steps)
        {
            Quantity made = run.Evaluate(step);
            run.Put(step, made);
            if (!model.Remove(step.Name, out byte[]? hash))
            {
                wrong.Add($"{step.Name}: the model doesn't have it");
            }
            else if (!hash.AsSpan().SequenceEqual(Fingerprint.OfTensor(step.Name, made.Tensor)))
            {
                wrong.Add($"{step.Name}: other bits");
            }

            Assert.Equal(made.Shape.Rank, step.Axes.Count);
            run.Finish(step);
        }

        Assert.Empty(wrong);
        Assert.Empty(model.Keys);
    }

    private sealed class Hashes(Dictionary<string, byte[]> hashes) : ITapSink
    {
        public bool Wants(string name) => true;

        public Tensor<T> See<T>(string name, Tensor<T> tensor)
            where T : unmanaged
        {
            hashes.Add(name, Fingerprint.OfTensor(name, tensor));
            return tensor;
        }
    }
}
