using DeformDetr.Tensors;
using Microsoft.Win32.SafeHandles;

namespace DeformDetr.Formats;

/// <summary>
/// A numpy .npz file: a zip of npy members, stored or deflated; <c>NAME.npy</c> is the tensor NAME. Opening it reads the zip's directory
/// and the header of each member; reading a tensor checks the member's checksum. Several threads may read at once.
/// </summary>
public sealed class NpzFile : TensorFile
{
    private const string Extension = ".npy";

    // Deflate can't do better than 258 bytes for 2 bits; what declares more must not make us allocate it.
    private const long MostRatio = 1032;

    private readonly SafeFileHandle _file;
    private readonly Dictionary<string, ZipRecord> _members;
    private readonly HashSet<string> _fortranOrder;

    private NpzFile(
        string path,
        SafeFileHandle file,
        IReadOnlyList<TensorEntry> entries,
        Dictionary<string, ZipRecord> members,
        HashSet<string> fortranOrder)
        : base(path, entries)
    {
        _file = file;
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
        SafeFileHandle file = InputFile.Open(path);
        try
        {
            List<TensorEntry> entries = [];
            Dictionary<string, ZipRecord> members = new(StringComparer.Ordinal);
            HashSet<string> fortranOrder = new(StringComparer.Ordinal);
            foreach (ZipRecord member in ZipDirectory.Read(path, file, mayDeflate: true).Records.Values.OrderBy(member => member.Position))
            {
                string name = NameOf(path, member);
                members.Add(name, member);
                RequirePlausibleLength(path, name, member);
                using ZipByteSource source = new(path, name, file, member);
                NpyHeader header = NpyHeader.Read(source, member.Length);
                entries.Add(header.Entry(name));
                if (header.FortranOrder)
                {
                    fortranOrder.Add(name);
                }
            }

            return new NpzFile(path, file, entries, members, fortranOrder);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private protected override Tensor ReadElements(TensorEntry entry)
    {
        using ZipByteSource source = new(Path, entry.Name, _file, _members[entry.Name]);
        source.Skip(entry.Offset);
        Tensor tensor = ElementReader.Read(entry, source);
        return _fortranOrder.Contains(entry.Name) ? FortranOrder.ToRowMajor(tensor) : tensor;
    }

    private protected override void Close() => _file.Dispose();

    private static string NameOf(string path, ZipRecord member)
    {
        string name = member.Name;
        if (!name.EndsWith(Extension, StringComparison.Ordinal))
        {
            throw Fault.File(path, $"zip member {Fault.Quote(name)} is not an npy; expected names that end in {Extension}.");
        }

        return name[..^Extension.Length];
    }

    private static void RequirePlausibleLength(string path, string name, ZipRecord member)
    {
        if (member.Length / MostRatio > member.Packed)
        {
            throw Fault.Tensor(
                path, name, $"zip member declares {member.Length} bytes unpacked from {member.Packed}; expected what deflate can do.");
        }
    }
}
