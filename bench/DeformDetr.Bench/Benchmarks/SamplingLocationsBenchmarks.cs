using BenchmarkDotNet.Attributes;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Bench;

/// <summary>Sampling locations at a twentieth of the encoder's tokens on an 800x1333 picture: 8 heads, 4 levels, 4 points.</summary>
public class SamplingLocationsBenchmarks
{
    private readonly OperatorContext _textbook = new(Kernels.Textbook);
    private readonly OperatorContext _simd = new(Kernels.Simd, Environment.ProcessorCount);
    private readonly Tensor<long> _spatialShapes = Tensor<long>.Create([4, 2], [100, 167, 50, 84, 25, 42, 13, 21]);
    private Tensor<float> _references = null!;
    private Tensor<float> _offsets = null!;

    // What a query looks from: a point (encoder, plain decoder) or a box (refining decoders).
    [Params("points", "boxes")]
    public string References { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _references = Agreement.Random(1, [1, 1111, 4, References == "boxes" ? 4 : 2], 0, 1);
        _offsets = Agreement.Random(2, [1, 1111, 8, 4, 4, 2], -4, 4);
        Agreement.Require(Textbook(), Simd());
    }

    [Benchmark(Baseline = true)]
    public Tensor<float> Textbook() => SamplingLocations.Forward(_textbook, _references, _offsets, _spatialShapes);

    [Benchmark]
    public Tensor<float> Simd() => SamplingLocations.Forward(_simd, _references, _offsets, _spatialShapes);
}
