using DeformDetr.Tensors;
using Microsoft.Win32.SafeHandles;

namespace DeformDetr.Formats;

/// <summary>A numpy .npy file: one tensor, named like the file without its extension.</summary>
public sealed class NpyFile : TensorFile
{
    private readonly SafeFileHandle _file;
    private readonly bool _fortranOrder;

    private NpyFile(string path, SafeFileHandle file, TensorEntry entry, bool fortranOrder)
        : base(path, [entry])
    {
        _file = file;
        _fortranOrder = fortranOrder;
    }

    /// <summary>Opens a file, whatever its extension.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">The file is malformed, or holds what isn't read here.</exception>
    /// <exception cref="IOException">The file doesn't exist (<see cref="FileNotFoundException"/>) or can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">No permission to read the file.</exception>
    public static new NpyFile Open(string path)
    {
        SafeFileHandle file = InputFile.Open(path);
        try
        {
            string name = System.IO.Path.GetFileNameWithoutExtension(path);
            using FileByteSource source = new(path, name, file, 0);
            NpyHeader header = NpyHeader.Read(source, RandomAccess.GetLength(file));
            return new NpyFile(path, file, header.Entry(name), header.FortranOrder);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Writes a tensor as numpy's <c>save</c> would.</summary>
    /// <param name="path">The file; replaced if it exists.</param>
    /// <param name="tensor">The tensor; its name isn't kept.</param>
    /// <exception cref="IOException">The folder doesn't exist, or the file can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public static void Save(string path, Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        AtomicFile.Write(path, stream =>
        {
            stream.Write(NpyHeader.Of(tensor));
            ElementWriter.Write(tensor, stream);
        });
    }

    private protected override Tensor ReadElements(TensorEntry entry)
    {
        using FileByteSource source = new(Path, entry.Name, _file, entry.Offset);
        Tensor tensor = ElementReader.Read(entry, source);
        return _fortranOrder ? FortranOrder.ToRowMajor(tensor) : tensor;
    }

    private protected override void Close() => _file.Dispose();
}
