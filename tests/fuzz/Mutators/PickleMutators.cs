using System.Text;

namespace DeformDetr.Fuzz;

// Damage to pickles instruction by instruction.
internal static class PickleMutators
{
    private const string OneByte = "Khq\u0080\u0082";
    private const string TwoBytes = "M\u0083";
    private const string FourBytes = "Jjr\u0084";
    private const string EightBytes = "G\u0095";
    private const string OneLine = "FILSVgpP";
    private const string TwoLines = "ci";
    private const string Counted1 = "UC\u008c\u008a";
    private const string Counted4 = "TXB\u008b";
    private const string Counted8 = "\u008d\u008e\u0096";

    // Whole instructions that go well, or badly, together.
    private static readonly string[] Words =
    [
        "(", ")", "0", "1", "2", ".", "N", "R", "Q", "a", "b", "d", "e", "l", "]", "o", "s", "t", "u", "}", "\u0081", "\u0085", "\u0086", "\u0087", "\u0088", "\u008f",
        "\u0090", "\u0091", "\u0092", "\u0093", "\u0094", "\u0097", "\u0098", "\u00ff", "\u0080\u0005", "K\u0001", "K\u00ff", "h\0", "h\u0001", "q\0", "q\u0001", "j\u00ff\u00ff\u00ff\u007f",
        "r\u00ff\u00ff\u00ff\u00ff", "X\u00ff\u00ff\u00ff\u007f", "\u008e\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff", "\u008a\u0008\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f",
        "\u0095\u0001\0\0\0\0\0\0\0", "I01\n", "I-1\n", "L99999999999999999999L\n", "Fnan\n", "F1e999\n", "S'a'\n", "Vb\n", "p0\n", "g0\n", "Pos.system\n",
        "cos\nsystem\n", "X\u0007\0\0\0echo hi\u0085R", "cbuiltins\neval\n", "cbuiltins\ngetattr\n", "cbuiltins\nlist\n", "cbuiltins\ndict\n", "cbuiltins\nset\n", "cbuiltins\ntuple\n",
        "cbuiltins\nbytearray\n", "cbuiltins\ncomplex\n", "ccollections\nOrderedDict\n", "ccollections\nOrderedDict\n)R", "ccollections\ndefaultdict\n", "cargparse\nNamespace\n", "cargparse\nNamespace\n)\u0081",
        "ctorch._utils\n_rebuild_tensor_v2\n", "ctorch._utils\n_rebuild_parameter\n", "ctorch\nFloatStorage\n", "ctorch\nByteStorage\n", "ctorch\nComplexFloatStorage\n", "ctorch\nSize\n",
        "cnumpy.core.multiarray\nscalar\n", "cnumpy\ndtype\n", "c_codecs\nencode\n", "ccopyreg\n_reconstructor\n", "ios\nsystem\n", "c\u00ff\n\0\n",

        // A list that is its own element, a dictionary that is its own value.
        "]q\u00fah\u00faa", "}q\u00fbX\u0001\0\0\0kh\u00fbs",
    ];

    private static readonly int[] Depths = [2, 20, 1000, 20_000, 200_000];

    public static byte[] Edit(Draw draw, byte[] pickle)
    {
        List<string> words = Split(Encoding.Latin1.GetString(pickle));
        for (int time = draw.OneIn(3) ? draw.Below(5) : 0; time >= 0 && words.Count > 0; time--)
        {
            Edit(draw, words);
        }

        return Encoding.Latin1.GetBytes(string.Concat(words));
    }

    private static void Edit(Draw draw, List<string> words)
    {
        int at = draw.Below(words.Count);
        int other = draw.Below(words.Count);
        switch (draw.Below(13))
        {
            case 0: words.RemoveRange(at, Math.Min(words.Count - at, 1 + draw.Length(3))); break;
            case 1: words.InsertRange(other, words.GetRange(at, Math.Min(words.Count - at, 1 + draw.Length(30)))); break;
            case 2: (words[at], words[other]) = (words[other], words[at]); break;
            case 3: words.Insert(at, draw.Of(Words)); break;
            case 4: words[at] = draw.Of(Words); break;
            case 5 or 6: Replace(draw, words, word => word[0] is 'K' or 'M' or 'J' or '\u008a', _ => Number(draw)); break;
            case 7: Replace(draw, words, word => word[0] is 'X' or '\u008c' or 'U', word => Text(draw.OneIn(2) ? draw.Of(Interesting.Texts) : Texts(draw, words) ?? word)); break;
            case 8: Replace(draw, words, word => word[0] == 'h', _ => $"h{(char)draw.Below(256)}"); break;
            case 9: words.Insert(at, Repeated(draw.Of(["(", "]", "}", "N", "\u0085", "]q\0h\0a", ")", "h\u0001", "2"]), draw.Of(Depths))); break;
            case 10: words.Insert(draw.OneIn(2) ? at : Math.Max(0, words.FindLastIndex(word => word == "u")), Laughs(draw)); break;
            case 11: words.Insert(at, Copies(draw)); break;
            default:
                byte[] word = Encoding.Latin1.GetBytes(words[at]);
                words[at] = Encoding.Latin1.GetString(ByteMutators.Any(draw, word));
                break;
        }
    }

    // Small lists of the same list, one in the other: in full, a number of elements that no memory holds; and entries of a dictionary of it.
    private static string Laughs(Draw draw)
    {
        StringBuilder text = new("]q\u00c8K\u0001a");
        int levels = 2 + draw.Below(draw.OneIn(4) ? 40 : 13);
        for (int level = 0; level < levels; level++)
        {
            text.Append(string.Concat(Enumerable.Repeat("h\u00c8", 2 + draw.Below(8)).Prepend("]("))).Append("eq\u00c8");
        }

        int entries = draw.Length(400);

        // Within a mark, where entries come one after another, or one by one.
        bool args = draw.OneIn(3);
        string end = draw.OneIn(2) ? "" : "s";
        return draw.Below(3) switch
        {
            0 => text.Append('0').ToString(),
            1 => text + (args ? "0}X\u0001\0\0\0ah\u00c8sq\u00c80" : "0") + string.Concat(Enumerable.Range(0, entries).Select(entry => $"{Text(args ? "args" : Keyed(entry))}h\u00c8{end}")),
            _ => text + "0" + string.Concat(Enumerable.Repeat(draw.Of(["cbuiltins\nlist\nh\u00c8\u0085R0", "cbuiltins\nset\nh\u00c8\u0085R0", "cbuiltins\ntuple\nh\u00c8\u0085R0"]), entries)),
        };
    }

    // A long value, and calls that would copy it again and again.
    private static string Copies(Draw draw)
    {
        (string value, string[] names, string call) = draw.Below(3) switch
        {
            0 => ($"({Repeated("N", draw.Below(30_000))}lq\u00c90", ["list", "set", "tuple"], "h\u00c9\u0085R0"),
            1 => ($"({Repeated("N", draw.Below(30_000))}tq\u00c90", ["list", "tuple"], "h\u00c9\u0085R0"),
            _ => ($"{Text(new string('x', draw.Below(30_000)))}q\u00c90", (string[])["bytearray"], $"h\u00c9{Text("latin1")}\u0086R0"),
        };
        return value + Repeated($"cbuiltins\n{draw.Of(names)}\n{call}", draw.Length(800));
    }

    private static string Keyed(int entry) => FormattableString.Invariant($"{entry}");

    private static string Number(Draw draw)
    {
        ulong value = draw.OneIn(2) ? (ulong)draw.Below(20) : draw.Of(Interesting.Words) + (ulong)(draw.Below(3) - 1);
        byte[] bytes = new byte[8];
        ByteMutators.Write(bytes, value, big: false);
        return $"\u008a\u0008{Encoding.Latin1.GetString(bytes)}";
    }

    private static string Text(string text)
    {
        byte[] count = new byte[4];
        ByteMutators.Write(count, (ulong)text.Length, big: false);
        return $"X{Encoding.Latin1.GetString(count)}{text}";
    }

    private static string? Texts(Draw draw, List<string> words)
    {
        string word = draw.Of(words);
        return word.Length > 5 && word[0] == 'X' ? word[5..] : null;
    }

    private static void Replace(Draw draw, List<string> words, Func<string, bool> which, Func<string, string> by)
    {
        int[] places = [.. Enumerable.Range(0, words.Count).Where(index => words[index].Length > 0 && which(words[index]))];
        if (places.Length > 0)
        {
            int place = draw.Of(places);
            words[place] = by(words[place]);
        }
    }

    private static string Repeated(string text, int times) => string.Concat(Enumerable.Repeat(text, times));

    private static List<string> Split(string text)
    {
        List<string> words = [];
        for (int start = 0; start < text.Length;)
        {
            int end = Math.Min(text.Length, Math.Max(start + 1, End(text, start)));
            words.Add(text[start..end]);
            start = end;
        }

        return words;
    }

    private static int End(string text, int at)
    {
        char code = text[at];
        int next = at + 1;
        return OneByte.Contains(code) ? next + 1
            : TwoBytes.Contains(code) ? next + 2
            : FourBytes.Contains(code) ? next + 4
            : EightBytes.Contains(code) ? next + 8
            : OneLine.Contains(code) ? Line(text, next)
            : TwoLines.Contains(code) ? Line(text, Line(text, next))
            : Counted1.Contains(code) ? next + 1 + Count(text, next, 1)
            : Counted4.Contains(code) ? next + 4 + Count(text, next, 4)
            : Counted8.Contains(code) ? next + 8 + Count(text, next, 8)
            : next;
    }

    private static int Line(string text, int at)
    {
        int end = text.IndexOf('\n', Math.Min(at, text.Length));
        return end < 0 ? text.Length : end + 1;
    }

    private static int Count(string text, int at, int bytes)
    {
        long count = 0;
        for (int index = Math.Min(bytes, 4) - 1; index >= 0; index--)
        {
            count = (count << 8) | (at + index < text.Length ? text[at + index] : 0u);
        }

        return (int)Math.Min(count, text.Length);
    }
}
