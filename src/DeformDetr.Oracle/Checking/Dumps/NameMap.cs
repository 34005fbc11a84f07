using System.Globalization;
using System.Reflection;
using System.Text;

namespace DeformDetr.Oracle;

/// <summary>
/// Which tensor of a dump is which of the contract, and in which layout. A text file: its first line says <c>deform-detr-map/1</c>; every
/// other is <c>port.name -> contract.name</c>, or <c>port.name -> -</c> for what has no counterpart. <c>{i}</c> in both names stands for
/// any whole number. What follows in brackets brings the port's tensor into the contract's layout, in the order in which it is written:
/// <c>[axes 0 2 3 1]</c> (axis k of the result is the named one of the tensor), <c>[slice 1 0:3]</c>, <c>[slice 1 {i}]</c> (one index;
/// the axis goes), <c>[shape 2,193,8,-1]</c>, <c>[shape expected]</c> (neighbouring axes split or merged into the contract's shape).
/// # begins a comment at the start of a line or after a space. A name of the dump that no line has stands for itself, unless the map
/// has found another tensor for it.
/// </summary>
public sealed class NameMap
{
    internal const string Version = "deform-detr-map/1";

    private const string Arrow = " -> ";
    private const int MostBytes = 1 << 26;
    private const int MostShown = 120;

    /// <summary>Maps that come with the program.</summary>
    public static IReadOnlyList<string> Words { get; } = ["huggingface", "mmdetection", "detrex", "original"];

    private readonly PatternIndex _byContract = new(line => line.Contract!);
    private readonly PatternIndex _byPort = new(line => line.Port);

    private NameMap(string path, IReadOnlyList<MapLine> lines)
    {
        Path = path;
        Lines = lines;
        foreach (MapLine line in lines)
        {
            _byPort.Add(line);
            if (line.Contract is not null)
            {
                _byContract.Add(line);
            }
        }

        if (_byContract.Overlap((_, _) => false) is { } twice)
        {
            throw Error(
                path, twice.Later.Number, $"gives {Quote(twice.Later.Contract!.Text)} a second tensor",
                At("one line for each name; line", twice.Earlier.Number, $"has {Quote(twice.Earlier.Contract!.Text)}"));
        }

        // Parts of one tensor may be several of the contract's.
        if (_byPort.Overlap((one, other) => one.IsPart && other.IsPart && !one.Steps.SequenceEqual(other.Steps)) is { } both)
        {
            throw Error(
                path, both.Later.Number, $"has {Quote(both.Later.Port.Text)} a second time",
                At(
                    "one line for each tensor of the dump, or slices of it; line", both.Earlier.Number,
                    $"has {Quote(both.Earlier.Port.Text)}"));
        }
    }

    /// <summary>The file, or the word of a map that comes with this program.</summary>
    public string Path { get; }

    internal IReadOnlyList<MapLine> Lines { get; }

    /// <summary>A map that comes with this program, by its word (huggingface, mmdetection, detrex, original), or a file.</summary>
    /// <param name="wordOrPath">The word, or the file.</param>
    /// <exception cref="InvalidDataException">Not such a file, or two lines for one name; file and line named.</exception>
    /// <exception cref="IOException">The file doesn't exist or can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">No permission to read the file.</exception>
    public static NameMap Load(string wordOrPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(wordOrPath);
        if (Words.Contains(wordOrPath))
        {
            using Stream resource = Assembly.GetExecutingAssembly().GetManifestResourceStream($"{wordOrPath}.map")!;
            return Parse(wordOrPath, Text(wordOrPath, resource));
        }

        if (!File.Exists(wordOrPath))
        {
            throw new FileNotFoundException(
                $"{wordOrPath}: no such file; expected a map's path or one of {string.Join(", ", Words)}.", wordOrPath);
        }

        using FileStream stream = File.OpenRead(wordOrPath);
        return Parse(wordOrPath, Text(wordOrPath, stream));
    }

    /// <summary>A map from its text.</summary>
    /// <param name="path">What errors call it.</param>
    /// <param name="text">The text; lines end in a line feed, or a carriage return and a line feed.</param>
    /// <exception cref="InvalidDataException">Not a map, or two lines for one name; <paramref name="path"/> and line named.</exception>
    public static NameMap Parse(string path, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<MapLine> lines = [];
        int number = 0;
        bool begun = false;
        foreach (ReadOnlySpan<char> raw in text.AsSpan().EnumerateLines())
        {
            number++;
            string line = WithoutComment(raw);
            if (line.Length == 0)
            {
                continue;
            }

            if (!begun)
            {
                begun = line == Version ? true : throw Error(path, number, $"holds {Quote(line)}", $"'{Version}' before anything else");
                continue;
            }

            lines.Add(Line(path, number, line));
        }

        return begun ? new NameMap(path, lines) : throw Error(path, 1, "holds nothing", $"'{Version}'");
    }

    /// <summary>The map as a file would hold it, without comments.</summary>
    public string ToText()
    {
        StringBuilder text = new(Version);
        foreach (MapLine line in Lines)
        {
            text.Append('\n').Append(line.Text);
        }

        return text.Append('\n').ToString();
    }

    // The line for a name of the contract, and the dump's name that it gives.
    internal (MapLine Line, string PortName, IReadOnlyDictionary<string, string> Numbers)? OfContract(string name)
    {
        foreach ((MapLine line, Dictionary<string, string> numbers) in _byContract.Find(NamePattern.OfName(name)))
        {
            return (line, line.Port.With(numbers), numbers);
        }

        return null;
    }

    // Whether any line has this name of a dump, and whether it is left out.
    internal (bool Known, bool LeftOut) OfPort(string name)
    {
        bool known = false;
        foreach ((MapLine line, _) in _byPort.Find(NamePattern.OfName(name)))
        {
            known = true;
            if (line.Contract is null)
            {
                return (true, true);
            }
        }

        return (known, false);
    }

    private static string Text(string path, Stream stream)
    {
        if (stream.Length > MostBytes)
        {
            throw new InvalidDataException(
                FormattableString.Invariant($"{path}: holds {stream.Length} bytes; expected a map of at most {MostBytes}."));
        }

        try
        {
            UTF8Encoding strict = new(true, throwOnInvalidBytes: true);
            using StreamReader reader = new(stream, strict, detectEncodingFromByteOrderMarks: false);
            return reader.ReadToEnd().TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            throw new InvalidDataException($"{path}: holds bytes that are not UTF-8; expected a map in UTF-8.");
        }
    }

    private static string WithoutComment(ReadOnlySpan<char> line)
    {
        for (int index = 0; index < line.Length; index++)
        {
            if (line[index] == '#' && (index == 0 || char.IsWhiteSpace(line[index - 1])))
            {
                line = line[..index];
            }
        }

        return line.Trim().ToString();
    }

    private static MapLine Line(string path, int number, string line)
    {
        int arrow = line.IndexOf(Arrow, StringComparison.Ordinal);
        if (arrow < 0)
        {
            throw Error(path, number, $"holds {Quote(line)}", "'port.name -> contract.name'");
        }

        string right = line[(arrow + Arrow.Length)..].Trim();
        int end = right.IndexOfAny([' ', '\t']);
        string contractText = end < 0 ? right : right[..end];
        NamePattern port = Pattern(path, number, line[..arrow].Trim());
        List<LayoutStep> steps = [.. StepsOf(path, number, end < 0 ? "" : right[end..].Trim())];
        if (contractText == "-")
        {
            return steps.Count == 0
                ? new MapLine(number, port, null, steps)
                : throw Error(path, number, $"has [{steps[0].Text}] for what is left out", "nothing after '-'");
        }

        NamePattern contract = Pattern(path, number, contractText);
        if (!line.Contains('{', StringComparison.Ordinal))
        {
            return new MapLine(number, port, contract, steps);
        }

        string[] sliced = [.. steps.SelectMany(step => step.Variables)];
        foreach (string name in port.Variables.Concat(sliced).Where(name => !contract.Variables.Contains(name)))
        {
            throw Error(path, number, $"has {{{name}}} which {Quote(contractText)} doesn't have", "the same names in braces on both sides");
        }

        foreach (string name in contract.Variables.Where(name => !port.Variables.Contains(name) && !sliced.Contains(name)))
        {
            throw Error(path, number, $"has {{{name}}} only in {Quote(contractText)}", "it in the dump's name or a slice too");
        }

        return new MapLine(number, port, contract, steps);
    }

    private static NamePattern Pattern(string path, int number, string text) =>
        text.Length == 0 ? throw Error(path, number, "has no name on one side of ->", "'port.name -> contract.name'")
        : NamePattern.Parse(text, out string? fault)
            ?? throw Error(path, number, $"{fault}: {Quote(text)}", "names such as layers.{i}.norm1");

    private static IEnumerable<LayoutStep> StepsOf(string path, int number, string text)
    {
        while (text.Length > 0)
        {
            int end = text.IndexOf(']', StringComparison.Ordinal);
            if (text[0] != '[' || end < 0)
            {
                throw Error(path, number, $"has {Quote(text)} after the names", "[axes …], [slice …] or [shape …]");
            }

            string inside = text[1..end];
            yield return Step(inside.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries))
                ?? throw Error(
                    path, number, $"has {Quote($"[{inside}]")}",
                    "such as [axes 0 2 1], [slice 0 2:4], [slice 0 {i}], [shape 2,-1,256] or [shape expected]");
            text = text[(end + 1)..].Trim();
        }
    }

    private static LayoutStep? Step(string[] words)
    {
        switch (words)
        {
            case ["axes", .. string[] axes]:
                List<int>? order = Numbers(axes);
                bool each = order is { Count: > 0 } && order.Order().SequenceEqual(Enumerable.Range(0, order.Count));
                return each ? new AxesStep(order!) : null;
            case ["shape", "expected"]:
                return new ShapeStep(null);
            case ["shape", string shape]:
                List<int>? sizes = Numbers(shape.Split(','), -1);
                return sizes is not null && sizes.Count(size => size < 0) <= 1 ? new ShapeStep(sizes) : null;
            case ["slice", string axis, string range]:
                string[] ends = range.Split(':');
                return ends.Length <= 2 && Number(axis) is { Variable: null } on && Number(ends[0]) is { } start
                    && (ends.Length == 1 || Number(ends[1]) is not null)
                    ? new SliceStep(on.Value, start, ends.Length == 1 ? null : Number(ends[1]))
                    : null;
            default:
                return null;
        }
    }

    private static List<int>? Numbers(string[] words, int least = 0)
    {
        List<int> numbers = [];
        foreach (string word in words)
        {
            if (!int.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) || number < least)
            {
                return null;
            }

            numbers.Add(number);
        }

        return numbers;
    }

    private static MapNumber? Number(string word) =>
        word is ['{', .. string name, '}'] && NamePattern.IsVariable(name) ? new MapNumber(0, name)
        : int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < int.MaxValue
            ? new MapNumber(number, null)
        : null;

    private static string At(string before, int number, string after) =>
        string.Create(CultureInfo.InvariantCulture, $"{before} {number} {after}");

    private static string Quote(string text) => text.Length <= MostShown ? $"'{text}'" : $"'{text[..MostShown]}…'";

    private static InvalidDataException Error(string path, int number, string what, string expected) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{path}:{number}: {SafeText.OneLine(what)}; expected {SafeText.OneLine(expected)}."));
}
