using System.Text;

namespace DeformDetr.Oracle;

/// <summary>Lines of a map by one of their two names: found without trying all of them, however many there are.</summary>
/// <param name="of">The name of a line.</param>
internal sealed class PatternIndex(Func<MapLine, NamePattern> of)
{
    // By skeleton; then by which slots are free; then by what the other slots hold.
    private readonly Dictionary<string, Dictionary<string, Dictionary<string, List<MapLine>>>> _lines = new(StringComparer.Ordinal);

    /// <summary>Takes a line in.</summary>
    public void Add(MapLine line)
    {
        NamePattern pattern = of(line);
        string free = string.Create(pattern.Free.Count, pattern.Free, (text, slots) =>
        {
            for (int slot = 0; slot < text.Length; slot++)
            {
                text[slot] = slots[slot] ? '1' : '0';
            }
        });
        Dictionary<string, Dictionary<string, List<MapLine>>> kinds = Inner(_lines, pattern.Skeleton);
        Dictionary<string, List<MapLine>> kind = Inner(kinds, free);
        string held = Held(pattern, free);
        if (!kind.TryGetValue(held, out List<MapLine>? same))
        {
            kind.Add(held, same = []);
        }

        same.Add(line);
    }

    /// <summary>The lines that a name fits.</summary>
    public IEnumerable<(MapLine Line, Dictionary<string, string> Numbers)> Find(NamePattern name)
    {
        if (!_lines.TryGetValue(name.Skeleton, out Dictionary<string, Dictionary<string, List<MapLine>>>? kinds))
        {
            yield break;
        }

        foreach ((string free, Dictionary<string, List<MapLine>> kind) in kinds)
        {
            foreach (MapLine line in kind.GetValueOrDefault(Held(name, free)) ?? [])
            {
                yield return (line, of(line).Match(name)!);
            }
        }
    }

    /// <summary>Two lines that fit one name although they may not, the earlier one first; null where there are none.</summary>
    /// <param name="allowed">Whether two lines may.</param>
    public (MapLine Earlier, MapLine Later)? Overlap(Func<MapLine, MapLine, bool> allowed)
    {
        foreach (Dictionary<string, Dictionary<string, List<MapLine>>> kinds in _lines.Values)
        {
            string[] masks = [.. kinds.Keys];
            for (int one = 0; one < masks.Length; one++)
            {
                foreach (List<MapLine> same in kinds[masks[one]].Values)
                {
                    for (int later = 1; later < same.Count; later++)
                    {
                        if (!allowed(same[0], same[later]))
                        {
                            return (same[0], same[later]);
                        }
                    }
                }

                for (int other = one + 1; other < masks.Length; other++)
                {
                    if (Overlap(kinds, masks[one], masks[other], allowed) is { } pair)
                    {
                        return pair;
                    }
                }
            }
        }

        return null;
    }

    // Patterns of two kinds fit one name exactly if they agree where neither is free.
    private (MapLine Earlier, MapLine Later)? Overlap(
        Dictionary<string, Dictionary<string, List<MapLine>>> kinds, string one, string other, Func<MapLine, MapLine, bool> allowed)
    {
        string either = string.Concat(one.Zip(other, (a, b) => a == '1' || b == '1' ? '1' : '0'));
        Dictionary<string, MapLine> seen = new(StringComparer.Ordinal);
        foreach (MapLine line in kinds[one].Values.SelectMany(lines => lines))
        {
            seen.TryAdd(Held(of(line), either), line);
        }

        foreach (MapLine line in kinds[other].Values.SelectMany(lines => lines))
        {
            if (seen.TryGetValue(Held(of(line), either), out MapLine? match) && !allowed(match, line))
            {
                return match.Number < line.Number ? (match, line) : (line, match);
            }
        }

        return null;
    }

    // What a pattern holds in the slots that are not free.
    private static string Held(NamePattern pattern, string free)
    {
        if (free.Length == 1)
        {
            return free == "0" ? pattern.Slots[0] : "";
        }

        StringBuilder held = new();
        for (int slot = 0; slot < free.Length; slot++)
        {
            if (free[slot] == '0')
            {
                held.Append(pattern.Slots[slot]).Append(',');
            }
        }

        return held.ToString();
    }

    private static TInner Inner<TInner>(Dictionary<string, TInner> outer, string key)
        where TInner : class, new()
    {
        if (!outer.TryGetValue(key, out TInner? inner))
        {
            outer.Add(key, inner = new TInner());
        }

        return inner;
    }
}
