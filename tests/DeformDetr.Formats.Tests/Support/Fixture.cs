using DeformDetr.Tensors;

namespace DeformDetr.Formats.Tests;

// Files that numpy wrote, and what stands in them; the formulas are those of make_fixtures.py.
internal static class Fixture
{
    private static readonly TensorShape Shape = [2, 3, 4];

    public static string[] Types { get; } = ["f8", "f4", "f2", "i8", "i4", "u1", "b1"];

    public static string Repository { get; } = FindRepository();

    public static string Path(string name) => System.IO.Path.Combine(AppContext.BaseDirectory, "Fixtures", name);

    public static Tensor Expected(string type) => type switch
    {
        "f8" => Make(i => (i - 7) * 0.1),
        "f4" or "f2" => Make(i => (i - 7) * 0.5f),
        "i8" => Make(i => (i - 7) * 1000000007L * 1000000009L),
        "i4" => Make(i => (i - 7) * 10000019),
        "u1" => Make(i => (byte)(i * 10)),
        "b1" => Make(i => i % 3 == 0),
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    private static Tensor<T> Make<T>(Func<int, T> value)
        where T : unmanaged => Tensor<T>.FromArray(Shape, [.. Enumerable.Range(0, Shape.ElementCount).Select(value)]);

    private static string FindRepository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "DeformDetr.Reference.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("tests: no folder above the test binaries holds DeformDetr.Reference.sln.");
    }
}
