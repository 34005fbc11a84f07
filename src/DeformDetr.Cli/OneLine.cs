using System.Globalization;
using System.Text;

namespace DeformDetr.Cli;

// What went wrong with usage or input, in one line fit for a terminal; null for what is a bug of ours.
internal static class OneLine
{
    public static string? Of(Exception exception) =>
        Message(exception) is { } text ? Printable(text.EndsWith('.') ? text : $"{text}.") : null;

    private static string? Message(Exception exception) => exception switch
    {
        AggregateException many => Message(many.Flatten().InnerExceptions[0]),
        ArgumentNullException or ArgumentOutOfRangeException => null,
        ArgumentException { ParamName: { } name } argument =>
            argument.Message.Replace($" (Parameter '{name}')", "", StringComparison.Ordinal),
        FileNotFoundException { FileName: { } file } missing when missing.Message.StartsWith("Could not find", StringComparison.Ordinal) =>
            $"{Relative(file)}: no such file.",
        InvalidDataException or ArgumentException or IOException or UnauthorizedAccessException => exception.Message,
        OutOfMemoryException => "not enough memory for this input.",
        _ => null,
    };

    // Text that comes from files and arguments: control characters could play with the terminal.
    public static string Printable(string text)
    {
        StringBuilder line = new(text.Length);
        foreach (char character in text.ReplaceLineEndings(" "))
        {
            bool harmless = char.GetUnicodeCategory(character) is not (
                UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
            line.Append(harmless ? character.ToString() : string.Create(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"));
        }

        return line.ToString();
    }

    private static string Relative(string path)
    {
        string relative = Path.GetRelativePath(Environment.CurrentDirectory, path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
    }
}
