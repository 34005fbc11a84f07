namespace DeformDetr.Cli;

// What ships with the repository, found from where the user stands or from where the program lies.
internal static class Repository
{
    private const string Mark = "DeformDetr.Reference.sln";

    public static string Golden(params string[] parts)
    {
        string? root = Above(Environment.CurrentDirectory) ?? Above(AppContext.BaseDirectory);
        if (root is null)
        {
            throw new InvalidDataException(
                $"golden: no folder above {Environment.CurrentDirectory} or {AppContext.BaseDirectory} holds {Mark}; "
                + "expected to run inside a clone of the repository.");
        }

        string path = Path.Combine([root, "golden", .. parts]);
        if (!Directory.Exists(path))
        {
            throw new InvalidDataException($"{path}: no such folder; expected the golden cases of the repository.");
        }

        string relative = Path.GetRelativePath(Environment.CurrentDirectory, path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
    }

    private static string? Above(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, Mark)))
            {
                return folder.FullName;
            }
        }

        return null;
    }
}
