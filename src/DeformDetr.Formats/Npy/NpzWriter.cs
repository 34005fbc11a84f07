using System.IO.Compression;
using DeformDetr.Tensors;

namespace DeformDetr.Formats;

/// <summary>
/// Writes a numpy .npz file while tensors come in. The same calls give the same bytes: members bear the date that numpy gives them.
/// </summary>
public sealed class NpzWriter : TensorWriter
{
    private static readonly DateTimeOffset NoDate = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly TemporaryFile _file;
    private readonly ZipArchive _zip;
    private readonly CompressionLevel _level;

    /// <summary>Begins a file.</summary>
    /// <param name="path">The file; replaced on <see cref="TensorWriter.Finish"/> if it exists.</param>
    /// <param name="compress">Whether members are deflated, as by numpy's <c>savez_compressed</c>, or stored, as by <c>savez</c>.</param>
    /// <exception cref="IOException">The folder doesn't exist, or the file can't be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public NpzWriter(string path, bool compress = false)
    {
        _level = compress ? CompressionLevel.Optimal : CompressionLevel.NoCompression;
        _file = new TemporaryFile(path);
        _zip = new ZipArchive(_file.Stream, ZipArchiveMode.Create, leaveOpen: true);
    }

    private protected override void WriteElements(string name, Tensor tensor)
    {
        byte[] header = NpyHeader.Of(tensor);
        ZipArchiveEntry member = _zip.CreateEntry($"{name}.npy", _level);
        member.LastWriteTime = NoDate;
        using Stream stream = member.Open();
        stream.Write(header);
        ElementWriter.Write(tensor, stream);
    }

    private protected override void Complete()
    {
        _zip.Dispose();
        _file.Commit();
    }

    // An archive that is not completed is not disposed either: that would only write a directory into a file that goes.
    private protected override void Close() => _file.Dispose();
}
