using BenchmarkDotNet.Attributes;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Bench;

/// <summary>Convolutions of ResNet-50 by the name of their layer, on maps of a 100x168 picture.</summary>
public class Conv2dBenchmarks
{
    private readonly OperatorContext _textbook = new(Kernels.Textbook);
    private readonly OperatorContext _simd = new(Kernels.Simd, Environment.ProcessorCount);
    private Tensor<float> _input = null!;
    private Tensor<float> _weight = null!;
    private Conv2dWindow _window;

    [Params("conv1", "layer1.0.conv2", "layer2.0.conv1", "layer4.1.conv2", "layer3.0.downsample.0")]
    public string Layer { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        (int channels, int outputs, int height, int width, int kernel, _window) = Layer switch
        {
            "conv1" => (3, 64, 100, 168, 7, new Conv2dWindow(2, 3)),
            "layer1.0.conv2" => (64, 64, 25, 42, 3, new Conv2dWindow(1, 1)),
            "layer2.0.conv1" => (256, 128, 25, 42, 1, new Conv2dWindow()),
            "layer4.1.conv2" => (512, 512, 4, 6, 3, new Conv2dWindow(1, 1)),
            _ => (512, 1024, 13, 21, 1, new Conv2dWindow(2)),
        };
        _input = Agreement.Random(1, [1, channels, height, width]);
        _weight = Agreement.Random(2, [outputs, channels, kernel, kernel]);
        Agreement.Require(Textbook(), Simd());
    }

    [Benchmark(Baseline = true)]
    public Tensor<float> Textbook() => Conv2d.Forward(_textbook, _input, _weight, null, _window);

    [Benchmark]
    public Tensor<float> Simd() => Conv2d.Forward(_simd, _input, _weight, null, _window);
}
