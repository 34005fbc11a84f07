namespace DeformDetr.Oracle;

/// <summary>What numbers a case is filled with.</summary>
public enum LawNumbers
{
    /// <summary>Around zero, of the size of 1.</summary>
    Plain,

    /// <summary>Rows that hardly vary, where an epsilon and a variance show.</summary>
    NearlyConstant,

    /// <summary>Of the size of 10^8.</summary>
    Huge,

    /// <summary>Of the size of 10^-8.</summary>
    Tiny,

    /// <summary>Few different numbers, so that scores tie.</summary>
    Equal,
}

/// <summary>Where a case's points lie.</summary>
public enum LawPoints
{
    /// <summary>Anywhere inside.</summary>
    Inside,

    /// <summary>On centres of pixels.</summary>
    Centres,

    /// <summary>On the lines half-way between centres.</summary>
    HalfWay,

    /// <summary>On the map's edges and half a pixel inside them.</summary>
    Borders,

    /// <summary>Up to two pixels outside.</summary>
    Beyond,

    /// <summary>Far outside.</summary>
    Far,

    /// <summary>Each point another of these.</summary>
    Mixed,
}

/// <summary>Which part of a case's pictures is padding.</summary>
public enum LawMasks
{
    /// <summary>None.</summary>
    None,

    /// <summary>The right and the bottom, each picture another size.</summary>
    Ragged,

    /// <summary>All but one token of each level.</summary>
    AllButOne,
}

/// <summary>The kinds of numbers, points and padding in a case.</summary>
/// <param name="Numbers">What numbers.</param>
/// <param name="Points">Where points lie.</param>
/// <param name="Masks">What is padding.</param>
public readonly record struct LawFamily(LawNumbers Numbers, LawPoints Points, LawMasks Masks)
{
    /// <inheritdoc/>
    public override string ToString()
    {
        List<string> words = [];
        Add(Numbers != LawNumbers.Plain, $"{Numbers} numbers");
        Add(Points != LawPoints.Inside, $"points {Points}");
        Add(Masks != LawMasks.None, $"masks {Masks}");
        return string.Join(", ", words);

        void Add(bool said, string word)
        {
            if (said)
            {
                words.Add(word.ToLowerInvariant().Replace("nearlyconstant", "nearly constant", StringComparison.Ordinal)
                    .Replace("halfway", "half-way", StringComparison.Ordinal).Replace("allbutone", "all but one", StringComparison.Ordinal));
            }
        }
    }
}
