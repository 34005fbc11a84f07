using System.Runtime.InteropServices;
using DeformDetr.Tensors;

namespace DeformDetr.Formats;

// Elements from bytes: straight into the tensor's array, in parts, since a span of bytes ends at 2^31 and an array of wider elements
// doesn't.
internal static class ElementReader
{
    private const int PartBytes = 1 << 26;
    private const int WidenedElements = 1 << 15;

    public static Tensor Read(TensorEntry entry, ByteSource source)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("tensor files: this machine is big-endian; expected a little-endian one.");
        }

        Tensor tensor = entry.StoredType switch
        {
            StoredType.F64 => Plain<double>(entry, source),
            StoredType.F32 => Plain<float>(entry, source),
            StoredType.F16 or StoredType.BF16 => Widened(entry, source),
            StoredType.I64 => Plain<long>(entry, source),
            StoredType.I32 => Plain<int>(entry, source),
            StoredType.U8 => Plain<byte>(entry, source),
            _ => Truth(entry, source),
        };
        source.Finish();
        return tensor;
    }

    private static Tensor<T> Plain<T>(TensorEntry entry, ByteSource source)
        where T : unmanaged
    {
        T[] elements = GC.AllocateUninitializedArray<T>(entry.Shape.ElementCount);
        int part = PartBytes / entry.StoredType.Size();
        for (int start = 0; start < elements.Length; start += Math.Min(part, elements.Length - start))
        {
            source.Fill(MemoryMarshal.AsBytes(elements.AsSpan(start, Math.Min(part, elements.Length - start))));
        }

        return Tensor<T>.FromArray(entry.Shape, elements);
    }

    private static Tensor<float> Widened(TensorEntry entry, ByteSource source)
    {
        float[] elements = GC.AllocateUninitializedArray<float>(entry.Shape.ElementCount);
        ushort[] stored = new ushort[Math.Min(WidenedElements, elements.Length)];
        for (int start = 0; start < elements.Length;)
        {
            Span<ushort> part = stored.AsSpan(0, Math.Min(stored.Length, elements.Length - start));
            source.Fill(MemoryMarshal.AsBytes(part));
            Span<uint> bits = MemoryMarshal.Cast<float, uint>(elements.AsSpan(start, part.Length));
            if (entry.StoredType == StoredType.F16)
            {
                HalfPrecision.WidenF16(part, bits);
            }
            else
            {
                HalfPrecision.WidenBF16(part, bits);
            }

            start += part.Length;
        }

        return Tensor<float>.FromArray(entry.Shape, elements);
    }

    private static Tensor<bool> Truth(TensorEntry entry, ByteSource source)
    {
        Tensor<bool> tensor = Plain<bool>(entry, source);
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(tensor.AsReadOnlySpan());
        int wrong = bytes.IndexOfAnyExceptInRange((byte)0, (byte)1);
        return wrong < 0
            ? tensor
            : throw Fault.Tensor(source.Path, source.Tensor, $"BOOL element {wrong} is the byte {bytes[wrong]}; expected 0 or 1.");
    }
}
