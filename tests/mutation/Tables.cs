using System.Globalization;
using System.Text;
using DeformDetr.Formats;
using DeformDetr.Laws;
using DeformDetr.Oracle;

namespace DeformDetr.Mutation;

// The parts of docs/laws.md that follow from the laws and from the results, between their marks.
internal static class Tables
{
    public static void Write(string root, IReadOnlyList<Mutant> mutants, Results results)
    {
        string path = Path.Combine(root, "docs", "laws.md");
        string text = File.ReadAllText(path);
        text = Between(text, "laws", Laws(mutants, results));
        text = Between(text, "kills", Kills(mutants, results));
        text = Between(text, "survivors", Survivors(mutants, results));
        AtomicFile.WriteAllText(path, text);
    }

    private static string Between(string text, string name, string inside)
    {
        (string begin, string end) = ($"<!-- {name}: written by tests/mutation -->\n", $"<!-- end of {name} -->");
        int from = text.IndexOf(begin, StringComparison.Ordinal);
        int to = text.IndexOf(end, StringComparison.Ordinal);
        return from < 0 || to < from
            ? throw new InvalidDataException($"docs/laws.md: no place for {name}; expected the marks '{begin.Trim()}' and '{end}'.")
            : $"{text[..(from + begin.Length)]}\n{inside}\n{text[to..]}";
    }

    private static string Laws(IReadOnlyList<Mutant> mutants, Results results)
    {
        StringBuilder table = new();
        foreach (IGrouping<string, Law> target in OwnLaws.All.GroupBy(law => law.Target))
        {
            table.Append(CultureInfo.InvariantCulture, $"### {target.Key}\n\n| law | in mathematics | in words | kills |\n|---|---|---|---|\n");
            foreach (Law law in target)
            {
                int kills = mutants.Count(mutant => results.Of(mutant)?.Laws.Contains(law.ToString()) ?? false);
                table.Append(CultureInfo.InvariantCulture, $"| `{law.Name}` | {Cell(law.Mathematics)} | {Cell(law.Words)} | {kills} |\n");
            }

            table.Append('\n');
        }

        return table.ToString().TrimEnd('\n') + "\n";
    }

    private static string Kills(IReadOnlyList<Mutant> mutants, Results results)
    {
        StringBuilder table = new("| planted in | faults | equivalent | killed by laws alone | killed by goldens alone | killed by either |\n|---|---|---|---|---|---|\n");
        foreach (IGrouping<string, Mutant> file in mutants.Where(results.Has).GroupBy(mutant => Path.GetFileNameWithoutExtension(mutant.File)))
        {
            Row(table, $"`{file.Key}`", [.. file], results);
        }

        Row(table, "**all**", [.. mutants.Where(results.Has)], results);
        return table.ToString();
    }

    private static void Row(StringBuilder table, string name, IReadOnlyList<Mutant> mutants, Results results)
    {
        Mutant[] real = [.. mutants.Where(mutant => mutant.Equivalent is null)];
        string Share(Func<Results.Noticed, bool> killed)
        {
            int count = real.Count(mutant => killed(results.Of(mutant)!));
            return real.Length == 0 ? "–" : string.Create(CultureInfo.InvariantCulture, $"{count} ({100.0 * count / real.Length:0.#} %)");
        }

        table.Append(
            CultureInfo.InvariantCulture,
            $"| {name} | {mutants.Count} | {mutants.Count - real.Length} | {Share(n => n.Laws.Count > 0)} | {Share(n => n.Goldens.Count > 0)} | {Share(n => n.Laws.Count + n.Goldens.Count > 0)} |\n");
    }

    private static string Survivors(IReadOnlyList<Mutant> mutants, Results results)
    {
        StringBuilder table = new("| fault | file | laws | goldens | why |\n|---|---|---|---|---|\n");
        foreach (Mutant mutant in mutants.Where(results.Has))
        {
            Results.Noticed noticed = results.Of(mutant)!;
            if (noticed.Laws.Count > 0 && noticed.Goldens.Count > 0)
            {
                continue;
            }

            table.Append(
                CultureInfo.InvariantCulture,
                $"| {Cell(mutant.What)} | `{Path.GetFileName(mutant.File)}` | {Word(noticed.Laws)} | {Word(noticed.Goldens)} | {Cell(mutant.Equivalent is { } why ? $"equivalent: {why}" : mutant.Survives ?? "")} |\n");
        }

        return table.ToString();
    }

    private static string Word(IReadOnlyList<string> noticed) => noticed.Count == 0 ? "survives" : "killed";

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
