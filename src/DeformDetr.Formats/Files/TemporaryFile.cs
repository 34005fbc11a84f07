using System.Collections.Concurrent;

namespace DeformDetr.Formats;

// A file being written under a temporary name in the target's own folder (a rename is atomic only within one file system).
// Disposed without Commit, it is deleted. The data is handed to the operating system, not forced onto the disk.
internal sealed class TemporaryFile : IDisposable
{
    private static readonly ConcurrentDictionary<string, bool> Unfinished = new();

    private readonly string _path;
    private readonly string _target;
    private readonly string _temporary;
    private bool _committed;

    public TemporaryFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _path = path;
        _target = Path.GetFullPath(path);
        string folder = Path.GetDirectoryName(_target) ?? _target;
        if (Directory.Exists(_target))
        {
            throw new IOException($"{path}: is a folder; expected the name of a file to write.");
        }

        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"{path}: its folder does not exist; expected a folder to write to.");
        }

        _temporary = Path.Combine(folder, $".unfinished-{Path.GetRandomFileName()}");
        try
        {
            Stream = new FileStream(_temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new UnauthorizedAccessException($"{path}: no permission to write to its folder.", exception);
        }

        Unfinished[_temporary] = true;
    }

    public static void DeleteUnfinished()
    {
        foreach (string path in Unfinished.Keys)
        {
            File.Delete(path);
        }
    }

    public FileStream Stream { get; }

    public void Commit()
    {
        Stream.Dispose();
        try
        {
            File.Move(_temporary, _target, overwrite: true);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new UnauthorizedAccessException($"{_path}: no permission to replace it.", exception);
        }

        _committed = true;
        Unfinished.TryRemove(_temporary, out _);
    }

    public void Dispose()
    {
        if (_committed)
        {
            return;
        }

        try
        {
            Stream.Dispose();
        }
        catch (IOException)
        {
            // Its last bytes could not be written, and nobody wants them: the file goes.
        }

        File.Delete(_temporary);
        Unfinished.TryRemove(_temporary, out _);
    }
}
