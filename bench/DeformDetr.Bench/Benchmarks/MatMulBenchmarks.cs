using BenchmarkDotNet.Attributes;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Bench;

/// <summary>The decoder's self-attention: 8 heads, 300 queries, 32 channels a head.</summary>
public class MatMulBenchmarks
{
    private readonly OperatorContext _textbook = new(Kernels.Textbook);
    private readonly OperatorContext _simd = new(Kernels.Simd, Environment.ProcessorCount);
    private Tensor<float> _a = null!;
    private Tensor<float> _b = null!;

    [Params("scores", "weighted values")]
    public string Product { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _a = Agreement.Random(1, Product == "scores" ? [8, 300, 32] : [8, 300, 300]);
        _b = Agreement.Random(2, [8, 300, 32]);
        Agreement.Require(Textbook(), Simd());
    }

    [Benchmark(Baseline = true)]
    public Tensor<float> Textbook() => MatMul.Forward(_textbook, _a, _b, transposed: Product == "scores");

    [Benchmark]
    public Tensor<float> Simd() => MatMul.Forward(_simd, _a, _b, transposed: Product == "scores");
}
