using System.Runtime.InteropServices;
using DeformDetr.Tensors;

namespace DeformDetr.Formats;

// The bytes of a tensor's elements, little-endian, in parts that a span of bytes can hold.
internal static class ElementWriter
{
    private const int PartElements = 1 << 23;

    public static void Write(Tensor tensor, Stream stream)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("tensor files: this machine is big-endian; expected a little-endian one.");
        }

        switch (tensor)
        {
            case Tensor<float> t: Write(t.AsReadOnlySpan(), stream); break;
            case Tensor<double> t: Write(t.AsReadOnlySpan(), stream); break;
            case Tensor<long> t: Write(t.AsReadOnlySpan(), stream); break;
            case Tensor<int> t: Write(t.AsReadOnlySpan(), stream); break;
            case Tensor<byte> t: Write(t.AsReadOnlySpan(), stream); break;
            case Tensor<bool> t: Write(t.AsReadOnlySpan(), stream); break;
            default: throw new NotSupportedException($"write: elements of {tensor.ElementType}.");
        }
    }

    private static void Write<T>(ReadOnlySpan<T> elements, Stream stream)
        where T : unmanaged
    {
        while (!elements.IsEmpty)
        {
            ReadOnlySpan<T> part = elements[..Math.Min(PartElements, elements.Length)];
            stream.Write(MemoryMarshal.AsBytes(part));
            elements = elements[part.Length..];
        }
    }
}
