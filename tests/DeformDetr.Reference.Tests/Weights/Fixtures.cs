using System.Text.Json;

namespace DeformDetr.Reference.Tests.Weights;

// recipe-anchors.json is the contract's; make_star.py wrote star.json.
internal static class Fixtures
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    public static T[] Read<T>(string name)
    {
        using Stream stream = typeof(Fixtures).Assembly.GetManifestResourceStream(name) ?? throw new FileNotFoundException(name);
        return JsonSerializer.Deserialize<T[]>(stream, Options)!;
    }
}
