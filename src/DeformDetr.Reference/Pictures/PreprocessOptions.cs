using System.Globalization;

namespace DeformDetr.Reference.Pictures;

/// <summary>To which size pictures are resized before the model sees them; the original's values by default.</summary>
public sealed record PreprocessOptions
{
    /// <summary>Options of the given sizes.</summary>
    /// <param name="Shortest">What the shorter side becomes, pixels.</param>
    /// <param name="Longest">What the longer side may be at most, pixels.</param>
    /// <exception cref="ArgumentException">A number below 1.</exception>
    public PreprocessOptions(int Shortest = 800, int Longest = 1333)
    {
        this.Shortest = Shortest;
        this.Longest = Longest;
    }

    /// <summary>What the shorter side becomes, pixels; less where the longer one would exceed <see cref="Longest"/>.</summary>
    /// <exception cref="ArgumentException">A number below 1.</exception>
    public int Shortest { get; init => field = AtLeastOne(value, nameof(Shortest)); }

    /// <summary>What the longer side may be at most, pixels.</summary>
    /// <exception cref="ArgumentException">A number below 1.</exception>
    public int Longest { get; init => field = AtLeastOne(value, nameof(Longest)); }

    private static int AtLeastOne(int value, string name) => value >= 1
        ? value
        : throw new ArgumentException(
            string.Create(CultureInfo.InvariantCulture, $"preprocess: {name} holds {value}; expected >= 1."), name);
}
