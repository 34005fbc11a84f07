using DeformDetr.Tensors;

namespace DeformDetr.Formats;

/// <summary>
/// A folder of numpy .npy files, one tensor each: <c>NAME.npy</c> is the tensor NAME, and a file in a sub-folder has the path to it in its
/// name, with slashes. Files are open only while they are read. Files whose names begin with a dot are passed over; any other that is
/// not an npy is an error. Several threads may read at once.
/// </summary>
public sealed class NpyFolder : TensorFile
{
    private const string Extension = ".npy";

    // Ends a walk through links that lead back up.
    private const int MostLevels = 32;

    private NpyFolder(string path, IReadOnlyList<TensorEntry> entries)
        : base(path, entries)
    {
    }

    /// <summary>Opens a folder: reads and checks the header of every file. Tensors stand in ordinal order of their names.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="InvalidDataException">A file is malformed, or holds what isn't read here.</exception>
    /// <exception cref="IOException">The folder doesn't exist (<see cref="DirectoryNotFoundException"/>), or a file can't be
    /// read.</exception>
    /// <exception cref="UnauthorizedAccessException">No permission to read the folder or a file.</exception>
    public static new NpyFolder Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!Directory.Exists(path))
        {
            throw new DirectoryNotFoundException($"{path}: no such folder.");
        }

        List<TensorEntry> entries = [];
        Walk(path, path, "", 0, entries);
        entries.Sort((one, other) => string.CompareOrdinal(one.Name, other.Name));
        return new NpyFolder(path, entries);
    }

    private protected override Tensor ReadElements(TensorEntry entry)
    {
        string path = FileOf(entry.Name);
        using NpyFile file = NpyFile.Open(path);
        TensorEntry found = file.Entries[0];
        return found.Shape == entry.Shape && found.StoredType == entry.StoredType
            ? file.Read(found.Name)
            : throw Fault.Tensor(
                path, entry.Name,
                $"has become {found.StoredType.Word()} {found.Shape}; expected {entry.StoredType.Word()} {entry.Shape} still.");
    }

    private protected override void Close()
    {
    }

    private static void Walk(string root, string folder, string prefix, int level, List<TensorEntry> entries)
    {
        if (level > MostLevels)
        {
            throw Fault.File(folder, $"lies {level} folders below {Fault.Quote(root)}; expected at most {MostLevels}.");
        }

        foreach (string path in Directory.EnumerateFileSystemEntries(folder))
        {
            string name = System.IO.Path.GetFileName(path);
            if (name.StartsWith('.'))
            {
                continue;
            }

            if (Directory.Exists(path))
            {
                Walk(root, path, $"{prefix}{name}/", level + 1, entries);
                continue;
            }

            if (!name.EndsWith(Extension, StringComparison.Ordinal))
            {
                throw Fault.File(path, $"is not an npy; expected a folder of files whose names end in {Extension}.");
            }

            using NpyFile file = NpyFile.Open(path);
            entries.Add(file.Entries[0] with { Name = prefix + name[..^Extension.Length] });
        }
    }

    private string FileOf(string name) =>
        System.IO.Path.Combine(Path, name.Replace('/', System.IO.Path.DirectorySeparatorChar) + Extension);
}
