using System.Text.Json;
using System.Xml.Linq;

namespace DeformDetr.Cli.Tests;

public sealed class DetectCommandTests : IDisposable
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";
    private readonly Workshop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void Detections_are_printed_per_picture_in_its_own_pixels()
    {
        CliRun run = CliRun.Of(["detect", Workshop.Shapes(4), Workshop.Shapes(1), .. Workshop.DemoModel, "--threshold", "0.5"]).RequireDone();
        Assert.StartsWith($"{Workshop.Shapes(4)} (160 x 160): ", run.Lines[0], StringComparison.Ordinal);
        Assert.EndsWith(" detections of score >= 0.5", run.Lines[0], StringComparison.Ordinal);
        Assert.Matches(@"^  class +score +x0 +y0 +x1 +y1$", run.Lines[1]);
        Assert.Matches(@"^  ring +0\.90\d +3\d\.\d +3\d\.\d +4\d\.\d +4\d\.\d$", run.Lines[2]);
        Assert.Contains(run.Lines, line => line.StartsWith($"{Workshop.Shapes(1)} (320 x 240): ", StringComparison.Ordinal));
    }

    [Fact]
    public void A_higher_threshold_leaves_fewer_and_1_none()
    {
        Assert.Contains(": 0 detections of score >= 1", CliRun.Of(["detect", Workshop.Shapes(4), .. Workshop.DemoModel, "--threshold", "1"]).RequireDone().Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_picture_alone_is_not_what_it_is_in_a_padded_batch()
    {
        string[] pictures = [Workshop.Shapes(4), Workshop.Shapes(2)];
        string alone = CliRun.Of(["detect", .. pictures, .. Workshop.DemoModel, "--json"]).RequireDone().Out;
        string one = CliRun.Of(["detect", pictures[0], .. Workshop.DemoModel, "--json"]).RequireDone().Out;
        string batch = CliRun.Of(["detect", .. pictures, .. Workshop.DemoModel, "--batch", "2", "--json"]).RequireDone().Out;
        Assert.Equal(Scores(one, 0), Scores(alone, 0));
        Assert.NotEqual(Scores(batch, 0), Scores(alone, 0));
    }

    [Fact]
    public void Without_class_names_the_label_s_number_stands()
    {
        string picture = _shop.Picture("grey.png", 48, 64);
        using JsonDocument json = JsonDocument.Parse(CliRun.Of(["detect", picture, .. _shop.TinyModel(), "--threshold", "0", "--json"]).RequireDone().Out);
        JsonElement first = json.RootElement[0].GetProperty("detections")[0];
        Assert.Equal(first.GetProperty("label").GetRawText(), first.GetProperty("class").GetString());
        Assert.Equal(100, json.RootElement[0].GetProperty("detections").GetArrayLength());
    }

    [Fact]
    public void Annotated_copies_stand_alone_and_hold_a_box_and_a_label_per_detection()
    {
        string folder = _shop.At("found");
        CliRun run = CliRun.Of(["detect", Workshop.Shapes(1), Workshop.Shapes(4), .. Workshop.DemoModel, "--out", folder]).RequireDone();
        Assert.Equal($"wrote 2 annotated pictures and detections.json to {folder}", run.Lines[^1]);
        Assert.Equal(["found", "found/detections.json", "found/shapes-1.svg", "found/shapes-4.svg"], _shop.Files);
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "detections.json")));
        foreach (JsonElement picture in json.RootElement.EnumerateArray())
        {
            XElement svg = XDocument.Load(Path.Combine(folder, picture.GetProperty("annotated").GetString()!)).Root!;
            Assert.Equal(Svg + "svg", svg.Name);
            string image = svg.Element(Svg + "image")!.Attribute("href")!.Value;
            Assert.StartsWith("data:image/png;base64,", image, StringComparison.Ordinal);
            Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], Convert.FromBase64String(image["data:image/png;base64,".Length..])[..4]);
            string[] labels = [.. svg.Elements(Svg + "g").Select(group => group.Element(Svg + "text")!.Value)];
            Assert.Equal(picture.GetProperty("detections").GetArrayLength(), labels.Length);
            Assert.All(labels, label => Assert.Matches(@"^[a-z]+ 0\.\d\d$", label));
        }
    }

    [Fact]
    public void Pictures_of_one_name_get_copies_of_different_names()
    {
        Directory.CreateDirectory(_shop.At("other"));
        string[] pictures = [_shop.Picture("grey.png", 32, 32), _shop.Picture("other/grey.png", 32, 48)];
        CliRun.Of(["detect", .. pictures, .. _shop.TinyModel(), "--out", _shop.At("found")]).RequireDone();
        Assert.Contains("found/grey.svg", _shop.Files);
        Assert.Contains("found/grey-2.svg", _shop.Files);
    }

    private static double[] Scores(string json, int picture)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        return [.. document.RootElement[picture].GetProperty("detections").EnumerateArray().Select(detection => detection.GetProperty("score").GetDouble())];
    }
}
