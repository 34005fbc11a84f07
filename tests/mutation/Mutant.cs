namespace DeformDetr.Mutation;

// A small fault: a piece of source text and what stands there instead. Where a text stands in a file more than once, it says which one is meant.
internal sealed record Mutant(int Number, string File, int Occurrence, string Old, string New, string What, string? Equivalent, string? Survives)
{
    // The project that is compiled again.
    public string Project => File.Split('/')[1];

    // A file of faults: '# what', '@ file', '- old', '+ new'; '= why' where the fault changes nothing that anybody could see, and '~ why'
    // where the laws or the goldens alone don't see it.
    public static IReadOnlyList<Mutant> Read(string path)
    {
        List<Mutant> mutants = [];
        (string what, string file, int occurrence, string old, string? changed, string? equivalent, string? survives) = ("", "", 1, "", null, null, null);
        foreach (string line in System.IO.File.ReadLines(path).Append("# end"))
        {
            string rest = line.Length > 2 ? line[2..] : "";
            switch (line.Length == 0 ? ' ' : line[0])
            {
                case '#':
                    if (changed is not null)
                    {
                        mutants.Add(new Mutant(mutants.Count + 1, file, occurrence, old, changed, what, equivalent, survives));
                    }

                    (what, changed, equivalent, survives) = (rest, null, null, null);
                    break;
                case '@':
                    string[] words = rest.Split(' ');
                    (file, occurrence) = ($"src/{words[0]}", words.Length > 1 ? int.Parse(words[1], System.Globalization.CultureInfo.InvariantCulture) : 1);
                    break;
                case '-': old = rest; break;
                case '+': changed = rest; break;
                case '=': equivalent = rest; break;
                case '~': survives = rest; break;
            }
        }

        return mutants;
    }

    // The source with the fault in it.
    public string Plant(string source)
    {
        int at = -1;
        for (int found = 0; found < Occurrence; found++)
        {
            at = source.IndexOf(Old, at + 1, StringComparison.Ordinal);
            if (at < 0)
            {
                throw new InvalidDataException($"mutant {Number}: '{Old}' is not in {File} {Occurrence} times; expected the text of the source.");
            }
        }

        return Occurrence == 1 && source.IndexOf(Old, at + 1, StringComparison.Ordinal) >= 0
            ? throw new InvalidDataException($"mutant {Number}: '{Old}' is in {File} more than once; expected to be told which is meant.")
            : $"{source[..at]}{New}{source[(at + Old.Length)..]}";
    }
}
