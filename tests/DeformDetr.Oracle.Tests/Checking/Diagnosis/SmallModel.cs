using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Diagnosis;

/// <summary>A golden model's tensors on pictures of our own, large enough that levels differ, as a dump in float32 has them.</summary>
internal sealed class SmallModel
{
    private readonly Dictionary<string, Quantity> _tensors = new(StringComparer.Ordinal);
    private readonly StepWeights _weights;

    private SmallModel(string name)
    {
        GoldenCase golden = GoldenCase.Find([RepositoryFiles.Golden]).Single(golden => golden.Name == name);
        DeformableDetrConfig config = ConfigReader.Read(golden.File, golden.Config);
        Algebra = new ReferenceAlgebra<double>(new OperatorContext(Kernels.Simd));
        _weights = StepWeights.Load(golden.Weights!, config);
        Graph = StepGraph.Build(config, pictures: 0, results: 2);
        (Tensor<double> samples, Tensor<bool> mask) = Pictures();
        _tensors["samples.tensor"] = new(samples);
        _tensors["samples.mask"] = new(mask);
        _tensors[StepGraph.TargetSizes] = new(Tensor<long>.FromArray([2, 2], [480, 640, 333, 500]));
        foreach (Step step in Graph.Steps)
        {
            if (step.Kind != StepKinds.Given)
            {
                Tensor made = step.Kind.Evaluate(Algebra, Inputs(step)).Tensor;
                _tensors[step.Name] = new(made is Tensor<double> ? Dumped(made) : made);
            }
        }
    }

    public static Algebra Single { get; } = new ReferenceAlgebra<float>(new OperatorContext(Kernels.Simd));

    public Algebra Algebra { get; }

    public Algebra Noise { get; } = new NoiseAlgebra(new OperatorContext(Kernels.Simd), NoiseUnit.Float32);

    public StepGraph Graph { get; }

    public static SmallModel Of(string name) => new(name);

    public StepInputs Inputs(Step step) => AtTheEdges(Algebra, new(step, name => _tensors[name], name => Algebra.Given(_weights[name])));

    // For an algebra of float32.
    public StepInputs Narrow(Step step) => AtTheEdges(
        Single, new(step, name => Single.Given(_tensors[name].Tensor), name => Single.Given(_weights[name])));

    public Tensor<double> Real(string name) => _tensors[name].Real;

    public Tensor this[string name] => _tensors[name].Tensor;

    // The step's tensor with its noise.
    public Quantity Right(Step step) =>
        _tensors[step.Name].Tensor is Tensor<double> ? step.Kind.Evaluate(Noise, Inputs(step)) : _tensors[step.Name];

    // As a port in float32 would dump it.
    public static Tensor<double> Dumped(Tensor tensor)
    {
        double[] values = Sheet.Numbers(tensor);
        return Tensor<double>.FromArray(tensor.Shape, [.. values.Select(value => (double)(float)value)]);
    }

    // Some references at the edges of the picture, where the logit's epsilon shows, and steps that come back from there.
    private static StepInputs AtTheEdges(Algebra a, StepInputs x)
    {
        if (x.Step.Kind != StepKinds.RefineBoxes)
        {
            return x;
        }

        Tensor<double> reference = Dumped(x["reference"].Tensor);
        Tensor<double> delta = Dumped(x["delta"].Tensor);
        int known = reference.Shape[2];
        for (int axis = 0; axis < known; axis++)
        {
            (reference[0, 0, axis], delta[0, 0, axis]) = (1, -11.5);
            (reference[0, 1, axis], delta[0, 1, axis]) = (0, 11.5);
            (reference[0, 2, axis], delta[0, 2, axis]) = (3e-5, 9);
            (reference[0, 3, axis], delta[0, 3, axis]) = (3e-3, 5);
        }

        return x.With("reference", a.Given(reference)).With("delta", a.Given(delta));
    }

    private static (Tensor<double> Samples, Tensor<bool> Mask) Pictures()
    {
        const int Height = 88;
        const int Width = 152;
        Tensor<double> samples = new([2, 3, Height, Width]);
        Tensor<bool> mask = new([2, Height, Width]);
        for (int n = 0; n < 2; n++)
        {
            (int height, int width) = n == 0 ? (69, Width) : (Height, 107);
            for (int row = 0; row < Height; row++)
            {
                for (int column = 0; column < Width; column++)
                {
                    bool padded = row >= height || column >= width;
                    mask[n, row, column] = padded;
                    for (int channel = 0; channel < 3; channel++)
                    {
                        int index = (((((n * 3) + channel) * Height) + row) * Width) + column;
                        samples[n, channel, row, column] = padded ? 0 : 2 * Recipe.Uniform(77, "pictures", index);
                    }
                }
            }
        }

        return (samples, mask);
    }
}
