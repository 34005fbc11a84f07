using System.Xml.Linq;
using DeformDetr.Oracle;
using DeformDetr.Tensors;

namespace DeformDetr.Cli.Tests.Reports;

public sealed class ReportTests
{
    [Fact]
    public void Intersection_over_union_by_hand()
    {
        PictureBox box = new(0, 0, 4, 2);
        Assert.Equal(1, box.IoU(box));
        Assert.Equal(4.0 / 12, box.IoU(new PictureBox(2, 0, 6, 2)));
        Assert.Equal(0, box.IoU(new PictureBox(4, 0, 8, 2)));
        Assert.Equal(0, new PictureBox(1, 1, 1, 1).IoU(new PictureBox(1, 1, 1, 1)));
        Assert.Equal(0, box.IoU(new PictureBox(3, 2, 1, 0)));
    }

    [Fact]
    public void An_object_is_found_once_by_the_best_detection_of_its_class()
    {
        TrueObject square = new("square", new PictureBox(0, 0, 10, 10));
        TrueObject star = new("star", new PictureBox(20, 0, 30, 10));
        Detection first = new(1, "square", 0.9, new PictureBox(0, 0, 10, 9));
        Detection second = new(1, "square", 0.8, new PictureBox(0, 0, 10, 10));
        Detection other = new(2, "ring", 0.7, new PictureBox(20, 0, 30, 10));
        IReadOnlyList<TruthMatch> matches = TruthMatching.Match([first, second, other], [square, star]);
        Assert.Equal([(first, square), (second, null), (other, null), (null, star)], matches.Select(match => ((Detection?, TrueObject?))(match.Found, match.Truth)));
        Assert.Equal(0.9, matches[0].IoU, 12);
    }

    [Fact]
    public void Words_from_files_are_escaped_and_wild_boxes_stay_near_the_picture()
    {
        Detection detection = new(3, "<b a='1'>&\u0001", 0.5, new PictureBox(double.NegativeInfinity, double.NaN, 1e30, 7));
        string svg = AnnotatedPicture.ToSvg(new Tensor<byte>([10, 20, 3]), "a<b>.png", [detection], [new TrueObject("&", new PictureBox(1, 1, 2, 2))]);
        XElement root = XDocument.Parse(svg).Root!;
        XNamespace names = "http://www.w3.org/2000/svg";
        Assert.Contains(root.Descendants(names + "text"), text => text.Value == "<b a='1'>&\uFFFD 0.50");
        Assert.Contains(root.Descendants(names + "text"), text => text.Value == "missed: &");
        Assert.All(root.Descendants(names + "rect"), box => Assert.True(double.Parse(box.Attribute("width")!.Value, System.Globalization.CultureInfo.InvariantCulture) <= 2880));
    }

    [Fact]
    public void Numbers_that_json_lacks_are_words_and_float32_keeps_its_short_digits()
    {
        string json = ReportJson.Text(writer =>
        {
            writer.WriteStartArray();
            foreach (double value in new[] { double.PositiveInfinity, double.NegativeInfinity, double.NaN, 0.1f, 0.1, 3, -0.0 })
            {
                writer.WriteNumberOrWordValue(value);
            }

            writer.WriteEndArray();
        });
        Assert.Equal("[\"Infinity\",\"-Infinity\",\"NaN\",0.1,0.1,3,0]", json.Replace("\n", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal));
    }
}
