using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeformDetr.Tensors;
using Microsoft.Win32.SafeHandles;

namespace DeformDetr.Formats;

/// <summary>
/// A safetensors file, checked on opening as its specification says: every byte of it is the header's length, the header, or one
/// tensor's. Several threads may read from it at once.
/// </summary>
public sealed class SafetensorsFile : TensorFile
{
    internal const int LengthBytes = sizeof(ulong);
    internal const int MostHeaderBytes = 100_000_000;

    private readonly SafeFileHandle _file;

    private SafetensorsFile(string path, SafeFileHandle file, SafetensorsHeader header)
        : base(path, header.Entries, header.Metadata) => _file = file;

    /// <summary>Opens a file, whatever its extension.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">The file is malformed.</exception>
    /// <exception cref="IOException">The file doesn't exist (<see cref="FileNotFoundException"/>) or can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">No permission to read the file.</exception>
    public static new SafetensorsFile Open(string path)
    {
        SafeFileHandle file = InputFile.Open(path);
        try
        {
            return new SafetensorsFile(path, file, ReadHeader(path, file));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads some consecutive elements of a tensor, as they are stored.</summary>
    /// <typeparam name="T">The element type as it is stored: half precision isn't widened.</typeparam>
    /// <param name="entry">One of the file's tensors.</param>
    /// <param name="first">From which element on.</param>
    /// <param name="elements">Where they go, and how many.</param>
    /// <exception cref="ArgumentException">Elements of another size, or more than the tensor has.</exception>
    /// <exception cref="InvalidDataException">The file has become shorter since it was opened.</exception>
    public void ReadPart<T>(TensorEntry entry, int first, Span<T> elements)
        where T : unmanaged
    {
        int size = entry.StoredType.Size();
        if (Unsafe.SizeOf<T>() != size || first < 0 || first > entry.Shape.ElementCount - elements.Length)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"tensor part: {elements.Length} elements of {Unsafe.SizeOf<T>()} bytes from {first} on; expected {size} bytes, within {entry.Shape}."));
        }

        // In parts, since a span of bytes ends at 2^31.
        const int Most = 1 << 26;
        using FileByteSource source = new(Path, entry.Name, _file, entry.Offset + ((long)first * size));
        for (int start = 0; start < elements.Length; start += Most)
        {
            source.Fill(MemoryMarshal.AsBytes(elements.Slice(start, Math.Min(Most, elements.Length - start))));
        }
    }

    private protected override Tensor ReadElements(TensorEntry entry)
    {
        using FileByteSource source = new(Path, entry.Name, _file, entry.Offset);
        return ElementReader.Read(entry, source);
    }

    private protected override void Close() => _file.Dispose();

    private static SafetensorsHeader ReadHeader(string path, SafeFileHandle file)
    {
        long fileLength = RandomAccess.GetLength(file);
        if (fileLength < LengthBytes)
        {
            throw Fault.File(path, $"holds {fileLength} bytes; expected at least {LengthBytes} for the length of the header.");
        }

        Span<byte> lengthBytes = stackalloc byte[LengthBytes];
        FilePart.Fill(path, file, lengthBytes, 0);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(lengthBytes);
        if (length > MostHeaderBytes)
        {
            throw Fault.File(path, $"header of {length} bytes; expected at most {MostHeaderBytes}.");
        }

        if ((long)length > fileLength - LengthBytes)
        {
            throw Fault.File(path, $"header of {length} bytes in a file of {fileLength}; expected it to fit.");
        }

        byte[] header = new byte[length];
        FilePart.Fill(path, file, header, LengthBytes);
        return SafetensorsHeaderParser.Parse(path, header, fileLength - LengthBytes - header.Length);
    }
}
