namespace DeformDetr.Fuzz;

// A folder that goes away; in memory where the system has such a place.
internal sealed class Scratch : IDisposable
{
    private const string InMemory = "/dev/shm";

    private readonly string _path =
        System.IO.Path.Combine(Directory.Exists(InMemory) ? InMemory : System.IO.Path.GetTempPath(), $"fuzz-{System.IO.Path.GetRandomFileName()}");

    public Scratch() => Directory.CreateDirectory(_path);

    public string this[string name] => System.IO.Path.Combine(_path, name);

    // What a writer writes.
    public byte[] Written(string name, Action<string> write)
    {
        write(this[name]);
        byte[] content = File.ReadAllBytes(this[name]);
        File.Delete(this[name]);
        return content;
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
