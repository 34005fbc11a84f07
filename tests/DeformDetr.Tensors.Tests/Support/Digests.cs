using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DeformDetr.Tensors.Numerics;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Tensors.Tests.Support;

/// <summary>A hash over the bits of every operator's result on fixed inputs: one line per operator, element type and body.</summary>
internal static class Digests
{
    /// <summary>What the process found in the processor, or was allowed to.</summary>
    public static string WidestVector =>
        Vector512.IsHardwareAccelerated ? "512" : Vector256.IsHardwareAccelerated ? "256" : Vector128.IsHardwareAccelerated ? "128" : "none";

    public static IEnumerable<string> Lines()
    {
        foreach (Kernels kernels in Enum.GetValues<Kernels>())
        {
            foreach ((string name, ulong hash) in Of<float>(kernels).Concat(Of<double>(kernels)))
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{name} {kernels} {hash:x16}");
            }
        }
    }

    /// <summary>One hash over all lines.</summary>
    public static string OfAll() => Hash<char>(string.Join('\n', Lines())).ToString("x16", CultureInfo.InvariantCulture);

    private static IEnumerable<(string Name, ulong Hash)> Of<T>(Kernels kernels)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        OperatorContext context = new(kernels, 2);
        Random random = new(2_026);
        Tensor<T> Draw(params ReadOnlySpan<int> sizes) => Values.Draw<T>(random, sizes);
        (string, ulong) Line(string name, Tensor<T> result) => ($"{name} {typeof(T).Name}", Hash(result.AsReadOnlySpan()));

        yield return Line("Linear", Linear.Forward(context, Draw(13, 517), Draw(37, 517), Draw(37)));
        yield return Line("Linear, tall", Linear.Forward(context, Draw(61, 300), Draw(7, 300), null));
        yield return Line("MatMul", MatMul.Forward(context, Draw(2, 7, 33), Draw(2, 33, 35)));
        yield return Line("MatMul transposed", MatMul.Forward(context, Draw(2, 7, 33), Draw(2, 35, 33), transposed: true));
        yield return Line("Conv2d 3x3", Conv2d.Forward(context, Draw(2, 33, 7, 9), Draw(13, 33, 3, 3), Draw(13), new(2, 1)));
        yield return Line("Conv2d 7x7", Conv2d.Forward(context, Draw(1, 3, 17, 21), Draw(5, 3, 7, 7), null, new(2, 3)));
        yield return Line("Conv2d dilated", Conv2d.Forward(context, Draw(1, 4, 9, 11), Draw(6, 2, 3, 3), null, new(1, 2, 2, 2)));
        yield return Line("Conv2d 1x1", Conv2d.Forward(context, Draw(1, 70, 5, 7), Draw(19, 70, 1, 1), Draw(19), new()));
        yield return Line("LayerNorm", LayerNorm.Forward(context, Draw(9, 77), Draw(77), Draw(77)));
        yield return Line("GroupNorm", GroupNorm.Forward(context, Draw(2, 6, 5, 9), 3, Draw(6), Draw(6)));
        yield return Line("FrozenBatchNorm", FrozenBatchNorm.Forward(context, Draw(2, 6, 5, 9), Draw(6), Draw(6), Draw(6), Draw(6).Magnitudes()));
        yield return Line("Softmax", Softmax.Forward(context, Draw(9, 77)));
        yield return Line("Sigmoid", Sigmoid.Forward(context, Draw(9, 77)));
        yield return Line("InverseSigmoid", InverseSigmoid.Forward(context, Sigmoid.Forward(context, Draw(9, 77))));
        yield return Line("Gelu", Gelu.Forward(context, Draw(9, 77)));
        yield return Line("Relu", Relu.Forward(context, Draw(9, 77)));
        yield return Line("MaxPool2d", MaxPool2d.Forward(context, Draw(2, 3, 9, 13), 3, 2, 1));
        yield return Line("GridSample", GridSample.Forward(context, Draw(2, 3, 5, 6), Draw(2, 7, 9, 2), alignCorners: false));
        yield return Line("CumulativeSum", CumulativeSum.Forward(context, Draw(5, 60, 3), 1));
        yield return Line("TopK", TopK.Forward(context, Draw(3, 90), 50).Values);
        yield return Line("Linspace", Linspace.Forward<T>(context, 0.5, 132.5, 77));
        yield return Line("Add", Add.Forward(context, Draw(9, 77), Draw(9, 77)));
        yield return Line("Permute", Permute.Forward(context, Draw(2, 33, 35), 0, 2, 1));
        Tensor<T> x = Draw(1, 203);
        foreach ((string name, Func<T, T> function) in new (string, Func<T, T>)[]
        {
            ("sin", Elementary.Sin), ("cos", Elementary.Cos), ("tanh", Elementary.Tanh), ("log", v => Elementary.Log(T.Abs(v))), ("pow", v => Elementary.Pow(T.CreateTruncating(10000), v)),
        })
        {
            yield return Line(name, Tensor<T>.FromArray(x.Shape, [.. x.AsSpan().ToArray().Select(function)]));
        }
    }

    // FNV-1a, 64 bits.
    private static ulong Hash<T>(ReadOnlySpan<T> values)
        where T : unmanaged
    {
        ulong hash = 14695981039346656037;
        foreach (byte part in MemoryMarshal.AsBytes(values))
        {
            hash = unchecked((hash ^ part) * 1099511628211);
        }

        return hash;
    }
}
