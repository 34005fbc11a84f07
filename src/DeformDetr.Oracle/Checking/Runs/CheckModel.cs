using System.Globalization;
using DeformDetr.Reference;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// A model and an input, as steps: what every command about a port starts from.
internal sealed class CheckModel
{
    private CheckModel(
        DeformableDetrConfig config, StepGraph graph, StepWeights weights, IReadOnlyDictionary<string, Tensor> given, PictureInputs? pictures)
    {
        Config = config;
        Graph = graph;
        Weights = weights;
        Given = given;
        Pictures = pictures;
    }

    public DeformableDetrConfig Config { get; }

    public StepGraph Graph { get; }

    public StepWeights Weights { get; }

    // Tensors that the run starts from, by name.
    public IReadOnlyDictionary<string, Tensor> Given { get; }

    public PictureInputs? Pictures { get; }

    public static CheckModel Load(
        IReadOnlyList<string> inputs, WeightSource weights, DeformableDetrConfig config, PreprocessOptions preprocess)
    {
        List<Tensor<byte>> decoded = [];
        ModelInput input = ModelInput.Load(inputs, preprocess, (name, tensor) =>
        {
            if (name.EndsWith(".decoded", StringComparison.Ordinal))
            {
                decoded.Add((Tensor<byte>)tensor);
            }
        });
        return Create(input, decoded, StepWeights.Load(weights, config), config, preprocess);
    }

    public static CheckModel Create(
        ModelInput input, IReadOnlyList<Tensor<byte>> decoded, StepWeights weights, DeformableDetrConfig config, PreprocessOptions preprocess)
    {
        Dictionary<string, Tensor> given = new(StringComparer.Ordinal);
        if (decoded.Count == 0)
        {
            given.Add("samples.tensor", input.Samples);
            given.Add("samples.mask", input.Mask);
        }

        for (int b = 0; b < decoded.Count; b++)
        {
            given.Add(string.Create(CultureInfo.InvariantCulture, $"images.{b}.decoded"), decoded[b]);
        }

        if (input.TargetSizes is not null)
        {
            given.Add(StepGraph.TargetSizes, input.TargetSizes);
        }

        StepGraph graph = StepGraph.Build(config, decoded.Count, input.TargetSizes?.Shape[0] ?? 0);
        return new CheckModel(config, graph, weights, given, decoded.Count == 0 ? null : new PictureInputs(decoded, preprocess));
    }

    // Elsewhere: where a mistake may find a tensor that the run doesn't hold.
    public StepRun Run(Algebra algebra, Func<string, Quantity?>? elsewhere = null) =>
        new(Graph, algebra, Weights, Given, Pictures, elsewhere);

    // Runs of algebras that make the same of a weight.
    public StepRun[] Run(IReadOnlyList<Algebra> algebras)
    {
        Dictionary<string, Quantity> weights = new(StringComparer.Ordinal);
        return [.. algebras.Select(algebra => new StepRun(Graph, algebra, Weights, Given, Pictures, null, weights))];
    }

    // The same steps and input with other weights.
    public CheckModel With(StepWeights weights) => new(Config, Graph, weights, Given, Pictures);
}
