namespace DeformDetr.Oracle.Tests;

/// <summary>Files of the repository that tests read where they lie.</summary>
internal static class RepositoryFiles
{
    public static string Root { get; } = FindRoot();

    public static string Golden => Path.Combine(Root, "golden");

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "DeformDetr.Reference.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("tests: no folder above the test binaries holds DeformDetr.Reference.sln.");
    }
}
