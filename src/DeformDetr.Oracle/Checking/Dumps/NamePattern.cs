using System.Text;

namespace DeformDetr.Oracle;

/// <summary>A tensor's name in a map, with {i} in the place of whole numbers.</summary>
internal sealed class NamePattern
{
    // What stands in a skeleton for a run of digits, or for a name in braces.
    private const char Slot = '\0';

    private NamePattern(string text, string skeleton, string[] slots, bool[] free)
    {
        Text = text;
        Skeleton = skeleton;
        Slots = slots;
        Free = free;
    }

    /// <summary>As it stands in the map.</summary>
    public string Text { get; }

    /// <summary>The text without its numbers: two patterns can mean one name only if these are equal.</summary>
    public string Skeleton { get; }

    /// <summary>Each number, or the name that stands for one.</summary>
    public IReadOnlyList<string> Slots { get; }

    /// <summary>Which slots hold a name.</summary>
    public IReadOnlyList<bool> Free { get; }

    /// <summary>The names in braces.</summary>
    public IEnumerable<string> Variables => Slots.Where((_, slot) => Free[slot]);

    /// <summary>A name of a tensor: its digits are meant as they are, and braces too.</summary>
    public static NamePattern OfName(string name) => Read(name, false, out _)!;

    /// <summary>A pattern; null and a fault where it is none.</summary>
    public static NamePattern? Parse(string text, out string? fault) => Read(text, true, out fault);

    /// <summary>The numbers for this pattern's names that give a name of the same skeleton; null where it doesn't fit.</summary>
    public Dictionary<string, string>? Match(NamePattern name)
    {
        Dictionary<string, string> numbers = new(StringComparer.Ordinal);
        for (int slot = 0; slot < Slots.Count; slot++)
        {
            if (Free[slot])
            {
                numbers.Add(Slots[slot], name.Slots[slot]);
            }
            else if (Slots[slot] != name.Slots[slot])
            {
                return null;
            }
        }

        return numbers;
    }

    /// <summary>The name with numbers in the place of names in braces.</summary>
    public string With(IReadOnlyDictionary<string, string> numbers)
    {
        StringBuilder name = new(Text.Length);
        int slot = 0;
        foreach (char character in Skeleton)
        {
            if (character != Slot)
            {
                name.Append(character);
                continue;
            }

            name.Append(Free[slot] ? numbers[Slots[slot]] : Slots[slot]);
            slot++;
        }

        return name.ToString();
    }

    private static NamePattern? Read(string text, bool braces, out string? fault)
    {
        StringBuilder skeleton = new(text.Length);
        List<string> slots = [];
        List<bool> free = [];
        for (int index = 0; index < text.Length;)
        {
            int start = index;
            if (char.IsAsciiDigit(text[index]) || (braces && text[index] == '{'))
            {
                if (skeleton.Length > 0 && skeleton[^1] == Slot)
                {
                    fault = "has a name in braces beside a digit or another one";
                    return null;
                }

                bool named = text[index] == '{';
                index = named ? text.IndexOf('}', index) + 1 : End(text, index);
                string slot = named ? text[(start + 1)..Math.Max(start + 1, index - 1)] : text[start..index];
                if (named && !IsVariable(slot))
                {
                    fault = "has braces around what is not a name";
                    return null;
                }

                if (named && slots.Where((other, at) => free[at] && other == slot).Any())
                {
                    fault = $"has {{{slot}}} twice";
                    return null;
                }

                slots.Add(slot);
                free.Add(named);
                skeleton.Append(Slot);
            }
            else if (braces && text[index] is '}' or '\0')
            {
                fault = text[index] == '}' ? "has a closing brace alone" : "has a zero character";
                return null;
            }
            else
            {
                skeleton.Append(text[index++]);
            }
        }

        fault = null;
        return new NamePattern(text, skeleton.ToString(), [.. slots], [.. free]);
    }

    private static int End(string text, int start)
    {
        int end = start;
        while (end < text.Length && char.IsAsciiDigit(text[end]))
        {
            end++;
        }

        return end;
    }

    public static bool IsVariable(string text) =>
        text.Length > 0 && char.IsAsciiLetter(text[0]) && text.All(character => char.IsAsciiLetterOrDigit(character) || character == '_');
}
