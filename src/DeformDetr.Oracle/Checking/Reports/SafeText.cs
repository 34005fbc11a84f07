using System.Globalization;
using System.Text;

namespace DeformDetr.Oracle;

/// <summary>Text that comes from a stranger's file, made fit to be shown.</summary>
public static class SafeText
{
    /// <summary>
    /// One line in which every control and formatting character is spelled out: those could play with a terminal, or turn the reading
    /// direction of what stands beside them. So are halves of surrogate pairs and characters that XML forbids.
    /// </summary>
    /// <param name="text">Anything.</param>
    public static string OneLine(string text)
    {
        if (text.All(character => character is >= ' ' and <= '~'))
        {
            return text;
        }

        StringBuilder line = new(text.Length);
        string flat = text.ReplaceLineEndings(" ");
        for (int at = 0; at < flat.Length; at++)
        {
            char character = flat[at];
            if (at + 1 < flat.Length && char.IsSurrogatePair(character, flat[at + 1]))
            {
                Rune rune = new(character, flat[++at]);
                _ = Harmless(Rune.GetUnicodeCategory(rune)) ? line.Append(rune) : Spell(line, character, flat[at]);
            }
            else
            {
                bool harmless = !char.IsSurrogate(character) && character < '\uFFFE' && Harmless(char.GetUnicodeCategory(character));
                _ = harmless ? line.Append(character) : Spell(line, character);
            }
        }

        return line.ToString();
    }

    /// <summary>The same, cut where it is long.</summary>
    /// <param name="text">Anything.</param>
    public static string Short(string text)
    {
        const int Most = 200;
        return text.Length <= Most ? OneLine(text) : $"{OneLine(text[..(char.IsHighSurrogate(text[Most - 1]) ? Most - 1 : Most)])}…";
    }

    private static bool Harmless(UnicodeCategory category) =>
        category is not (
            UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    private static StringBuilder Spell(StringBuilder line, params ReadOnlySpan<char> characters)
    {
        foreach (char character in characters)
        {
            line.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
        }

        return line;
    }
}
