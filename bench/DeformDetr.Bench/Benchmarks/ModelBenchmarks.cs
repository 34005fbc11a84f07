using BenchmarkDotNet.Attributes;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Bench;

/// <summary>Whole models with weights by recipe, on a picture so small (96x128) that the textbook bodies end.</summary>
public class ModelBenchmarks
{
    private readonly Tensor<bool> _mask = new([1, 96, 128]);
    private DeformableDetr<float> _model = null!;
    private Tensor<float> _samples = null!;

    // As many queries as the smallest variant has tokens for.
    [Params("r50", "r50-refine", "r50-two-stage")]
    public string Variant { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        DeformableDetrConfig config = DeformableDetrConfig.Variants[Variant] with { NumQueries = 100 };
        _model = new DeformableDetr<float>(config, new RecipeWeights<float>(7, config.WithBoxRefine));
        _samples = Agreement.Random(1, [1, 3, 96, 128], -2, 2);
        Agreement.Require(Unranked(Textbook()), Unranked(Simd()));
    }

    [Benchmark(Baseline = true)]
    public DetrOutputs<float> Textbook() => Run(new ForwardPass(Kernels.Textbook));

    [Benchmark]
    public DetrOutputs<float> Simd() => Run(new ForwardPass(Kernels.Simd, Environment.ProcessorCount));

    private DetrOutputs<float> Run(ForwardPass pass) => _model.Forward(pass, _samples, _mask);

    // Two-stage models rank their proposals, and the bodies may rank near ties differently; what is ranked is in one order.
    private static Tensor<float> Unranked(DetrOutputs<float> outputs) => (outputs.EncOutputs ?? outputs.Final).PredLogits;
}
