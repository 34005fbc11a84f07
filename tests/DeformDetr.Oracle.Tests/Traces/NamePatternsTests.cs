namespace DeformDetr.Oracle.Tests.Traces;

/// <summary>Patterns of names.</summary>
public class NamePatternsTests
{
    [Theory]
    [InlineData("*", "transformer.memory", true)]
    [InlineData("transformer.*", "transformer.encoder.layers.0", true)]
    [InlineData("*.sampling_locations", "transformer.encoder.layers.0.self_attn.sampling_locations", true)]
    [InlineData("transformer.memory", "transformer.memory", true)]
    [InlineData("transformer.memor", "transformer.memory", false)]
    [InlineData("memory", "transformer.memory", false)]
    [InlineData("hs.?", "hs.5", true)]
    [InlineData("hs.?", "hs.15", false)]
    [InlineData("hs.??", "hs.15", true)]
    [InlineData("*a*b*", "xxaybz", true)]
    [InlineData("*a*b*", "xxbyaz", false)]
    [InlineData("a.b", "axb", false)]
    [InlineData("", "", true)]
    [InlineData("**", "", true)]
    public void A_pattern_fits_the_whole_name_or_not(string pattern, string name, bool fits) => Assert.Equal(fits, new NamePatterns([pattern]).Match(name));

    [Fact]
    public void No_pattern_takes_every_name() => Assert.True(new NamePatterns([]).Match("anything"));

    [Fact]
    public void A_pattern_that_never_fitted_is_told()
    {
        NamePatterns patterns = new(["hs.*", "nothing.*"]);
        Assert.True(patterns.Match("hs.0"));
        Assert.Equal(["nothing.*"], patterns.Unmatched);
    }
}
