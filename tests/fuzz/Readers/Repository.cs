namespace DeformDetr.Fuzz;

// Files of the repository that serve as seeds.
internal static class Repository
{
    private static readonly string Root = FindRoot();

    public static string Golden(string name) => Path.Combine(Root, "golden", name);

    // The smallest files of a folder.
    public static IReadOnlyList<byte[]> Smallest(string folder, string pattern, int count, int most = 1 << 16) =>
        [.. Directory.GetFiles(Golden(folder), pattern).Select(path => new FileInfo(path)).Where(file => file.Length <= most)
            .OrderBy(file => file.Length).ThenBy(file => file.Name, StringComparer.Ordinal).Take(count).Select(file => File.ReadAllBytes(file.FullName))];

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "DeformDetr.Reference.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("fuzz: no folder above the program holds DeformDetr.Reference.sln.");
    }
}
