using BenchmarkDotNet.Attributes;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Bench;

/// <summary>Operators along rows, at a twentieth of the encoder's tokens on an 800x1333 picture.</summary>
public class RowBenchmarks
{
    private readonly OperatorContext _textbook = new(Kernels.Textbook);
    private readonly OperatorContext _simd = new(Kernels.Simd, Environment.ProcessorCount);
    private Tensor<float> _input = null!;
    private Tensor<float> _weight = null!;
    private Tensor<float> _bias = null!;

    [Params("norm1", "attention_weights", "self_attn's weights", "gelu", "relu", "sigmoid", "residual")]
    public string Step { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        TensorShape shape = Step switch
        {
            "attention_weights" => [1111, 8, 16],
            "self_attn's weights" => [8, 300, 300],
            "relu" => [1111, 1024],
            "sigmoid" => [1111, 4],
            _ => [1111, 256],
        };
        _input = Agreement.Random(1, shape, -4, 4);
        _weight = Agreement.Random(2, [256]);
        _bias = Agreement.Random(3, [256]);
        Agreement.Require(Textbook(), Simd());
    }

    [Benchmark(Baseline = true)]
    public Tensor<float> Textbook() => Run(_textbook);

    [Benchmark]
    public Tensor<float> Simd() => Run(_simd);

    private Tensor<float> Run(OperatorContext context) => Step switch
    {
        "norm1" => LayerNorm.Forward(context, _input, _weight, _bias),
        "attention_weights" or "self_attn's weights" => Softmax.Forward(context, _input),
        "relu" => Relu.Forward(context, _input),
        "sigmoid" => Sigmoid.Forward(context, _input),
        "residual" => Add.Forward(context, _input, _input),
        _ => Gelu.Forward(context, _input),
    };
}
