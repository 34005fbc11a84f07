using System.Numerics;
using System.Runtime.InteropServices;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>
/// 128 bits of a tensor's shape and elements, equal for equal elements. Not for files from an enemy: it is made to be faster than
/// reading them.
/// </summary>
internal static class TensorHash
{
    private const ulong First = 0x9E3779B97F4A7C15;
    private const ulong Second = 0xC2B2AE3D27D4EB4F;

    /// <summary>The hash of a tensor.</summary>
    /// <param name="tensor">Any element type. Shape [..].</param>
    public static UInt128 Of(Tensor tensor)
    {
        ulong a = First + (ulong)tensor.ElementType;
        ulong b = Second;
        foreach (int size in tensor.Shape)
        {
            Mix(ref a, ref b, (ulong)size);
        }

        switch (tensor)
        {
            case Tensor<double> t: Words(ref a, ref b, MemoryMarshal.Cast<double, ulong>(t.AsReadOnlySpan())); break;
            case Tensor<long> t: Words(ref a, ref b, MemoryMarshal.Cast<long, ulong>(t.AsReadOnlySpan())); break;
            case Tensor<float> t: Bytes(ref a, ref b, t.AsReadOnlySpan()); break;
            case Tensor<int> t: Bytes(ref a, ref b, t.AsReadOnlySpan()); break;
            case Tensor<byte> t: Bytes(ref a, ref b, t.AsReadOnlySpan()); break;
            case Tensor<bool> t: Bytes(ref a, ref b, t.AsReadOnlySpan()); break;
            default: throw new NotSupportedException($"hash: elements of {tensor.ElementType.Word()}.");
        }

        Mix(ref a, ref b, b);
        Mix(ref a, ref b, a);
        return new UInt128(a, b);
    }

    private static void Bytes<T>(ref ulong a, ref ulong b, ReadOnlySpan<T> elements)
        where T : unmanaged
    {
        // In parts, since a span of bytes ends at 2^31.
        const int Part = 1 << 20;
        for (int from = 0; from < elements.Length; from += Part)
        {
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(elements.Slice(from, Math.Min(Part, elements.Length - from)));
            ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
            Words(ref a, ref b, words);
            foreach (byte rest in bytes[(words.Length * sizeof(ulong))..])
            {
                Mix(ref a, ref b, rest);
            }
        }
    }

    private static void Words(ref ulong a, ref ulong b, ReadOnlySpan<ulong> words)
    {
        ulong x = a;
        ulong y = b;
        foreach (ulong word in words)
        {
            Mix(ref x, ref y, word);
        }

        a = x;
        b = y;
    }

    private static void Mix(ref ulong a, ref ulong b, ulong word)
    {
        a = BitOperations.RotateLeft((a ^ word) * First, 29);
        b = BitOperations.RotateLeft((b + word) * Second, 31);
    }
}
