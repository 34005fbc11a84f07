using System.Text.Json;

namespace DeformDetr.Formats.Tests.Png;

// Files made by Fixtures/make_fixtures.py, with what Pillow 9.4 reads from them.
internal sealed record PngFixture(string Name, byte[] Png, int Height, int Width, byte[] Rgb);

internal static class PngFixtures
{
    private static readonly Lazy<IReadOnlyDictionary<string, PngFixture>> Loaded = new(Load);

    public static IReadOnlyDictionary<string, PngFixture> All => Loaded.Value;

    private static Dictionary<string, PngFixture> Load()
    {
        string path = Path.Combine(Root(), "tests", "DeformDetr.Formats.Tests", "Png", "Fixtures", "decoding.json");
        JsonSerializerOptions options = new(JsonSerializerDefaults.Web);
        PngFixture[] fixtures = JsonSerializer.Deserialize<PngFixture[]>(File.ReadAllText(path), options)!;
        return fixtures.ToDictionary(fixture => fixture.Name, StringComparer.Ordinal);
    }

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "DeformDetr.Reference.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new DirectoryNotFoundException("no folder above the tests holds DeformDetr.Reference.sln");
    }
}
