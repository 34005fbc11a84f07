using System.Globalization;
using DeformDetr.Reference;
using DeformDetr.Tensors;
using Xunit.Abstractions;

namespace DeformDetr.Oracle.Tests.Checking.Noise;

/// <summary>Every step of whole models, on the tensors that a legal run made: no legal run is refused.</summary>
public class NoiseModelTests(ITestOutputHelper output)
{
    public static TheoryData<string> Cases() =>
        [.. GoldenCase.Find([RepositoryFiles.Golden])
            .Where(golden => golden.Target == "model" && !golden.Name.StartsWith("published", StringComparison.Ordinal))
            .Select(golden => golden.Name)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void No_step_of_a_legal_run_is_refused(string name)
    {
        GoldenCase golden = GoldenCase.Find([RepositoryFiles.Golden]).Single(golden => golden.Name == name);
        DeformableDetrConfig config = ConfigReader.Read(golden.File, golden.Config);
        ModelInput input = ModelInput.Load([golden.InputsPath!], golden.Preprocess);
        StepGraph graph = StepGraph.Build(config, pictures: 0, input.TargetSizes?.Shape[0] ?? 0);
        Dictionary<string, Tensor> given = new(StringComparer.Ordinal)
        {
            ["samples.tensor"] = input.Samples,
            ["samples.mask"] = input.Mask,
        };
        if (input.TargetSizes is not null)
        {
            given[StepGraph.TargetSizes] = input.TargetSizes;
        }

        StepWeights weights = StepWeights.Load(golden.Weights!, config);
        foreach ((string order, Algebra algebra) in Spread.Runs)
        {
            using StepRun port = new(graph, algebra, weights, given);
            using StepRun noise = new(graph, Spread.Noise(), weights, given);
            Dictionary<string, double> largest = new(StringComparer.Ordinal);
            foreach (Step step in graph.Steps)
            {
                Quantity made = port.Evaluate(step);
                Quantity expected = noise.Evaluate(step);
                if (made.Tensor is Tensor<float> run)
                {
                    (double seen, int at) = Spread.Of(run, expected);
                    largest[step.Kind.Name] = Math.Max(seen, largest.GetValueOrDefault(step.Kind.Name));
                    Assert.True(seen <= 1, $"{order}: {step} errs by {seen} of its noise at {at}");
                }

                // The port's own tensor goes on, in both.
                port.Put(step, made);
                noise.Drop(expected);
                noise.Put(step, noise.Algebra.Given(made.Tensor));
            }

            output.WriteLine(string.Join(", ", largest.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key} {pair.Value:0.00}"))));
        }
    }
}
