namespace DeformDetr.Oracle;

/// <summary>Patterns of tensor names: * is any run of characters, dots too, ? is one; the whole name must match.</summary>
/// <param name="patterns">The patterns; none takes every name.</param>
public sealed class NamePatterns(IReadOnlyList<string> patterns)
{
    private readonly bool[] _matched = new bool[patterns.Count];

    /// <summary>Patterns that no name matched so far.</summary>
    public IEnumerable<string> Unmatched => patterns.Where((_, index) => !_matched[index]);

    /// <summary>Whether a name fits one of the patterns.</summary>
    /// <param name="name">The whole name.</param>
    public bool Match(string name)
    {
        bool any = patterns.Count == 0;
        for (int index = 0; index < patterns.Count; index++)
        {
            if (Fits(patterns[index], name))
            {
                _matched[index] = true;
                any = true;
            }
        }

        return any;
    }

    // Greedy with one place to come back to: linear in practice, quadratic at worst.
    private static bool Fits(string pattern, string name)
    {
        int p = 0;
        int star = -1;
        int back = 0;
        for (int n = 0; n < name.Length;)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                back = n;
            }
            else if (p < pattern.Length && (pattern[p] == '?' || pattern[p] == name[n]))
            {
                p++;
                n++;
            }
            else if (star >= 0)
            {
                p = star + 1;
                n = ++back;
            }
            else
            {
                return false;
            }
        }

        return pattern.AsSpan(p).IndexOfAnyExcept('*') < 0;
    }
}
