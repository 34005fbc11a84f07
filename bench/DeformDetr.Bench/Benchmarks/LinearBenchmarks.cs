using BenchmarkDotNet.Attributes;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Bench;

/// <summary>Linear layers by the name of the layer whose size they have (800x1333: S = 22 223 tokens, of which a twentieth here).</summary>
public class LinearBenchmarks
{
    private readonly OperatorContext _textbook = new(Kernels.Textbook);
    private readonly OperatorContext _simd = new(Kernels.Simd, Environment.ProcessorCount);
    private Tensor<float> _input = null!;
    private Tensor<float> _weight = null!;
    private Tensor<float> _bias = null!;

    [Params("value_proj", "linear1", "linear2", "class_embed")]
    public string Layer { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        (int rows, int inputs, int outputs) = Layer switch
        {
            "value_proj" => (1111, 256, 256),
            "linear1" => (1111, 256, 1024),
            "linear2" => (1111, 1024, 256),
            _ => (300, 256, 91),
        };
        _input = Agreement.Random(1, [rows, inputs]);
        _weight = Agreement.Random(2, [outputs, inputs]);
        _bias = Agreement.Random(3, [outputs]);
        Agreement.Require(Textbook(), Simd());
    }

    [Benchmark(Baseline = true)]
    public Tensor<float> Textbook() => Linear.Forward(_textbook, _input, _weight, _bias);

    [Benchmark]
    public Tensor<float> Simd() => Linear.Forward(_simd, _input, _weight, _bias);
}
