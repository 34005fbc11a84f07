using System.IO.Enumeration;
using DeformDetr.Formats.Pictures;

namespace DeformDetr.Cli;

// What the user names as pictures: files, folders and patterns. Within a folder or a pattern files come in ordinal order of their paths.
internal static class PicturePaths
{
    // A folder may hold anything; of it these are taken for pictures.
    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".ppm", ".pgm", ".pnm"];

    public static IReadOnlyList<string> Of(IEnumerable<string> words) => [.. words.SelectMany(Of)];

    private static IReadOnlyList<string> Of(string word)
    {
        if (Directory.Exists(word))
        {
            string[] inside = [.. Directory.EnumerateFiles(word).Where(IsPicture).Order(StringComparer.Ordinal)];
            return inside.Length > 0
                ? inside
                : throw new InvalidDataException(
                    $"{word}: a folder without pictures; expected files named {string.Join(", ", Extensions.Select(one => $"*{one}"))}.");
        }

        if (File.Exists(word) || !HasWildcard(word))
        {
            return [word];
        }

        string[] found = [.. Match(word).Order(StringComparer.Ordinal)];
        return found.Length > 0 ? found : throw new InvalidDataException($"{word}: matches no file; expected {Picture.Formats}.");
    }

    // * and ? stand for characters of one name; folders may have them too.
    private static IEnumerable<string> Match(string pattern)
    {
        string root = Path.GetPathRoot(pattern) ?? "";
        char[] separators = [Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar];
        string[] names = pattern[root.Length..].Split(separators, StringSplitOptions.RemoveEmptyEntries);
        IEnumerable<string> folders = [root];
        foreach (string name in names[..^1])
        {
            folders = folders.SelectMany(folder => Inside(folder, name, Directory.EnumerateDirectories));
        }

        return folders.SelectMany(folder => Inside(folder, names[^1], Directory.EnumerateFiles));
    }

    private static IEnumerable<string> Inside(string folder, string name, Func<string, IEnumerable<string>> list)
    {
        if (!HasWildcard(name))
        {
            string one = Path.Combine(folder, name);
            return Path.Exists(one) ? [one] : [];
        }

        return list(folder.Length == 0 ? "." : folder)
            .Select(path => Path.GetFileName(path))
            .Where(found => FileSystemName.MatchesSimpleExpression(name, found, ignoreCase: false))
            .Select(found => Path.Combine(folder, found));
    }

    private static bool HasWildcard(string text) => text.AsSpan().ContainsAny('*', '?');

    private static bool IsPicture(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);
}
