using System.Text.Json;

namespace DeformDetr.Oracle.Tests;

/// <summary>golden/manifest.json against the folder: nothing missing, nothing changed, nothing that nobody reads.</summary>
public class ManifestTests
{
    private static readonly string Manifest = Path.Combine(RepositoryFiles.Golden, "manifest.json");

    [Fact]
    public void Every_listed_file_is_there_with_its_hash_and_its_test_exists()
    {
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(Manifest));
        foreach (JsonElement entry in manifest.RootElement.EnumerateArray())
        {
            string path = Path.Combine(RepositoryFiles.Golden, entry.GetProperty("path").GetString()!);
            Assert.True(File.Exists(path), $"{path} is listed in manifest.json and missing");
            Assert.True(entry.GetProperty("sha256").GetString() == FileHash.Sha256(path), $"{path} is not the file that manifest.json lists");
            string test = entry.GetProperty("test").GetString()!;
            Assert.True(typeof(ManifestTests).Assembly.GetType(test) is not null, $"{path}: its test {test} does not exist");
        }
    }

    [Fact]
    public void Every_file_is_listed()
    {
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(Manifest));
        HashSet<string> listed = [.. manifest.RootElement.EnumerateArray().Select(entry => entry.GetProperty("path").GetString()!)];
        Assert.Equal([], Files().Where(path => !listed.Contains(path)));
    }

    [Fact]
    public void Every_file_is_read_by_a_case_or_by_the_tests_of_the_demo_and_of_the_ports()
    {
        HashSet<string> read = ["demo/truth.json", "demo/pictures.safetensors", "fingerprints.json"];
        foreach (GoldenCase golden in GoldenCase.Find([RepositoryFiles.Golden]))
        {
            IEnumerable<string?> files = [Path.Combine(golden.Folder, "case.json"), golden.InputsPath, golden.ExpectedPath, golden.Expected64Path, golden.Weights?.Path, .. golden.PicturePaths];
            read.UnionWith(files.OfType<string>().Select(path => Path.GetRelativePath(RepositoryFiles.Golden, path).Replace('\\', '/')));
        }

        // PortFilesTests, PhotographFilesTests and CheckpointFilesTests see to it that every file of their folders is one that they read.
        string[] others = ["ports/", "photographs/", "checkpoints/"];
        Assert.Equal([], Files().Where(path => !read.Contains(path) && !others.Any(folder => path.StartsWith(folder, StringComparison.Ordinal))));
    }

    [Fact]
    public void The_cases_take_at_most_thirty_megabytes() =>
        Assert.InRange(Files().Where(path => path.StartsWith("cases/", StringComparison.Ordinal)).Sum(path => new FileInfo(Path.Combine(RepositoryFiles.Golden, path)).Length), 1, 30_000_000);

    // What the manifest is about: everything but the Python, the texts and itself.
    private static IEnumerable<string> Files() =>
        from path in Directory.EnumerateFiles(RepositoryFiles.Golden, "*", SearchOption.AllDirectories)
        let relative = Path.GetRelativePath(RepositoryFiles.Golden, path).Replace('\\', '/')
        where !relative.EndsWith(".py", StringComparison.Ordinal) && !relative.EndsWith("README.md", StringComparison.Ordinal) && relative != "manifest.json"
            && !relative.Contains("__pycache__", StringComparison.Ordinal)
        select relative;
}
