using System.Text.RegularExpressions;

namespace DeformDetr.Oracle.Tests.Documentation;

/// <summary>The repository's texts, read where they lie.</summary>
internal static class Texts
{
    public static readonly string[] Names = ["README.md", "docs/walkthrough.md", "docs/shapes.md", "docs/numerics.md", "docs/oracle.md", "docs/pictures.md"];

    public static string Read(string name) => File.ReadAllText(Path.Combine(RepositoryFiles.Root, name));

    public static string[] Lines(string name) => File.ReadAllLines(Path.Combine(RepositoryFiles.Root, name));

    // Faults, one a line and none cut short.
    public static void RequireNone(IEnumerable<string> faults)
    {
        string[] all = [.. faults];
        Assert.True(all.Length == 0, $"{all.Length} faults:\n{string.Join('\n', all)}");
    }

    // What stands between backticks on one line, code blocks left out.
    public static IEnumerable<string> Code(string name)
    {
        bool block = false;
        foreach (string line in Lines(name))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                block = !block;
            }
            else if (!block)
            {
                foreach (Match match in Regex.Matches(line, "`([^`]+)`"))
                {
                    yield return match.Groups[1].Value;
                }
            }
        }
    }

    // The lines of code blocks, each with the words behind the opening fence.
    public static IEnumerable<(string Fence, string Line)> Blocks(string name)
    {
        string? fence = null;
        foreach (string line in Lines(name))
        {
            if (line.StartsWith("```", StringComparison.Ordinal))
            {
                fence = fence is null ? line[3..] : null;
            }
            else if (fence is not null)
            {
                yield return (fence, line);
            }
        }
    }

    // Cells of the table rows below a heading (of any level) up to the next heading.
    public static IEnumerable<string[]> Rows(string name, string heading)
    {
        bool inside = false;
        foreach (string line in Lines(name))
        {
            if (line.StartsWith('#'))
            {
                inside = line.TrimStart('#').Trim() == heading;
            }
            else if (inside && line.StartsWith('|') && !line.StartsWith("|---", StringComparison.Ordinal))
            {
                yield return [.. line.Trim('|').Split('|').Select(cell => cell.Trim())];
            }
        }
    }
}
