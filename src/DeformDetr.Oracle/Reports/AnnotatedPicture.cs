using System.Globalization;
using System.Text;
using System.Xml;
using DeformDetr.Formats.Png;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>
/// A picture with its detections drawn in, as SVG: the picture itself is inside, so that the file stands alone; boxes and words stay sharp
/// at any size.
/// </summary>
public static class AnnotatedPicture
{
    // Small pictures are shown larger: at least this many units across the longer side.
    private const double LeastSide = 960;
    private const double Font = 15;
    private const double Stroke = 2.5;
    private const double Legend = 30;

    /// <summary>Draws.</summary>
    /// <param name="picture">The picture as decoded. Shape [h, w, 3].</param>
    /// <param name="title">What the picture is called.</param>
    /// <param name="detections">Drawn with solid lines in the colour of their class, the best on top.</param>
    /// <param name="truth">Drawn with dashed white lines, explained in a legend below the picture, named where it was missed; null where
    /// nobody knows it.</param>
    /// <returns>The text of an SVG file.</returns>
    public static string ToSvg(
        Tensor<byte> picture, string title, IReadOnlyList<Detection> detections, IReadOnlyList<TrueObject>? truth = null)
    {
        ShapeGuard.Require("annotated picture", "picture", picture.Shape, "[h, w, 3]", -1, -1, 3);
        double scale = Math.Max(1, LeastSide / Math.Max(picture.Shape[0], picture.Shape[1]));
        Canvas canvas = new(picture.Shape[1] * scale, picture.Shape[0] * scale, scale);
        StringBuilder text = new();
        using (XmlWriter xml = XmlWriter.Create(
            text, new XmlWriterSettings { Indent = true, OmitXmlDeclaration = true, NewLineChars = "\n" }))
        {
            double height = canvas.Height + (truth is null ? 0 : Legend);
            xml.WriteStartElement("svg", "http://www.w3.org/2000/svg");
            Attributes(
                xml, ("width", Number(canvas.Width)), ("height", Number(height)),
                ("viewBox", $"0 0 {Number(canvas.Width)} {Number(height)}"));
            Attributes(xml, ("font-family", "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace"), ("font-size", Number(Font)));
            xml.WriteElementString("title", Clean(title));
            xml.WriteStartElement("image");
            Attributes(xml, ("width", Number(canvas.Width)), ("height", Number(canvas.Height)), ("preserveAspectRatio", "none"));
            xml.WriteStartAttribute("href");
            xml.WriteString("data:image/png;base64,");
            xml.WriteString(Convert.ToBase64String(PngWriter.Encode(picture)));
            xml.WriteEndAttribute();
            xml.WriteEndElement();
            foreach (TruthMatch match in truth is null ? [] : TruthMatching.Match(detections, truth))
            {
                if (match.Truth is not null)
                {
                    Truth(xml, canvas, match.Truth, missed: match.Found is null);
                }
            }

            foreach (Detection detection in detections.Reverse())
            {
                Found(xml, canvas, detection);
            }

            if (truth is not null)
            {
                Explain(xml, canvas);
            }

            xml.WriteEndElement();
        }

        return text.Append('\n').ToString();
    }

    private static void Found(XmlWriter xml, Canvas canvas, Detection detection)
    {
        (string fill, string ink) = ClassColours.Of(detection.Label);
        string words = string.Create(CultureInfo.InvariantCulture, $"{Clean(detection.Class)} {detection.Score:0.00}");
        PictureBox box = canvas.Place(detection.Box);
        xml.WriteStartElement("g");
        xml.WriteAttributeString("class", "detection");
        Rectangle(xml, box, ("fill", "none"), ("stroke", "#000000"), ("stroke-opacity", "0.55"), ("stroke-width", Number(Stroke + 2)));
        Rectangle(xml, box, ("fill", "none"), ("stroke", fill), ("stroke-width", Number(Stroke)));
        Label(xml, canvas, box, words, fill, ink);
        xml.WriteEndElement();
    }

    // Above the box where there is room, else inside it.
    private static void Label(XmlWriter xml, Canvas canvas, PictureBox box, string words, string fill, string ink)
    {
        const double High = Font * 1.3;
        double wide = (words.Length * Font * 0.61) + (Font * 0.5);
        double left = Math.Clamp(box.X0 - (Stroke / 2), 0, Math.Max(0, canvas.Width - wide));
        double top = box.Y0 - High >= 0 ? box.Y0 - High : Math.Clamp(box.Y0, 0, Math.Max(0, canvas.Height - High));
        Rectangle(xml, new PictureBox(left, top, left + wide, top + High), ("fill", fill), ("fill-opacity", "0.9"));
        Words(xml, left + (Font * 0.25), top + (Font * 0.98), words, ink);
    }

    private static void Truth(XmlWriter xml, Canvas canvas, TrueObject item, bool missed)
    {
        PictureBox box = canvas.Place(item.Box);
        xml.WriteStartElement("g");
        xml.WriteAttributeString("class", "truth");
        xml.WriteElementString("title", $"ground truth: {Clean(item.Class)}");
        Rectangle(xml, box, ("fill", "none"), ("stroke", "#000000"), ("stroke-width", Number(Stroke)));
        Rectangle(xml, box, ("fill", "none"), ("stroke", "#ffffff"), ("stroke-width", Number(Stroke)), ("stroke-dasharray", "7 5"));
        if (missed)
        {
            Label(xml, canvas, box, $"missed: {Clean(item.Class)}", "#202020", "#ffffff");
        }

        xml.WriteEndElement();
    }

    private static void Explain(XmlWriter xml, Canvas canvas)
    {
        Rectangle(xml, new PictureBox(0, canvas.Height, canvas.Width, canvas.Height + Legend), ("fill", "#202020"));
        double line = canvas.Height + (Legend / 2);
        double base_ = line + (Font * 0.35);
        Rectangle(
            xml, new PictureBox(10, line - 8, 38, line + 8), ("fill", "none"), ("stroke", ClassColours.Of(1).Fill),
            ("stroke-width", Number(Stroke)));
        Words(xml, 46, base_, "detection: class, score", "#ffffff");
        Rectangle(
            xml, new PictureBox(290, line - 8, 318, line + 8), ("fill", "none"), ("stroke", "#ffffff"), ("stroke-width", Number(Stroke)),
            ("stroke-dasharray", "7 5"));
        Words(xml, 326, base_, "ground truth", "#ffffff");
    }

    private static void Rectangle(XmlWriter xml, PictureBox box, params ReadOnlySpan<(string Name, string Value)> style)
    {
        xml.WriteStartElement("rect");
        Attributes(
            xml, ("x", Number(box.X0)), ("y", Number(box.Y0)), ("width", Number(Math.Max(0, box.X1 - box.X0))),
            ("height", Number(Math.Max(0, box.Y1 - box.Y0))));
        Attributes(xml, style);
        xml.WriteEndElement();
    }

    private static void Words(XmlWriter xml, double x, double y, string words, string ink)
    {
        xml.WriteStartElement("text");
        Attributes(xml, ("x", Number(x)), ("y", Number(y)), ("fill", ink));
        xml.WriteString(words);
        xml.WriteEndElement();
    }

    private static void Attributes(XmlWriter xml, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        foreach ((string name, string value) in attributes)
        {
            xml.WriteAttributeString(name, value);
        }
    }

    private static string Number(double value) => Math.Round(value, 2).ToString(CultureInfo.InvariantCulture);

    // Characters that XML can't hold, not even escaped.
    private static string Clean(string text) =>
        string.Concat(
            text.EnumerateRunes().Select(
                rune => rune.Value <= char.MaxValue && !XmlConvert.IsXmlChar((char)rune.Value) ? "\uFFFD" : rune.ToString()));

    private readonly record struct Canvas(double Width, double Height, double Scale)
    {
        // A box of the picture as it is drawn; a wild one (of an untrained model) is cut to a margin around the picture.
        public PictureBox Place(PictureBox box) => new(Cut(box.X0, Width), Cut(box.Y0, Height), Cut(box.X1, Width), Cut(box.Y1, Height));

        private double Cut(double value, double side) => double.IsNaN(value) ? 0 : Math.Clamp(value * Scale, -side, 2 * side);
    }
}
