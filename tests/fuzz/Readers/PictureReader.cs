using System.Security.Cryptography;
using DeformDetr.Formats.Pictures;

namespace DeformDetr.Fuzz;

// Pictures. What was read must be as large as the file says.
internal abstract class PictureReader(string name, Scratch scratch) : Reader(name, scratch)
{
    private readonly HashSet<string> _seeds = new(StringComparer.Ordinal);

    protected override string FileName => $"picture.{Name}";

    public override object Read() => Picture.Read(Path);

    public override string? Wrong(object value, Mutant mutant)
    {
        Picture picture = (Picture)value;
        (int height, int width) = SizeIn(mutant.Content);
        if (!picture.Rgb.Shape.SequenceEqual([height, width, 3]) || picture.Rgb.Length != 3L * height * width || picture.Orientation is < 1 or > 8)
        {
            return $"a picture of {picture.Rgb.Shape}, orientation {picture.Orientation}; the file says {height} x {width}";
        }

        return HasChecksums && mutant.KeepsChecksums && !_seeds.Contains(Digest(picture))
            ? "the checksums are as they were, and the picture is not"
            : WrongPixels(picture, mutant.Content);
    }

    protected virtual bool HasChecksums => false;

    // (height, width), found by other code.
    protected abstract (int Height, int Width) SizeIn(byte[] content);

    protected virtual string? WrongPixels(Picture picture, byte[] content) => null;

    protected override void See(object value) => _seeds.Add(Digest((Picture)value));

    private static string Digest(Picture picture) =>
        $"{picture.Rgb.Shape} {Convert.ToHexString(SHA256.HashData(picture.Rgb.AsReadOnlySpan()))}";
}
