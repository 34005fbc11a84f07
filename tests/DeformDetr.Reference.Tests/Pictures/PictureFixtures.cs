using System.Security.Cryptography;
using System.Text.Json;
using DeformDetr.Tensors;

namespace DeformDetr.Reference.Tests.Pictures;

// What Fixtures/make_fixtures.py had the original, Pillow and torchvision compute, and the pictures that it made by the same recipe.
internal static class PictureFixtures
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    public static T[] Read<T>(string name) => JsonSerializer.Deserialize<T[]>(File.ReadAllText(PathOf(name)), Options)!;

    public static string PathOf(string name)
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "DeformDetr.Reference.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return Path.Combine(
            folder ?? throw new DirectoryNotFoundException("no folder above the tests holds DeformDetr.Reference.sln"),
            "tests", "DeformDetr.Reference.Tests", "Pictures", "Fixtures", name);
    }

    public static string Sha256(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    // A slope plus noise from splitmix64, mod 256.
    public static Tensor<byte> Recipe(int height, int width, ulong seed)
    {
        Tensor<byte> picture = new([height, width, 3]);
        Span<byte> bytes = picture.AsSpan();
        for (int i = 0; i < bytes.Length; i++)
        {
            ulong z = unchecked(seed + (((ulong)i + 1) * 0x9E3779B97F4A7C15));
            z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
            z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
            z ^= z >> 31;
            int pixel = i / 3;
            int slope = (pixel % width) + (2 * (pixel / width)) + (50 * (i % 3));
            bytes[i] = (byte)(slope + (int)(z >> 58));
        }

        return picture;
    }

    public static Tensor<byte> Noise(int height, int width, int seed)
    {
        Tensor<byte> picture = new([height, width, 3]);
        new Random(seed).NextBytes(picture.AsSpan());
        return picture;
    }
}
