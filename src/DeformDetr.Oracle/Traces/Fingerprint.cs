using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>Hashes that two runs share exactly when they computed the same bits (golden-contract.md, section 5).</summary>
public static class Fingerprint
{
    private const int Chunk = 1 << 16;

    /// <summary>SHA-256 of name, element type, shape and little-endian elements, every NaN as the quiet positive one.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="tensor">The tensor.</param>
    /// <returns>32 bytes.</returns>
    public static byte[] OfTensor(string name, Tensor tensor)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        string shape = string.Join(',', tensor.Shape.Select(size => size.ToString(CultureInfo.InvariantCulture)));
        hash.AppendData(Encoding.UTF8.GetBytes($"{name}\0{StoredTypes.Of(tensor.ElementType).Word()}\0{shape}\0"));
        switch (tensor)
        {
            case Tensor<float> t: Append(hash, t.AsReadOnlySpan(), float.IsNaN, BitConverter.UInt32BitsToSingle(0x7FC00000)); break;
            case Tensor<double> t:
                Append(hash, t.AsReadOnlySpan(), double.IsNaN, BitConverter.UInt64BitsToDouble(0x7FF8000000000000));
                break;
            case Tensor<long> t: Append(hash, t.AsReadOnlySpan(), _ => false, 0); break;
            case Tensor<int> t: Append(hash, t.AsReadOnlySpan(), _ => false, 0); break;
            case Tensor<byte> t: Append(hash, t.AsReadOnlySpan(), _ => false, (byte)0); break;
            case Tensor<bool> t: Append(hash, t.AsReadOnlySpan(), _ => false, false); break;
            default: throw new NotSupportedException($"fingerprint: elements of {tensor.ElementType.Word()}.");
        }

        return hash.GetHashAndReset();
    }

    /// <summary>Whether a tensor counts for the fingerprint of a run: the model's outputs do.</summary>
    /// <param name="name">The tensor's name.</param>
    public static bool IsOutput(string name) =>
        name is "pred_logits" or "pred_boxes"
        || name.StartsWith("aux_outputs.", StringComparison.Ordinal)
        || name.StartsWith("enc_outputs.", StringComparison.Ordinal);

    /// <summary>SHA-256 of the outputs' fingerprints in ordinal order of their names, in hexadecimal.</summary>
    /// <param name="outputs">Fingerprints of the tensors that <see cref="IsOutput"/>.</param>
    public static string OfRun(IReadOnlyDictionary<string, byte[]> outputs)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string name in outputs.Keys.Order(StringComparer.Ordinal))
        {
            hash.AppendData(outputs[name]);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append<T>(IncrementalHash hash, ReadOnlySpan<T> values, Func<T, bool> isNaN, T quiet)
        where T : unmanaged
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("fingerprint: expected a little-endian machine.");
        }

        T[] chunk = new T[Math.Min(Chunk, values.Length)];
        for (int from = 0; from < values.Length; from += Chunk)
        {
            Span<T> part = chunk.AsSpan(0, Math.Min(Chunk, values.Length - from));
            values.Slice(from, part.Length).CopyTo(part);
            foreach (ref T value in part)
            {
                if (isNaN(value))
                {
                    value = quiet;
                }
            }

            hash.AppendData(MemoryMarshal.AsBytes(part));
        }
    }
}
