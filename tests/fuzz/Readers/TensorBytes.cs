using System.Runtime.InteropServices;
using DeformDetr.Tensors;

namespace DeformDetr.Fuzz;

internal static class TensorBytes
{
    public static byte[] Of(Tensor tensor) => tensor switch
    {
        Tensor<float> t => MemoryMarshal.AsBytes(t.AsReadOnlySpan()).ToArray(),
        Tensor<double> t => MemoryMarshal.AsBytes(t.AsReadOnlySpan()).ToArray(),
        Tensor<long> t => MemoryMarshal.AsBytes(t.AsReadOnlySpan()).ToArray(),
        Tensor<int> t => MemoryMarshal.AsBytes(t.AsReadOnlySpan()).ToArray(),
        Tensor<byte> t => t.AsReadOnlySpan().ToArray(),
        Tensor<bool> t => MemoryMarshal.AsBytes(t.AsReadOnlySpan()).ToArray(),
        _ => throw new NotSupportedException($"{tensor.ElementType}"),
    };

    // Every element type, an empty tensor, one element, and numbers that are none.
    public static IReadOnlyList<(string Name, Tensor Tensor)> Examples { get; } =
    [
        ("a.weight", Tensor<float>.Create([2, 3], [1, -2, float.NaN, float.PositiveInfinity, 0.5f, -0f])),
        ("a.bias", Tensor<float>.Create([3], [1, 2, 3])),
        ("double", Tensor<double>.Create([1, 1, 2], [double.NaN, 1e300])),
        ("long", Tensor<long>.Create([2], [long.MinValue, 7])),
        ("int", Tensor<int>.Create([2, 2], [1, -1, int.MaxValue, 0])),
        ("mask", Tensor<bool>.Create([5], [true, false, true, true, false])),
        ("bytes", Tensor<byte>.Create([3], [0, 128, 255])),
        ("none", new Tensor<float>([0, 4])),
        ("scalar", Tensor<float>.Create([], [3.5f])),
    ];
}
