using System.Globalization;
using System.Xml;

namespace DeformDetr.Oracle;

// Elements of a page that is XML as well as HTML, so that one that isn't closed, or a character that isn't escaped, can't happen.
internal sealed class HtmlWriter : IDisposable
{
    private const string Html = "http://www.w3.org/1999/xhtml";
    private const string Svg = "http://www.w3.org/2000/svg";

    private static readonly string[] Void = ["br", "img", "input", "link", "meta", "wbr"];

    private readonly XmlWriter _xml;
    private readonly Stack<(string Tag, string Namespace)> _open = new();

    public HtmlWriter(TextWriter writer)
    {
        _xml = XmlWriter.Create(writer, new XmlWriterSettings { OmitXmlDeclaration = true, NewLineChars = "\n", CloseOutput = false });
        _xml.WriteDocType("html", null, null, null);
        Line();
    }

    public static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    // An attribute without a value is left out.
    public Scope Open(string tag, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        string space = tag == "svg" ? Svg : _open.TryPeek(out (string Tag, string Namespace) parent) ? parent.Namespace : Html;
        _xml.WriteStartElement(tag, space);
        foreach ((string name, string? value) in attributes)
        {
            if (value is not null)
            {
                _xml.WriteAttributeString(name, SafeText.OneLine(value));
            }
        }

        _open.Push((tag, space));
        return new Scope(this);
    }

    public void Element(string tag, string? text, params ReadOnlySpan<(string Name, string? Value)> attributes)
    {
        using (Open(tag, attributes))
        {
            if (text is not null)
            {
                Text(text);
            }
        }
    }

    public void Text(string text) => _xml.WriteString(SafeText.OneLine(text));

    // A name in code letters that may be broken behind its dots.
    public void Name(string name)
    {
        using (Open("code", ("class", "name")))
        {
            string[] parts = name.Split('.');
            for (int index = 0; index < parts.Length; index++)
            {
                Text(index < parts.Length - 1 ? $"{parts[index]}." : parts[index]);
                if (index < parts.Length - 1)
                {
                    Element("wbr", null);
                }
            }
        }
    }

    // Text of several lines, each as harmless as one.
    public void Lines(string text)
    {
        foreach (string line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            Text(line);
            Line();
        }
    }

    public void Line() => _xml.WriteRaw("\n");

    // Our own style or script: what HTML doesn't unescape there, and XML would.
    public void Own(string tag, string content)
    {
        using (Open(tag))
        {
            _xml.WriteRaw(content);
        }
    }

    public void Dispose() => _xml.Dispose();

    private void Close()
    {
        if (Void.Contains(_open.Pop().Tag))
        {
            _xml.WriteEndElement();
        }
        else
        {
            _xml.WriteFullEndElement();
        }
    }

    internal readonly ref struct Scope(HtmlWriter html) : IDisposable
    {
        public void Dispose() => html.Close();
    }
}
