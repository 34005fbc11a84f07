using System.Globalization;
using System.Text;

namespace DeformDetr.Formats;

// The one place that words what is wrong with a file, in one line: FILE: tensor 'NAME': what is there; expected what.
internal static class Fault
{
    private const int MostCharacters = 200;
    private const int MostAxes = 16;

    public static InvalidDataException File(string path, FormattableString what) =>
        new($"{Printable(path)}: {FormattableString.Invariant(what)}");

    public static InvalidDataException Tensor(string path, string name, FormattableString what) =>
        new($"{Printable(path)}: tensor {Quote(name)}: {FormattableString.Invariant(what)}");

    // Text that comes from the file itself: made safe for a terminal and cut.
    public static string Quote(string text) =>
        text.Length > MostCharacters ? $"'{Printable(text[..MostCharacters])}…'" : $"'{Printable(text)}'";

    public static string Sizes(IReadOnlyList<long> sizes)
    {
        IEnumerable<string> words = sizes.Take(MostAxes).Select(size => size.ToString(CultureInfo.InvariantCulture));
        return $"[{string.Join(", ", words)}{(sizes.Count > MostAxes ? ", …" : "")}]";
    }

    private static string Printable(string text)
    {
        StringBuilder line = new(text.Length);
        foreach (char character in text)
        {
            UnicodeCategory category = char.GetUnicodeCategory(character);
            if (category is UnicodeCategory.Control or UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
            {
                line.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            }
            else
            {
                line.Append(character);
            }
        }

        return line.ToString();
    }
}
