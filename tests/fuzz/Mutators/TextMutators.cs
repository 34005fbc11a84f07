using System.Text;

namespace DeformDetr.Fuzz;

// Damage to texts by words: JSON, Python's dictionaries, maps, the heads of pictures. A text is bytes, one letter each.
internal static class TextMutators
{
    private static readonly int[] Depths = [1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 1000, 1001, 20_000, 200_000];
    private static readonly string[] Values = ["null", "true", "false", "{}", "[]", "\"\"", "0", "-1", "[[]]", "{\"a\":1}", "NaN", "None", "True", "()", "(,)"];
    private static readonly string[] Noise = [" ", "\n", "\t", "\0", "\u00ef\u00bb\u00bf", "/*x*/", "//x\n", "#", ",", ":", "\u00a0", "\u00ff", "'", "\"", "\\"];

    public static IReadOnlyList<Mutator> All { get; } =
        [.. Names.Select(name => new Mutator($"text-{name}", false, (draw, _, seed) => Latin1(Damage(name, draw, Encoding.Latin1.GetString(seed)))))];

    private static IReadOnlyList<string> Names => ["number", "string", "value", "delete", "repeat", "swap", "entry", "depth", "noise", "key"];

    // Any of them.
    public static string Any(Draw draw, string text) => Damage(draw.Of(Names), draw, text);

    public static byte[] Latin1(string text) => Encoding.Latin1.GetBytes(text);

    private static string Damage(string name, Draw draw, string text)
    {
        List<string> words = Split(text);
        if (words.Count == 0)
        {
            return draw.Of(Values);
        }

        int at = draw.Below(words.Count);
        switch (name)
        {
            case "number": Replace(draw, words, IsNumber, draw.Of(Interesting.Numbers)); break;
            case "string": Replace(draw, words, IsQuoted, Quoted(draw, draw.OneIn(2) ? draw.Of(words) : draw.Of(Interesting.Texts))); break;
            case "value": words[at] = draw.Of(Values); break;
            case "delete": words.RemoveRange(at, Math.Min(words.Count - at, 1 + draw.Length(4))); break;
            case "repeat": words.InsertRange(draw.OneIn(2) ? at : draw.Below(words.Count), words.GetRange(at, Math.Min(words.Count - at, 1 + draw.Length(12)))); break;
            case "swap": int other = draw.Below(words.Count); (words[at], words[other]) = (words[other], words[at]); break;
            case "entry": Entry(draw, words, at); break;
            case "depth": Deepen(draw, words, at); break;
            case "noise": words.Insert(at, draw.Of(Noise)); break;
            default: Key(draw, words); break;
        }

        return string.Concat(words);
    }

    private static void Replace(Draw draw, List<string> words, Func<string, bool> which, string by)
    {
        int[] places = [.. Enumerable.Range(0, words.Count).Where(index => which(words[index]))];
        words[places.Length == 0 ? draw.Below(words.Count) : draw.Of(places)] = by;
    }

    // An entry of an object or list, up to its comma: taken out, or given twice.
    private static void Entry(Draw draw, List<string> words, int at)
    {
        int end = at;
        for (int depth = 0; end < words.Count; end++)
        {
            depth += words[end] is "{" or "[" or "(" ? 1 : words[end] is "}" or "]" or ")" ? -1 : 0;
            if (depth < 0 || (depth == 0 && words[end] is "," or "\n"))
            {
                break;
            }
        }

        List<string> entry = words.GetRange(at, end - at);
        if (draw.OneIn(2))
        {
            words.RemoveRange(at, entry.Count);
        }
        else
        {
            words.InsertRange(at, [.. entry, draw.OneIn(4) ? "\n" : ","]);
        }
    }

    private static void Deepen(Draw draw, List<string> words, int at)
    {
        int depth = draw.Of(Depths);
        (string open, string close) = draw.Of<(string, string)>([("[", "]"), ("{\"a\":", "}"), ("(", ")"), ("{", "}"), ("<", ">")]);
        string value = draw.OneIn(2) ? words[at] : draw.Of(Values);
        words[at] = Repeated(open, depth) + value + (draw.OneIn(3) ? "" : Repeated(close, depth));
    }

    // A name that becomes another's, or its own twice.
    private static void Key(Draw draw, List<string> words)
    {
        int[] quoted = [.. Enumerable.Range(0, words.Count).Where(index => IsQuoted(words[index]))];
        if (quoted.Length > 0)
        {
            words[draw.Of(quoted)] = words[draw.Of(quoted)];
        }
    }

    private static string Repeated(string text, int times) => string.Concat(Enumerable.Repeat(text, times));

    private static string Quoted(Draw draw, string text) =>
        IsQuoted(text) ? text : draw.OneIn(8) ? $"'{text}'" : $"\"{text}\"";

    private static bool IsQuoted(string word) => word is ['"' or '\'', ..];

    private static bool IsNumber(string word) => char.IsAsciiDigit(word[0]) || (word[0] == '-' && word.Length > 1);

    private static List<string> Split(string text)
    {
        List<string> words = [];
        for (int start = 0; start < text.Length;)
        {
            int end = End(text, start);
            words.Add(text[start..end]);
            start = end;
        }

        return words;
    }

    private static int End(string text, int start)
    {
        char first = text[start];
        int end = start + 1;
        if (first is '"' or '\'')
        {
            while (end < text.Length && text[end] != first)
            {
                end += text[end] == '\\' ? 2 : 1;
            }

            return Math.Min(end + 1, text.Length);
        }

        bool Same(char letter) => char.IsAsciiDigit(first) || first == '-' ? char.IsAsciiDigit(letter) || letter is '.' or 'e' or 'E'
            : char.IsAsciiLetter(first) || first == '_' ? char.IsAsciiLetterOrDigit(letter) || letter == '_'
            : first == ' ' && letter == ' ';
        while (end < text.Length && Same(text[end]))
        {
            end++;
        }

        return end;
    }
}
