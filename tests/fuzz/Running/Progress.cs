using System.IO.MemoryMappedFiles;

namespace DeformDetr.Fuzz;

// Numbers in a file in memory, so that they outlive a process that breaks down.
internal sealed class Progress : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;

    public Progress(string path)
    {
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.OpenOrCreate, null, 64);
        _view = _file.CreateViewAccessor();
    }

    // The file that is being read, or will be next.
    public long Index
    {
        get => _view.ReadInt64(0);
        set => _view.Write(0, value);
    }

    public long ReadCount
    {
        get => _view.ReadInt64(8);
        set => _view.Write(8, value);
    }

    public long Refused
    {
        get => _view.ReadInt64(16);
        set => _view.Write(16, value);
    }

    public long Failed
    {
        get => _view.ReadInt64(24);
        set => _view.Write(24, value);
    }

    // Of the worst file: bytes allocated beyond what a small file may have, for each of its own.
    public double MostPerByte
    {
        get => _view.ReadDouble(32);
        set => _view.Write(32, value);
    }

    // Of processor time.
    public double Seconds
    {
        get => _view.ReadDouble(40);
        set => _view.Write(40, value);
    }

    // Of the worst file: bytes allocated beyond what its length accounts for.
    public long MostAtLeast
    {
        get => _view.ReadInt64(48);
        set => _view.Write(48, value);
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
