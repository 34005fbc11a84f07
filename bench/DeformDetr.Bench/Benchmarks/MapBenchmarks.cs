using BenchmarkDotNet.Attributes;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Bench;

/// <summary>Operators on feature maps of a 200x336 picture, by the name of the layer that has them.</summary>
public class MapBenchmarks
{
    private readonly OperatorContext _textbook = new(Kernels.Textbook);
    private readonly OperatorContext _simd = new(Kernels.Simd, Environment.ProcessorCount);
    private Tensor<float> _input = null!;
    private Tensor<float> _weight = null!;
    private Tensor<float> _bias = null!;
    private Tensor<float> _mean = null!;
    private Tensor<float> _variance = null!;

    [Params("bn1", "layer1.0.bn3", "maxpool", "input_proj.0.1", "src_flatten")]
    public string Layer { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        (int channels, int height, int width) = Layer switch
        {
            "bn1" or "maxpool" => (64, 100, 168),
            "layer1.0.bn3" => (256, 50, 84),
            _ => (256, 25, 42),
        };
        _input = Agreement.Random(1, [1, channels, height, width], -4, 4);
        _weight = Agreement.Random(2, [channels]);
        _bias = Agreement.Random(3, [channels]);
        _mean = Agreement.Random(4, [channels]);
        _variance = Agreement.Random(5, [channels], 0.5, 1);
        Agreement.Require(Textbook(), Simd());
    }

    [Benchmark(Baseline = true)]
    public Tensor<float> Textbook() => Run(_textbook);

    [Benchmark]
    public Tensor<float> Simd() => Run(_simd);

    private Tensor<float> Run(OperatorContext context) => Layer switch
    {
        "bn1" or "layer1.0.bn3" => FrozenBatchNorm.Forward(context, _input, _weight, _bias, _mean, _variance),
        "maxpool" => MaxPool2d.Forward(context, _input, kernel: 3, stride: 2, padding: 1),
        "input_proj.0.1" => GroupNorm.Forward(context, _input, 32, _weight, _bias),
        _ => Permute.Forward(context, _input, 0, 2, 3, 1),
    };
}
