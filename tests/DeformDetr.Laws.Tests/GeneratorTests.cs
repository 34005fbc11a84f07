using DeformDetr.Oracle;

namespace DeformDetr.Laws.Tests;

/// <summary>The cases that laws are tried on: enough of them, of every kind, and small ones when they shrink.</summary>
public class GeneratorTests
{
    [Fact]
    public void The_ordinary_run_tries_at_least_20_000_cases() => Assert.True(OwnLaws.All.Sum(OwnLaws.CasesOf) >= 20_000, $"{OwnLaws.All.Sum(OwnLaws.CasesOf)}");

    [Theory]
    [InlineData("ms_deform_attn_core", true, false)]
    [InlineData("ms_deform_attn", false, true)]
    [InlineData("transformer", false, true)]
    public void No_class_where_bugs_live_is_empty(string target, bool points, bool masks)
    {
        Dictionary<string, int> counts = LawClasses.All.Where(name => LawClasses.Concerns(target, name)).ToDictionary(name => name, _ => 0, StringComparer.Ordinal);
        Assert.Equal(points, counts.ContainsKey("a point far outside"));
        Assert.Equal(masks, counts.ContainsKey("all but one masked"));
        foreach (Law law in LawSuite.Of(target))
        {
            for (int seed = 0; seed < 40 / law.Cost; seed++)
            {
                LawCase drawn = law.Space.Draw(seed);
                foreach (string name in LawClasses.Of(drawn, law.Trial(drawn).Inputs[0]).Where(counts.ContainsKey))
                {
                    counts[name]++;
                }
            }
        }

        Assert.All(counts, pair => Assert.True(pair.Value >= 5, $"{pair.Key}: {pair.Value} cases"));
    }

    [Fact]
    public void Cases_follow_from_their_seed_and_shrink_to_the_end()
    {
        foreach (Law law in LawSuite.All)
        {
            Assert.Equal(law.Space.Draw(7).ToString(), law.Space.Draw(7).ToString());
            LawCase smallest = law.Space.Draw(12345);
            for (int steps = 0; law.Space.Shrink(smallest).FirstOrDefault() is { } smaller; steps++)
            {
                Assert.True(steps < 1000, $"{law} shrinks for ever: {smallest}");
                Assert.NotEqual(smaller.ToString(), smallest.ToString());
                smallest = smaller;
            }
        }
    }

    [Fact]
    public void Names_of_laws_are_unique() => Assert.Equal(OwnLaws.All.Count, OwnLaws.All.Select(law => law.ToString()).Distinct().Count());
}
