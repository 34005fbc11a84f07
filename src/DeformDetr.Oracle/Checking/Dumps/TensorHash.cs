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
    private const ulong Factor = 0x9E3779B97F4A7C15;
    private const ulong Other = 0xC2B2AE3D27D4EB4F;

    // Elements that have a hash of their own, and a span of bytes that ends before 2^31.
    private const int Part = 1 << 18;

    /// <summary>The hash of a tensor.</summary>
    /// <param name="tensor">Any element type. Shape [..].</param>
    /// <param name="context">Threads; null for this one. The hash doesn't depend on how many.</param>
    public static UInt128 Of(Tensor tensor, OperatorContext? context = null) => Of(tensor, context, Part);

    /// <summary>A hash of some elements from all over the tensor; of all of them where those are few.</summary>
    /// <param name="tensor">Any element type. Shape [..].</param>
    public static UInt128 OfSome(Tensor tensor) => Of(tensor, null, Part >> 6);

    private static UInt128 Of(Tensor tensor, OperatorContext? context, int most)
    {
        Lanes lanes = new() { A = Factor + (ulong)tensor.ElementType, B = Other, C = ~Factor, D = ~Other };
        foreach (int size in tensor.Shape)
        {
            lanes.A = Mix(lanes.A, (ulong)size);
        }

        switch (tensor)
        {
            case Tensor<double> t: Append(ref lanes, t, context, most); break;
            case Tensor<long> t: Append(ref lanes, t, context, most); break;
            case Tensor<float> t: Append(ref lanes, t, context, most); break;
            case Tensor<int> t: Append(ref lanes, t, context, most); break;
            case Tensor<byte> t: Append(ref lanes, t, context, most); break;
            case Tensor<bool> t: Append(ref lanes, t, context, most); break;
            default: throw new NotSupportedException($"hash: elements of {tensor.ElementType.Word()}.");
        }

        ulong high = Mix(Mix(Mix(lanes.A, lanes.B), lanes.C), lanes.D);
        ulong low = Mix(Mix(Mix(lanes.D * Other, lanes.C), lanes.B), lanes.A);
        return new UInt128(high, low);
    }

    // Of each part so many elements at most.
    private static void Append<T>(ref Lanes lanes, Tensor<T> tensor, OperatorContext? context, int most)
        where T : unmanaged
    {
        int parts = (tensor.Length + Part - 1) / Part;
        Lanes[] hashes = new Lanes[parts];
        void Run(int first, int last)
        {
            for (int part = first; part < last; part++)
            {
                ReadOnlySpan<T> elements = tensor.AsReadOnlySpan()[(part * Part)..];
                hashes[part] = Hash(MemoryMarshal.AsBytes(elements[..Math.Min(most, elements.Length)]));
            }
        }

        if (context is null)
        {
            Run(0, parts);
        }
        else
        {
            context.Split(parts, 1, Run);
        }

        foreach (ref readonly Lanes hash in hashes.AsSpan())
        {
            lanes.A = Mix(lanes.A, hash.A);
            lanes.B = Mix(lanes.B, hash.B);
            lanes.C = Mix(lanes.C, hash.C);
            lanes.D = Mix(lanes.D, hash.D);
        }
    }

    private static Lanes Hash(ReadOnlySpan<byte> bytes)
    {
        Lanes lanes = new() { A = Factor, B = Other, C = ~Factor, D = ~Other };
        int word = Fours(ref lanes, MemoryMarshal.Cast<byte, ulong>(bytes));
        foreach (byte rest in bytes[(word * sizeof(ulong))..])
        {
            lanes.B = Mix(lanes.B, rest);
        }

        return lanes;
    }

    // Four chains, so that one multiplication needn't wait for the last. The number of words that were taken in.
    private static int Fours(ref Lanes lanes, ReadOnlySpan<ulong> words)
    {
        (ulong a, ulong b, ulong c, ulong d) = (lanes.A, lanes.B, lanes.C, lanes.D);
        int word = 0;
        for (; word + 4 <= words.Length; word += 4)
        {
            a = Mix(a, words[word]);
            b = Mix(b, words[word + 1]);
            c = Mix(c, words[word + 2]);
            d = Mix(d, words[word + 3]);
        }

        (lanes.A, lanes.B, lanes.C, lanes.D) = (a, b, c, d);
        return word;
    }

    private static ulong Mix(ulong state, ulong word) => BitOperations.RotateLeft((state ^ word) * Factor, 29);

    private struct Lanes
    {
        public ulong A;
        public ulong B;
        public ulong C;
        public ulong D;
    }
}
