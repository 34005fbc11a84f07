using System.Globalization;
using System.Text.RegularExpressions;

namespace DeformDetr.Oracle.Tests.Checking.Reports;

/// <summary>Letters can be read on what they stand on: WCAG's contrast of 4.5, in both schemes.</summary>
public class CheckPageColoursTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Inks_stand_out_from_papers(int scheme)
    {
        string css = File.ReadAllText(Path.Combine(RepositoryFiles.Root, "src/DeformDetr.Oracle/Checking/Reports/CheckPage.css"));
        MatchCollection blocks = Regex.Matches(css, @":root \{(.*?)\}", RegexOptions.Singleline);
        Dictionary<string, string> colours = Regex.Matches(blocks[scheme].Groups[1].Value, "--([a-z-]+): #([0-9a-f]{6})")
            .ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        (string Ink, string[] Papers)[] uses =
        [
            ("ink", ["paper", "card", "shade", "bad-paper", "good-paper", "odd-paper"]),
            ("soft", ["paper", "card", "shade", "bad-paper", "good-paper", "odd-paper"]),
            ("link", ["paper", "card", "shade", "bad-paper"]),
            ("bad", ["paper", "card", "bad-paper"]),
            ("good", ["paper", "card", "good-paper"]),
            ("odd", ["paper", "card", "odd-paper", "bad-paper"]),
        ];
        string[] faint =
        [
            .. from use in uses
               from paper in use.Papers
               let contrast = Contrast(colours[use.Ink], colours[paper])
               where !(contrast >= 4.5)
               select string.Create(CultureInfo.InvariantCulture, $"{use.Ink} on {paper}: {contrast:0.00}"),
        ];
        Assert.Empty(faint);
    }

    [Fact]
    public void Numbers_can_be_read_on_every_colour_of_the_scale()
    {
        for (double error = 1.0 / 64; error < 1e5; error *= 1.07)
        {
            (byte Red, byte Green, byte Blue) colour = ErrorColours.Of(error, 1e4);
            Assert.InRange(Contrast(ErrorColours.Css(colour)[1..], ErrorColours.Ink(colour)[1..]), 4.5, 21);
        }
    }

    [Fact]
    public void What_is_beyond_the_noise_is_brighter_the_larger_it_is_and_never_has_a_colour_of_what_is_within()
    {
        HashSet<string> within = [.. Enumerable.Range(0, 2000).Select(step => ErrorColours.Css(ErrorColours.Of(step / 1999.0, 1e4)))];
        double last = 0;
        for (double error = 1.0000001; error < 1e4; error *= 1.05)
        {
            string colour = ErrorColours.Css(ErrorColours.Of(error, 1e4));
            Assert.DoesNotContain(colour, within);
            Assert.InRange(Luminance(colour[1..]), last, 1);
            last = Luminance(colour[1..]);
        }

        Assert.DoesNotContain(ErrorColours.Css(ErrorColours.Of(double.NaN, 1e4)), within);
        Assert.Equal(ErrorColours.Of(1e4, 1e4), ErrorColours.Of(double.PositiveInfinity, 1e4));
    }

    private static double Contrast(string one, string other)
    {
        (double low, double high) = (Math.Min(Luminance(one), Luminance(other)), Math.Max(Luminance(one), Luminance(other)));
        return (high + 0.05) / (low + 0.05);
    }

    private static double Luminance(string hex)
    {
        double Part(int at)
        {
            double share = int.Parse(hex.AsSpan(at, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture) / 255.0;
            return share <= 0.03928 ? share / 12.92 : DeformDetr.Tensors.Numerics.Elementary.Pow((share + 0.055) / 1.055, 2.4);
        }

        return (0.2126 * Part(0)) + (0.7152 * Part(2)) + (0.0722 * Part(4));
    }
}
