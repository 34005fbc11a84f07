using System.Text.Json;
using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests.Jpeg;

/// <summary>The JPEG files of the golden case jpeg-formats, and Pillow's pixels.</summary>
internal static class JpegFixtures
{
    public static string Golden { get; } = Path.Combine(FindRepository(), "golden");

    public static string Folder => Path.Combine(Golden, "cases", "jpeg-formats");

    public static IReadOnlyList<string> Names { get; } = ReadNames();

    public static byte[] Content(string name) => File.ReadAllBytes(Path.Combine(Folder, $"{name}.jpg"));

    public static Tensor<byte> Pixels(string name)
    {
        using TensorFile file = TensorFile.Open(Path.Combine(Folder, "expected.safetensors"));
        return file.Read<byte>($"images.{Names.ToList().IndexOf(name)}.decoded");
    }

    private static IReadOnlyList<string> ReadNames()
    {
        using JsonDocument facts = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "case.json")));
        return [.. facts.RootElement.GetProperty("pictures").EnumerateArray().Select(file => Path.GetFileNameWithoutExtension(file.GetString()!))];
    }

    private static string FindRepository()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "DeformDetr.Reference.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new DirectoryNotFoundException("tests: no folder above the test binaries holds DeformDetr.Reference.sln.");
    }
}
