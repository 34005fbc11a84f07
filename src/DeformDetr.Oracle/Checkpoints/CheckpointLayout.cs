using System.Globalization;
using System.Reflection;

namespace DeformDetr.Oracle;

/// <summary>
/// How a code base names the weights of this model: pairs of names in a file <c>Layouts/WORD.weights</c>. <c>{i}</c> is any whole number,
/// <c>&lt;a|b&gt;</c> on the left stands with the same place of the same group on the right; <c>[rows 2/3]</c> is the second of three
/// blocks of rows, <c>[read]</c> a name that is understood and not written, <c>[zeros if absent]</c> what an absent tensor means, and <c>-</c> on
/// the left what the code base doesn't list.
/// </summary>
public sealed class CheckpointLayout
{
    private const string Version = "deform-detr-weights/1";
    private const string Arrow = " -> ";

    private readonly Dictionary<string, List<WeightLine>> _byStored = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<WeightLine>> _byOriginal = new(StringComparer.Ordinal);

    private CheckpointLayout(string word, IReadOnlyList<WeightLine> lines)
    {
        Word = word;
        Lines = lines;
        foreach (WeightLine line in lines)
        {
            Add(_byOriginal, line.Original, line);
            if (line.Stored is not null)
            {
                Add(_byStored, line.Stored, line);
            }
        }
    }

    /// <summary>All layouts, the original's first.</summary>
    public static IReadOnlyList<CheckpointLayout> All { get; } =
        [.. new[] { "original", "huggingface", "mmdetection", "detrex" }.Select(Load)];

    /// <summary>The names of the original.</summary>
    public static CheckpointLayout Original => All[0];

    /// <summary>What the command line calls it.</summary>
    public string Word { get; }

    internal IReadOnlyList<WeightLine> Lines { get; }

    /// <summary>A layout by its word.</summary>
    /// <param name="word">original, huggingface, mmdetection or detrex.</param>
    /// <exception cref="InvalidDataException">Another word.</exception>
    public static CheckpointLayout Of(string word) =>
        All.FirstOrDefault(layout => layout.Word == word)
        ?? throw new InvalidDataException($"layout: '{word}' is unknown; expected {string.Join(", ", All.Select(layout => layout.Word))}.");

    /// <summary>The layout that knows most of the names; the original's where none knows more.</summary>
    /// <param name="names">Names of tensors in a checkpoint.</param>
    public static CheckpointLayout Detect(IReadOnlyCollection<string> names)
    {
        // What every code base names alike tells nothing; the first with the most wins.
        return All.MaxBy(layout => names.Count(name => layout.OfStored(name) is not null))!;
    }

    // The line that has a stored name, and the original's name that it gives.
    internal (WeightLine Line, string Original)? OfStored(string name)
    {
        (WeightLine Line, Dictionary<string, string> Numbers)? found = Find(_byStored, name, line => line.Stored!).FirstOrDefault();
        return found is { Line: not null } pair ? (pair.Line, pair.Line.Original.With(pair.Numbers)) : null;
    }

    // The lines that have a name of the original, and the stored names that they give; null for what isn't stored.
    internal IEnumerable<(WeightLine Line, string? Stored)> OfOriginal(string name) =>
        Find(_byOriginal, name, line => line.Original).Select(pair => (pair.Line, pair.Line.Stored?.With(pair.Numbers)));

    internal static CheckpointLayout Parse(string word, string text)
    {
        List<WeightLine> lines = [];
        int number = 0;
        foreach (string line in text.Split('\n').Select(line => line.Trim()))
        {
            number++;
            if (line.Length == 0 || line[0] == '#' || (number == 1 && line == Version))
            {
                continue;
            }

            lines.AddRange(Line(word, number, line));
        }

        return new CheckpointLayout(word, lines);
    }

    private static CheckpointLayout Load(string word)
    {
        using Stream resource = Assembly.GetExecutingAssembly().GetManifestResourceStream($"{word}.weights")!;
        using StreamReader reader = new(resource);
        return Parse(word, reader.ReadToEnd());
    }

    private static IEnumerable<WeightLine> Line(string word, int number, string text)
    {
        string[] sides = text.Split(Arrow);
        int bracket = sides.Length == 2 ? sides[1].IndexOf('[', StringComparison.Ordinal) : -1;
        string note = bracket < 0 ? "" : sides[1][bracket..];
        string original = sides.Length != 2 ? throw Error(word, number, text) : bracket < 0 ? sides[1] : sides[1][..bracket].TrimEnd();
        (int part, int parts) = note is ['[', 'r', 'o', 'w', 's', ' ', char k, '/', char n, ']'] ? (k - '1', n - '0') : (0, 1);
        if (note is not ("" or "[read]" or "[zeros if absent]") && parts == 1)
        {
            throw Error(word, number, text);
        }

        foreach ((string left, string right) in Expanded(sides[0], original))
        {
            NamePattern? stored = left == "-" ? null : NamePattern.Parse(left, out _) ?? throw Error(word, number, text);
            NamePattern name = NamePattern.Parse(right, out _) ?? throw Error(word, number, text);
            yield return new WeightLine(number, stored, name, part, parts, note == "[read]", note == "[zeros if absent]");
        }
    }

    // Each choice of the first group, with each of the second, and so on; the same choice on both sides.
    private static IEnumerable<(string Left, string Right)> Expanded(string left, string right)
    {
        if (FirstGroup(right) is not { } group)
        {
            return [(left, right)];
        }

        string[] choices = right[(group.Start + 1)..group.End].Split('|');
        (int Start, int End)? other = FirstGroup(left);
        string[] lefts = other is { } at ? left[(at.Start + 1)..at.End].Split('|') : [.. choices.Select(_ => "")];
        return choices.Select((choice, index) => Expanded(
            other is { } o ? $"{left[..o.Start]}{lefts[index]}{left[(o.End + 1)..]}" : left,
            $"{right[..group.Start]}{choice}{right[(group.End + 1)..]}")).SelectMany(pair => pair);
    }

    private static (int Start, int End)? FirstGroup(string text)
    {
        int start = text.IndexOf('<', StringComparison.Ordinal);
        return start < 0 ? null : (start, text.IndexOf('>', start));
    }

    private static void Add(Dictionary<string, List<WeightLine>> lines, NamePattern name, WeightLine line)
    {
        if (!lines.TryGetValue(name.Skeleton, out List<WeightLine>? same))
        {
            lines.Add(name.Skeleton, same = []);
        }

        same.Add(line);
    }

    private static IEnumerable<(WeightLine Line, Dictionary<string, string> Numbers)> Find(
        Dictionary<string, List<WeightLine>> lines, string name, Func<WeightLine, NamePattern> side)
    {
        NamePattern pattern = NamePattern.OfName(name);
        foreach (WeightLine line in lines.GetValueOrDefault(pattern.Skeleton) ?? [])
        {
            if (side(line).Match(pattern) is { } numbers)
            {
                yield return (line, numbers);
            }
        }
    }

    private static InvalidOperationException Error(string word, int number, string text) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{word}.weights:{number}: '{text}'; expected 'stored -> original'."));
}
