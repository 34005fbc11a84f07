using BenchmarkDotNet.Attributes;
using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Bench;

/// <summary>
/// The attention core on the levels of an 800x1333 picture, 8 heads of 32, 4 points: the decoder's 300 queries, and a twentieth of the
/// encoder's.
/// </summary>
public class MSDeformAttnCoreBenchmarks
{
    private static readonly int[][] Levels = [[100, 167], [50, 84], [25, 42], [13, 21]];

    private readonly OperatorContext _textbook = new(Kernels.Textbook);
    private readonly OperatorContext _simd = new(Kernels.Simd, Environment.ProcessorCount);
    private readonly Tensor<long> _spatialShapes = new([4, 2]);
    private readonly Tensor<long> _levelStartIndex = new([4]);
    private Tensor<float> _value = null!;
    private Tensor<float> _locations = null!;
    private Tensor<float> _weights = null!;

    [Params(300, 1111)]
    public int Queries { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        int tokens = 0;
        for (int level = 0; level < Levels.Length; level++)
        {
            (_spatialShapes[level, 0], _spatialShapes[level, 1], _levelStartIndex[level]) = (Levels[level][0], Levels[level][1], tokens);
            tokens += Levels[level][0] * Levels[level][1];
        }

        _value = Agreement.Random(1, [1, tokens, 8, 32]);
        _locations = Agreement.Random(2, [1, Queries, 8, 4, 4, 2], -0.1f, 1.1f);
        _weights = Agreement.Random(3, [1, Queries, 8, 4, 4], 0, 0.125f);
        Agreement.Require(Textbook(), Simd());
    }

    [Benchmark(Baseline = true)]
    public Tensor<float> Textbook() => MSDeformAttnCore.Forward(_textbook, _value, _spatialShapes, _levelStartIndex, _locations, _weights);

    [Benchmark]
    public Tensor<float> Simd() => MSDeformAttnCore.Forward(_simd, _value, _spatialShapes, _levelStartIndex, _locations, _weights);
}
