using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Fuzz;

internal sealed partial class NpyReader : TensorReader
{
    public NpyReader(Scratch scratch)
        : base("npy", scratch)
    {
        Seeds =
        [
            .. TensorBytes.Examples.Select(example => scratch.Written("seed.npy", path => NpyFile.Save(path, example.Tensor))),
            ByHand(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 24),
            ByHand(2, "{'shape': (3, 1, 2), 'fortran_order': True, 'descr': '<f2'}", 12),
            ByHand(3, "{\"descr\": \"=i4\", \"fortran_order\": False, \"shape\": (2,)}", 8),
        ];
        Mutators = NpyMutators.All;
    }

    public override int AllocationPerByte => 32;

    protected override string? WrongBytes(IReadOnlyList<(TensorEntry Entry, Tensor Tensor)> tensors, byte[] content)
    {
        (TensorEntry entry, Tensor tensor) = tensors.Single();
        string text = Encoding.Latin1.GetString(content, 0, (int)entry.Offset);
        int[] sizes = [.. NumberPattern().Matches(ShapePattern().Match(text).Groups[1].Value).Select(match => (int)long.Parse(match.Value, CultureInfo.InvariantCulture))];
        byte[] stored = Widened(entry.StoredType, content[(int)entry.Offset..]);
        int width = tensor.Length == 0 ? 1 : stored.Length / tensor.Length;
        byte[] expected = FortranPattern().IsMatch(text) ? RowMajor(stored, sizes, width) : stored;
        return sizes.SequenceEqual(entry.Shape) && content.Length - entry.Offset == entry.ByteLength && Same(entry.StoredType, expected, Bytes(tensor))
            ? null
            : "the tensor is not what stands in the file";
    }

    // Element by element, from its indices.
    private static byte[] RowMajor(byte[] stored, int[] sizes, int width)
    {
        byte[] result = new byte[stored.Length];
        for (int element = 0; element < stored.Length / width; element++)
        {
            int rest = element;
            int from = 0;
            for (int axis = sizes.Length - 1; axis >= 0; axis--)
            {
                from += rest % sizes[axis] * sizes[..axis].Aggregate(1, (product, size) => product * size);
                rest /= sizes[axis];
            }

            stored.AsSpan(from * width, width).CopyTo(result.AsSpan(element * width));
        }

        return result;
    }

    private static byte[] ByHand(byte version, string header, int dataBytes)
    {
        header = header.PadRight(117 - (2 * version)) + "\n";
        byte[] length = version == 1 ? BitConverter.GetBytes((ushort)header.Length) : BitConverter.GetBytes(header.Length);
        return [0x93, .. "NUMPY"u8, version, 0, .. length, .. Encoding.ASCII.GetBytes(header), .. Enumerable.Range(60, dataBytes).Select(value => (byte)value)];
    }

    [GeneratedRegex("['\"]shape['\"] *: *\\(([^)]*)\\)")]
    private static partial Regex ShapePattern();

    [GeneratedRegex("['\"]fortran_order['\"] *: *True")]
    private static partial Regex FortranPattern();

    [GeneratedRegex("[0-9]+")]
    private static partial Regex NumberPattern();
}
