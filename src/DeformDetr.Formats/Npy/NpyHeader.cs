using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using DeformDetr.Tensors;

namespace DeformDetr.Formats;

// Magic, version, length, and a Python dictionary of three keys, padded by spaces and ended by a line feed.
internal sealed record NpyHeader(StoredType StoredType, bool FortranOrder, TensorShape Shape, int DataOffset)
{
    // Far more than 64 axes need.
    private const int MostHeaderBytes = 1 << 16;
    private const int Alignment = 64;

    // numpy leaves room to write a longer first axis over the header in place.
    private const int GrowthDigits = 21;

    private static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    public TensorEntry Entry(string name) => new(name, StoredType, Shape, DataOffset, (long)Shape.ElementCount * StoredType.Size());

    public static NpyHeader Read(ByteSource source, long totalLength)
    {
        Span<byte> start = stackalloc byte[8];
        if (totalLength < start.Length + sizeof(ushort))
        {
            throw Wrong(source, $"npy of {totalLength} bytes; expected at least {start.Length + sizeof(ushort)}.");
        }

        source.Fill(start);
        if (!start[..Magic.Length].SequenceEqual(Magic))
        {
            throw Wrong(source, $"does not begin as an npy does; expected the bytes 93 'NUMPY'.");
        }

        if (start[6] is not (1 or 2 or 3) || start[7] != 0)
        {
            throw Wrong(source, $"npy format {start[6]}.{start[7]}; expected 1.0, 2.0 or 3.0.");
        }

        Span<byte> lengthBytes = stackalloc byte[sizeof(uint)];
        lengthBytes.Clear();
        int lengthSize = start[6] == 1 ? sizeof(ushort) : sizeof(uint);
        source.Fill(lengthBytes[..lengthSize]);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(lengthBytes);
        long room = totalLength - start.Length - lengthSize;
        if (length > Math.Min(room, MostHeaderBytes))
        {
            throw Wrong(source, $"npy header of {length} bytes with {room} left; expected it to fit, and at most {MostHeaderBytes}.");
        }

        byte[] text = new byte[length];
        source.Fill(text);
        int dataOffset = start.Length + lengthSize + text.Length;
        NpyDictionary dictionary = NpyDictionary.Parse(source.Path, source.Tensor, text);
        TensorShape shape = StoredShape.Create(source.Path, source.Tensor, dictionary.Shape);
        NpyHeader header = new(TypeOf(source, dictionary.Descr), dictionary.FortranOrder, shape, dataOffset);
        long expected = (long)shape.ElementCount * header.StoredType.Size();
        return totalLength - dataOffset == expected
            ? header
            : throw Wrong(source, $"data of {totalLength - dataOffset} bytes; expected {expected} for {header.StoredType.Word()} {shape}.");
    }

    public static byte[] Of(Tensor tensor)
    {
        string descr = tensor.ElementType switch
        {
            ElementType.Float64 => "<f8",
            ElementType.Float32 => "<f4",
            ElementType.Int64 => "<i8",
            ElementType.Int32 => "<i4",
            ElementType.UInt8 => "|u1",
            _ => "|b1",
        };
        string sizes = string.Join(", ", tensor.Shape.Select(size => size.ToString(CultureInfo.InvariantCulture)));
        string comma = tensor.Shape.Rank == 1 ? "," : "";
        string text = $"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}{comma}), }}";
        if (tensor.Shape.Rank > 0)
        {
            text += new string(' ', GrowthDigits - tensor.Shape[0].ToString(CultureInfo.InvariantCulture).Length);
        }

        int start = Magic.Length + 2 + sizeof(ushort);
        int total = (start + text.Length + 1 + Alignment - 1) / Alignment * Alignment;
        if (total - start > ushort.MaxValue)
        {
            throw new ArgumentException(
                FormattableString.Invariant($"npy: shape of {tensor.Shape.Rank} axes; expected a header of at most {ushort.MaxValue} bytes."),
                nameof(tensor));
        }

        byte[] header = new byte[total];
        Magic.CopyTo(header);
        header[6] = 1;
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), (ushort)(total - start));
        header.AsSpan(start).Fill((byte)' ');
        Encoding.ASCII.GetBytes(text, header.AsSpan(start));
        header[^1] = (byte)'\n';
        return header;
    }

    private static StoredType TypeOf(ByteSource source, string descr)
    {
        if (descr.StartsWith('>'))
        {
            throw Wrong(source, $"descr {Fault.Quote(descr)} is big-endian; expected little-endian elements.");
        }

        if (descr is "O" or "|O" or "<O" or "=O")
        {
            throw Wrong(source, $"descr {Fault.Quote(descr)} is Python objects, a pickle; expected numbers.");
        }

        // '=' is the order of the machine that wrote, and '|' says that there is none: both are little-endian here.
        string kind = descr.Length > 0 && descr[0] is '<' or '=' or '|' ? descr[1..] : "";
        return kind switch
        {
            "f8" => StoredType.F64,
            "f4" => StoredType.F32,
            "f2" => StoredType.F16,
            "i8" => StoredType.I64,
            "i4" => StoredType.I32,
            "u1" => StoredType.U8,
            "b1" => StoredType.BOOL,
            _ => throw Wrong(source, $"descr {Fault.Quote(descr)} is not read here; expected <f8, <f4, <f2, <i8, <i4, |u1 or |b1."),
        };
    }

    private static InvalidDataException Wrong(ByteSource source, FormattableString what) => Fault.Tensor(source.Path, source.Tensor, what);
}
