namespace DeformDetr.Formats.Tests;

// In memory where the system has such a place: a disk that others use makes thousands of damaged files slow.
internal sealed class TemporaryFolder : IDisposable
{
    private const string InMemory = "/dev/shm";

    public string Path { get; } = Create();

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public string[] Names => [.. Directory.GetFileSystemEntries(Path).Select(path => System.IO.Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    public string File(string name, ReadOnlySpan<byte> content)
    {
        System.IO.File.WriteAllBytes(this[name], content);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static string Create()
    {
        string name = $"formats-tests-{System.IO.Path.GetRandomFileName()}";
        if (Directory.Exists(InMemory))
        {
            try
            {
                return Directory.CreateDirectory(System.IO.Path.Combine(InMemory, name)).FullName;
            }
            catch (UnauthorizedAccessException)
            {
                // Not ours to write to.
            }
        }

        return Directory.CreateTempSubdirectory(name).FullName;
    }
}
