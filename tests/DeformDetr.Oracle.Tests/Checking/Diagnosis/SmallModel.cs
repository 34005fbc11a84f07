using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle.Tests.Checking.Diagnosis;

/// <summary>Every tensor of a golden model on pictures of our own, large enough that levels differ, with a noise to judge by.</summary>
internal sealed class SmallModel
{
    // Noise as of float32 sums of a dozen terms, in the tensor's root mean square.
    private const double Noise = 1.0 / (1 << 21);

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
                _tensors[step.Name] = step.Kind.Evaluate(Algebra, Inputs(step));
            }
        }
    }

    public Algebra Algebra { get; }

    public StepGraph Graph { get; }

    public static SmallModel Of(string name) => new(name);

    public StepInputs Inputs(Step step) => new(step, name => _tensors[name], name => Algebra.Given(_weights[name]));

    public Tensor<double> Real(string name) => _tensors[name].Real;

    public Tensor this[string name] => _tensors[name].Tensor;

    // The step's tensor with its noise.
    public Quantity Right(Step step)
    {
        Tensor tensor = _tensors[step.Name].Tensor;
        if (tensor is not Tensor<double> real)
        {
            return new(tensor);
        }

        double squares = 0;
        foreach (double value in real.AsReadOnlySpan())
        {
            squares += double.IsFinite(value) ? value * value : 0;
        }

        double noise = Noise * Math.Sqrt(squares / real.Length);
        Tensor<double> noises = new(real.Shape);
        for (int i = 0; i < real.Length; i++)
        {
            noises.AsSpan()[i] = noise + (Noise * (double.IsFinite(real.AsSpan()[i]) ? Math.Abs(real.AsSpan()[i]) : 0));
        }

        return new(real, noises);
    }

    // As a port in float32 would dump it.
    public static Tensor<double> Dumped(Tensor tensor)
    {
        double[] values = Sheet.Numbers(tensor);
        return Tensor<double>.FromArray(tensor.Shape, [.. values.Select(value => (double)(float)value)]);
    }

    private static (Tensor<double> Samples, Tensor<bool> Mask) Pictures()
    {
        const int Height = 88;
        const int Width = 152;
        Tensor<double> samples = new([2, 3, Height, Width]);
        Tensor<bool> mask = new([2, Height, Width]);
        for (int n = 0; n < 2; n++)
        {
            (int height, int width) = n == 0 ? (Height, Width) : (61, 107);
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
