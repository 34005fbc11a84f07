using System.IO.Compression;
using DeformDetr.Tensors;

namespace DeformDetr.Formats;

/// <summary>
/// A numpy .npz file: a zip of npy members, stored or deflated; <c>NAME.npy</c> is the tensor NAME. Opening it reads the zip's directory
/// and the header of each member; reading a tensor checks the member's checksum. One thread reads at a time.
/// </summary>
public sealed class NpzFile : TensorFile
{
    private const string Extension = ".npy";

    // Deflate can't do better than 258 bytes for 2 bits; what declares more must not make us allocate it.
    private const long MostRatio = 1032;

    private readonly Lock _lock = new();
    private readonly FileStream _stream;
    private readonly Dictionary<string, ZipArchiveEntry> _members;
    private readonly HashSet<string> _fortranOrder;

    private NpzFile(
        string path,
        FileStream stream,
        IReadOnlyList<TensorEntry> entries,
        Dictionary<string, ZipArchiveEntry> members,
        HashSet<string> fortranOrder)
        : base(path, entries)
    {
        _stream = stream;
        _members = members;
        _fortranOrder = fortranOrder;
    }

    /// <summary>Opens a file, whatever its extension.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InvalidDataException">The file is malformed, or holds what isn't read here.</exception>
    /// <exception cref="IOException">The file doesn't exist (<see cref="FileNotFoundException"/>) or can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">No permission to read the file.</exception>
    public static new NpzFile Open(string path)
    {
        FileStream stream = new(InputFile.Open(path), FileAccess.Read);
        try
        {
            List<TensorEntry> entries = [];
            Dictionary<string, ZipArchiveEntry> members = new(StringComparer.Ordinal);
            HashSet<string> fortranOrder = new(StringComparer.Ordinal);
            foreach (ZipArchiveEntry member in Members(path, stream))
            {
                string name = NameOf(path, member);
                if (!members.TryAdd(name, member))
                {
                    throw Fault.Tensor(path, name, $"stands in the file twice; expected each name once.");
                }

                RequirePlausibleLength(path, name, member, stream.Length);
                using ZipByteSource source = new(path, name, member);
                NpyHeader header = NpyHeader.Read(source, member.Length);
                entries.Add(header.Entry(name));
                if (header.FortranOrder)
                {
                    fortranOrder.Add(name);
                }
            }

            return new NpzFile(path, stream, entries, members, fortranOrder);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private protected override Tensor ReadElements(TensorEntry entry)
    {
        lock (_lock)
        {
            using ZipByteSource source = new(Path, entry.Name, _members[entry.Name]);
            source.Skip(entry.Offset);
            Tensor tensor = ElementReader.Read(entry, source);
            return _fortranOrder.Contains(entry.Name) ? FortranOrder.ToRowMajor(tensor) : tensor;
        }
    }

    private protected override void Close() => _stream.Dispose();

    private static IReadOnlyCollection<ZipArchiveEntry> Members(string path, Stream stream)
    {
        try
        {
            return new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true).Entries;
        }
        catch (Exception exception) when (ZipByteSource.IsCausedByContent(exception))
        {
            throw Fault.File(path, $"is not a whole zip file ({exception.Message}); expected an npz.");
        }
    }

    private static string NameOf(string path, ZipArchiveEntry member)
    {
        string name = member.FullName;
        if (!name.EndsWith(Extension, StringComparison.Ordinal))
        {
            throw Fault.File(path, $"zip member {Fault.Quote(name)} is not an npy; expected names that end in {Extension}.");
        }

        return name[..^Extension.Length];
    }

    private static void RequirePlausibleLength(string path, string name, ZipArchiveEntry member, long fileLength)
    {
        if (member.IsEncrypted)
        {
            throw Fault.Tensor(path, name, $"zip member is encrypted; expected one that is not.");
        }

        if (member.CompressedLength > fileLength)
        {
            throw Fault.Tensor(path, name, $"zip member of {member.CompressedLength} bytes in a file of {fileLength}; expected it to fit.");
        }

        if (member.Length / MostRatio > member.CompressedLength)
        {
            throw Fault.Tensor(
                path, name, $"zip member declares {member.Length} bytes unpacked from {member.CompressedLength}; expected what deflate can do.");
        }
    }
}
