using System.Text;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;

namespace DeformDetr.Oracle.Tests.Checking.Reports;

/// <summary>The page.</summary>
public class CheckHtmlTests
{
    private static readonly XNamespace Html = "http://www.w3.org/1999/xhtml";

    public static TheoryData<string> Samples => [.. SampleReports.All.Keys];

    [Theory]
    [MemberData(nameof(Samples))]
    public void It_is_well_formed_and_loads_nothing(string sample)
    {
        XDocument page = Page(SampleReports.All[sample]());
        foreach (XAttribute attribute in page.Descendants().Attributes())
        {
            string name = attribute.Name.LocalName;
            Assert.False(name.StartsWith("on", StringComparison.OrdinalIgnoreCase), attribute.ToString());
            Assert.True(name != "src" || attribute.Value.StartsWith("data:image/png;base64,", StringComparison.Ordinal), attribute.ToString());
            Assert.True(name != "href" || attribute.Value.StartsWith('#') || (attribute.Value.StartsWith("https://", StringComparison.Ordinal) && attribute.Parent!.Name == Html + "a"), attribute.ToString());
        }

        Assert.Single(page.Descendants(Html + "script"));
        Assert.Empty(page.Descendants(Html + "link"));
        Assert.DoesNotContain("url(", page.Descendants(Html + "style").Single().Value, StringComparison.Ordinal);
        Assert.DoesNotContain("@import", page.Descendants(Html + "style").Single().Value, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void Ids_are_unique_and_every_link_into_the_page_leads_somewhere(string sample)
    {
        XDocument page = Page(SampleReports.All[sample]());
        string[] ids = [.. page.Descendants().Attributes("id").Select(id => id.Value)];
        Assert.Equal(ids.Distinct(), ids);
        string[] references =
        [
            .. page.Descendants().Attributes("href").Where(link => link.Value.StartsWith('#')).Select(link => link.Value[1..]),
            .. page.Descendants().Attributes().Where(each => each.Name.LocalName is "aria-labelledby" or "aria-controls" or "for").Select(each => each.Value),
        ];
        Assert.Empty(references.Except(ids));
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void Every_step_has_a_row_and_every_wrong_one_its_part(string sample)
    {
        CheckReport report = SampleReports.All[sample]();
        XDocument page = Page(report);
        XElement[] rows = [.. page.Descendants(Html + "tr").Where(row => HasClass(row, "row"))];
        Assert.Equal(report.Tensors.Select(tensor => tensor.Status.ToString().ToLowerInvariant()), rows.Select(row => row.Attribute("class")!.Value["row ".Length..]));
        Assert.Equal(report.Tensors.Select(tensor => SafeText.OneLine(tensor.Name)), rows.Select(row => row.Element(Html + "th")!.Descendants(Html + "code").First().Value));
        Assert.Equal(report.WrongSteps.Count(), page.Descendants().Count(each => HasClass(each, "step")));
        Assert.Contains(CheckText.Coverage(report), page.Descendants(Html + "header").Single().Value, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void Tables_have_headers_and_pictures_have_words(string sample)
    {
        XDocument page = Page(SampleReports.All[sample]());
        Assert.All(page.Descendants(Html + "th"), cell => Assert.NotNull(cell.Attribute("scope")));
        Assert.All(page.Descendants(Html + "table"), table => Assert.NotEmpty(table.Descendants(Html + "th")));
        Assert.All(page.Descendants(Html + "img"), image => Assert.NotNull(image.Attribute("alt")));
        Assert.All(
            page.Descendants().Where(each => each.Name.LocalName == "svg"),
            picture => Assert.True(picture.Attribute("aria-label") is not null || picture.Attribute("aria-hidden") is not null));

        // The cells of a row fill the columns of its table's heading.
        foreach (XElement table in page.Descendants(Html + "table").Where(table => table.Element(Html + "thead") is not null))
        {
            Assert.Single(table.Descendants(Html + "tr").Select(row => row.Elements().Sum(cell => (int?)cell.Attribute("colspan") ?? 1)).Distinct());
        }
    }

    [Fact]
    public void The_policy_allows_the_page_s_own_script_and_no_other()
    {
        string text = Text(SampleReports.Strange());
        Assert.Single(Regex.Matches(text, "<script"));
        string script = Regex.Match(text, "<script>(.*?)</script>", RegexOptions.Singleline).Groups[1].Value;
        string hash = Convert.ToBase64String(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(script)));
        Assert.Contains($"script-src 'sha256-{hash}'", text, StringComparison.Ordinal);
        Assert.Contains("default-src 'none'", text, StringComparison.Ordinal);
        Assert.DoesNotContain("</", Regex.Match(text, "<style>(.*?)</style>", RegexOptions.Singleline).Groups[1].Value, StringComparison.Ordinal);
    }

    [Fact]
    public void Strange_names_are_text()
    {
        CheckReport report = SampleReports.Strange();
        string text = Text(report);
        Assert.DoesNotContain(text, character => char.IsControl(character) && character != '\n');
        Assert.DoesNotContain('\u202e', text);
        Assert.DoesNotContain("javascript:", string.Concat(Page(report).Descendants().Attributes("href").Select(link => link.Value)), StringComparison.Ordinal);
        Assert.Contains("<script>document.title='planted'</script>", Page(report).Descendants(Html + "h1").Single().Document!.Root!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public void The_verdict_and_what_to_do_stand_at_the_top()
    {
        XElement verdict = Page(SampleReports.ManyWrong()).Descendants(Html + "section").First();
        Assert.Contains("4 steps inject an error.", verdict.Value, StringComparison.Ordinal);
        Assert.Contains("The first is backbone.0.body.layer3.2.conv2", verdict.Value, StringComparison.Ordinal);
        XElement one = Page(SampleReports.OneWrong()).Descendants(Html + "section").First();
        Assert.Contains("1 step injects an error.", one.Value, StringComparison.Ordinal);
        Assert.Contains(SampleReports.OneWrong().WrongSteps.Single().Diagnosis!.Findings[0].Explanation, one.Value, StringComparison.Ordinal);
        Assert.Contains("Flip the last axis of spatial_shapes", one.Value, StringComparison.Ordinal);
        Assert.Contains("Passed", Page(SampleReports.Healthy()).Descendants(Html + "section").First().Value, StringComparison.Ordinal);
        Assert.Contains("Not passed", Page(SampleReports.Incomplete()).Descendants(Html + "section").First().Value, StringComparison.Ordinal);
        Assert.Contains("Nothing was compared", Page(SampleReports.Empty()).Descendants(Html + "section").First().Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("thousand", 4_000_000)]
    [InlineData("all-wrong", 4_000_000)]
    public void Large_reports_stay_small_pages(string sample, int most) => Assert.InRange(Text(SampleReports.All[sample]()).Length, 100_000, most);

    [Fact]
    public void A_file_is_written_whole_and_is_the_text()
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():n}.html");
        try
        {
            CheckHtml.WriteFile(SampleReports.OneWrong(), path);
            Assert.Equal(Text(SampleReports.OneWrong()), File.ReadAllText(path));
            Assert.Equal((byte)'<', File.ReadAllBytes(path)[0]);
        }
        finally
        {
            File.Delete(path);
        }

        Assert.ThrowsAny<IOException>(() => CheckHtml.WriteFile(SampleReports.Healthy(), Path.Combine(path, "no", "folder.html")));
    }

    internal static string Text(CheckReport report)
    {
        StringWriter writer = new();
        CheckHtml.Write(report, writer);
        return writer.ToString();
    }

    internal static XDocument Page(CheckReport report)
    {
        using XmlReader reader = XmlReader.Create(new StringReader(Text(report)), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        return XDocument.Load(reader);
    }

    private static bool HasClass(XElement element, string name) => element.Attribute("class")?.Value.Split(' ').Contains(name) == true;
}
