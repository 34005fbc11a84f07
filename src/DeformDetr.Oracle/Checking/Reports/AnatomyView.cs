using System.Globalization;
using System.Text;
using DeformDetr.Formats.Png;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;

namespace DeformDetr.Oracle;

// Where an error sits: its picture over two axes, its profile along each, and the histogram.
internal static class AnatomyView
{
    // Up to this size a picture is a table with numbers in it.
    private const int MostTableRows = 16;
    private const int MostTableColumns = 12;

    // Profiles of more indices than this are columns side by side, and those of more than MostColumns are put together.
    private const int MostNamedIndices = 12;
    private const int MostColumns = 128;

    public static void Write(HtmlWriter html, TensorCheck tensor, ErrorAnatomy anatomy)
    {
        if (anatomy.Map is { Width: > 0 } map && map.Largest.Count >= map.Width)
        {
            Map(html, tensor, map);
        }

        AxisProfile[] profiles = [.. anatomy.ByAxis.Where(profile => profile.Largest.Count > 1)];
        if (profiles.Length > 0)
        {
            html.Element("h4", "Along each axis");
            using (html.Open("div", ("class", "profiles")))
            {
                foreach (AxisProfile profile in profiles)
                {
                    Profile(html, tensor, profile);
                }
            }
        }

        if (anatomy.Histogram.Sum() > 0)
        {
            Histogram(html, anatomy.Histogram);
        }
    }

    private static void Map(HtmlWriter html, TensorCheck tensor, ErrorMap map)
    {
        int height = map.Largest.Count / map.Width;
        double top = ErrorScale.For(map.Largest).Top;
        (int rowSize, int columnSize) = (Size(tensor, map.Rows, height), Size(tensor, map.Columns, map.Width));
        int most = Largest(map.Largest);
        string Place(int cell) =>
            $"{map.Rows} {Range(cell / map.Width, height, rowSize)}, {map.Columns} {Range(cell % map.Width, map.Width, columnSize)}";
        html.Element("h4", $"Over {map.Rows} and {map.Columns}");
        using (html.Open("figure", ("class", "map")))
        {
            if (height <= MostTableRows && map.Width <= MostTableColumns)
            {
                Table(html, map, height, top, rowSize, columnSize);
            }
            else
            {
                Picture(html, map, height, top, rowSize, columnSize, Place(most));
            }

            Legend(html, top, map.Largest);
            html.Element(
                "figcaption",
                $"Largest error in each cell, in noise. The largest of all, {CheckNumbers.Times(map.Largest[most])}, is at {Place(most)}.");
        }
    }

    private static void Table(HtmlWriter html, ErrorMap map, int height, double top, int rowSize, int columnSize)
    {
        using (html.Open("div", ("class", "scroll")))
        using (html.Open("table", ("class", "cells")))
        {
            html.Element("caption", $"Largest error in noise by {map.Rows} and {map.Columns}", ("class", "unseen"));
            using (html.Open("thead"))
            using (html.Open("tr"))
            {
                html.Element("th", $"{map.Rows} \\ {map.Columns}", ("scope", "col"));
                for (int column = 0; column < map.Width; column++)
                {
                    html.Element("th", Range(column, map.Width, columnSize), ("scope", "col"));
                }
            }

            using (html.Open("tbody"))
            {
                for (int row = 0; row < height; row++)
                {
                    using (html.Open("tr"))
                    {
                        html.Element("th", Range(row, height, rowSize), ("scope", "row"));
                        for (int column = 0; column < map.Width; column++)
                        {
                            double error = map.Largest[(row * map.Width) + column];
                            (byte, byte, byte) colour = ErrorColours.Of(error, top);
                            html.Element(
                                "td", CheckNumbers.Noise(error),
                                ("style", $"background:{ErrorColours.Css(colour)};color:{ErrorColours.Ink(colour)}"));
                        }
                    }
                }
            }
        }
    }

    private static void Picture(HtmlWriter html, ErrorMap map, int height, double top, int rowSize, int columnSize, string most)
    {
        // Every cell is one pixel, which the page enlarges without smoothing.
        Tensor<byte> pixels = new(TensorShape.Create([height, map.Width, 3]));
        Span<byte> bytes = pixels.AsSpan();
        for (int cell = 0; cell < height * map.Width; cell++)
        {
            (bytes[cell * 3], bytes[(cell * 3) + 1], bytes[(cell * 3) + 2]) = ErrorColours.Of(map.Largest[cell], top);
        }

        using (html.Open("div", ("class", "picture")))
        {
            html.Element("span", map.Rows, ("class", "axis rows"), ("aria-hidden", "true"));
            using (html.Open("div", ("class", "ends rows"), ("aria-hidden", "true")))
            {
                html.Element("span", "0");
                html.Element("span", $"{rowSize - 1}");
            }

            using (html.Open(
                "div", ("class", "cells-picture"), ("tabindex", "0"), ("role", "img"),
                ("aria-label", $"Error over {map.Rows} and {map.Columns}; the largest is at {most}. Arrow keys read single cells."),
                ("data-width", $"{map.Width}"), ("data-height", $"{height}"), ("data-rows", map.Rows), ("data-columns", map.Columns),
                ("data-row-size", $"{rowSize}"), ("data-column-size", $"{columnSize}"),
                ("data-cells", string.Join(' ', map.Largest.Take(height * map.Width).Select(Short)))))
            {
                html.Element(
                    "img", null, ("src", $"data:image/png;base64,{Convert.ToBase64String(PngWriter.Encode(pixels))}"), ("alt", ""),
                    ("width", $"{map.Width}"), ("height", $"{height}"));
                html.Element("span", null, ("class", "cross"), ("hidden", "hidden"));
            }

            using (html.Open("div", ("class", "ends columns"), ("aria-hidden", "true")))
            {
                html.Element("span", "0");
                html.Element("span", map.Columns, ("class", "axis"));
                html.Element("span", $"{columnSize - 1}");
            }
        }

        html.Element(
            "output", "Point at a cell, or go to the picture and use the arrow keys, to read its error.",
            ("class", "readout scripted"));
    }

    private static void Legend(HtmlWriter html, double top, IReadOnlyList<double> errors)
    {
        StringBuilder within = new("linear-gradient(90deg");
        StringBuilder beyond = new("linear-gradient(90deg");
        const int Stops = 16;
        for (int stop = 0; stop <= Stops; stop++)
        {
            double share = (double)stop / Stops;
            within.Append(',').Append(ErrorColours.Css(ErrorColours.Of(Elementary.Pow(ErrorScale.Lowest, 1 - share), top)));
            beyond.Append(',').Append(ErrorColours.Css(ErrorColours.Of(Math.Max(Elementary.Pow(top, share), 1.0001), top)));
        }

        using (html.Open(
            "div", ("class", "colours"), ("role", "img"),
            ("aria-label", $"Colours: dull up to the noise, then from dark to bright up to {ErrorScale.Label(top)} times it, logarithmic")))
        {
            using (html.Open("span", ("class", "within")))
            {
                html.Element("i", null, ("style", $"background:{within})"));
                html.Element("span", "0");
                html.Element("span", "noise");
            }

            using (html.Open("span", ("class", "beyond")))
            {
                html.Element("i", null, ("style", $"background:{beyond})"));
                html.Element("span", "1\u00D7");
                html.Element("span", $"{ErrorScale.Label(top)}\u00D7");
            }

            if (errors.Any(double.IsNaN))
            {
                using (html.Open("span", ("class", "nan")))
                {
                    html.Element("i", null, ("style", $"background:{ErrorColours.Css(ErrorColours.Of(double.NaN, top))}"));
                    html.Element("span", "NaN");
                }
            }
        }
    }

    private static void Profile(HtmlWriter html, TensorCheck tensor, AxisProfile profile)
    {
        int count = profile.Largest.Count;
        int size = Size(tensor, profile.Axis, count);
        int most = Largest(profile.Largest);
        ErrorScale scale = ErrorScale.For(profile.Largest);
        using (html.Open("figure", ("class", "profile")))
        {
            html.Element("h5", count == size ? $"{profile.Axis} ({size})" : $"{profile.Axis} ({size}, in {count} parts)");
            if (count <= MostNamedIndices)
            {
                Indices(html, profile, scale, size);
            }
            else
            {
                Columns(html, profile, scale, size);
            }

            int beyond = profile.Largest.Count(error => !(error <= 1));
            html.Element(
                "figcaption",
                $"Largest {CheckNumbers.Times(profile.Largest[most])} at {profile.Axis} {Range(most, count, size)}; "
                + (beyond == count ? $"all {count} are" : $"{beyond} of {count} {(beyond == 1 ? "is" : "are")}") + " beyond the noise.");
        }
    }

    private static void Indices(HtmlWriter html, AxisProfile profile, ErrorScale scale, int size)
    {
        using (html.Open("table", ("class", "indices")))
        {
            using (html.Open("thead"))
            using (html.Open("tr"))
            {
                html.Element("th", profile.Axis, ("scope", "col"));
                html.Element("th", "largest", ("scope", "col"), ("colspan", "2"));
                html.Element("th", "beyond", ("scope", "col"));
            }

            using (html.Open("tbody"))
            {
                for (int index = 0; index < profile.Largest.Count; index++)
                {
                    double error = profile.Largest[index];
                    using (html.Open("tr", ("class", error <= 1 ? null : "beyond")))
                    {
                        html.Element("th", Range(index, profile.Largest.Count, size), ("scope", "row"));
                        html.Element("td", CheckNumbers.Times(error), ("class", "number"));
                        using (html.Open("td"))
                        {
                            Bar(html, error, scale);
                        }

                        html.Element(
                            "td", index < profile.Share.Count ? CheckNumbers.Percent(profile.Share[index]) : "-",
                            ("class", "number"));
                    }
                }
            }
        }
    }

    public static void Bar(HtmlWriter html, double error, ErrorScale scale)
    {
        using (html.Open(
            "span", ("class", error <= 1 ? "bar" : "bar beyond"), ("aria-hidden", "true"),
            ("style", $"--noise:{HtmlWriter.Number(scale.Noise * 100)}%")))
        {
            html.Element("i", null, ("style", $"width:{HtmlWriter.Number(scale.Share(error) * 100)}%"));
        }
    }

    private static void Columns(HtmlWriter html, AxisProfile profile, ErrorScale scale, int size)
    {
        const double Width = 320;
        const double Height = 92;
        const double Left = 34;
        const double Top = 6;
        const double Bottom = 76;
        double Y(double error) => Bottom - (scale.Share(error) * (Bottom - Top));
        int count = Math.Min(profile.Largest.Count, MostColumns);
        double step = (Width - Left) / count;
        StringBuilder within = new();
        StringBuilder beyond = new();
        for (int column = 0; column < count; column++)
        {
            int from = (int)((long)column * profile.Largest.Count / count);
            int to = (int)((long)(column + 1) * profile.Largest.Count / count);
            double error = profile.Largest.Skip(from).Take(to - from).Aggregate(0.0, Math.Max);
            (error <= 1 ? within : beyond).Append(
                CultureInfo.InvariantCulture,
                $"M{Left + (column * step):0.##} {Bottom}V{Math.Min(Y(error), Bottom - 1):0.##}h{step * 0.84:0.##}V{Bottom}z");
        }

        using (html.Open(
            "svg", ("viewBox", $"0 0 {Width} {Height}"), ("class", "column-chart"), ("role", "img"),
            ("aria-label", $"Largest error along {profile.Axis}, logarithmic; the sentence below says it in numbers")))
        {
            foreach (double tick in scale.Ticks(3))
            {
                string y = HtmlWriter.Number(Y(tick));
                html.Element("path", null, ("d", $"M{Left} {y}H{Width}"), ("class", tick == 1 ? "noise-line" : "grid-line"));
                html.Element("text", ErrorScale.Label(tick), ("x", $"{Left - 5}"), ("y", y), ("dy", "0.35em"), ("text-anchor", "end"));
            }

            html.Element("path", null, ("d", within.Length == 0 ? "M0 0" : within.ToString()), ("class", "column"));
            html.Element("path", null, ("d", beyond.Length == 0 ? "M0 0" : beyond.ToString()), ("class", "column beyond"));
            html.Element("text", "0", ("x", $"{Left}"), ("y", $"{Bottom + 12}"));
            html.Element("text", $"{size - 1}", ("x", $"{Width}"), ("y", $"{Bottom + 12}"), ("text-anchor", "end"));
        }
    }

    // Bin k holds errors of [2^(k-5), 2^(k-4)) of their noise.
    private static void Histogram(HtmlWriter html, IReadOnlyList<long> counts)
    {
        const int FirstBeyond = 5;
        const double Width = 640;
        const double Height = 168;
        const double Left = 60;
        const double Top = 22;
        const double Bottom = 132;
        int bins = Math.Max(counts.Count, 2 * FirstBeyond);
        double step = (Width - Left) / bins;
        double decades = Math.Max(1, Elementary.Log(counts.Max()) / Elementary.Log(10));
        double Share(long count) => ((Elementary.Log(count) / Elementary.Log(10)) + 0.3) / (decades + 0.3);
        double Y(long count) => count <= 0 ? Bottom : Bottom - Math.Max(2, Share(count) * (Bottom - Top));
        int decade = decades > 6 ? 1000 : decades > 3 ? 100 : 10;
        long all = counts.Sum();
        long beyond = counts.Skip(FirstBeyond).Sum();
        string sentence = $"{CheckNumbers.Count(beyond)} of {CheckNumbers.Count(all, "element", "elements")} "
            + $"{(beyond == 1 ? "is beyond its" : "are beyond their")} noise ({CheckNumbers.Percent((double)beyond / all)}).";
        html.Element("h4", "How large the errors are");
        using (html.Open("figure", ("class", "histogram")))
        {
            using (html.Open("div", ("class", "scroll"), ("tabindex", "0"), ("role", "region"), ("aria-label", "Histogram")))
            using (html.Open(
                "svg", ("viewBox", $"0 0 {Width} {Height}"), ("class", "bins"), ("role", "img"),
                ("aria-label", $"Histogram of the elements' errors in noise. {sentence}")))
            {
                for (long power = 1; power <= counts.Max() && power > 0; power = power > long.MaxValue / decade ? -1 : power * decade)
                {
                    string y = HtmlWriter.Number(Y(power));
                    html.Element("path", null, ("d", $"M{Left} {y}H{Width}"), ("class", "grid-line"));
                    html.Element(
                        "text", CheckNumbers.Count(power), ("x", $"{Left - 6}"), ("y", y), ("dy", "0.35em"),
                        ("text-anchor", "end"));
                }

                for (int bin = 0; bin < counts.Count; bin++)
                {
                    double x = Left + (bin * step);
                    double y = Y(counts[bin]);
                    string range = bin == counts.Count - 1
                        ? $"{Bound(bin - 1)} and more"
                        : $"{(bin == 0 ? "0" : Bound(bin - 1))} to {Bound(bin)}";
                    using (html.Open(
                        "rect", ("x", HtmlWriter.Number(x + (step * 0.07))), ("y", HtmlWriter.Number(y)),
                        ("width", HtmlWriter.Number(step * 0.86)), ("height", HtmlWriter.Number(Bottom - y)),
                        ("class", bin < FirstBeyond ? "column" : "column beyond")))
                    {
                        html.Element("title", $"{range} of the noise: {CheckNumbers.Count(counts[bin], "element", "elements")}");
                    }
                }

                double noise = Left + (FirstBeyond * step);
                html.Element("path", null, ("d", $"M{HtmlWriter.Number(noise)} {Top - 10}V{Bottom + 4}"), ("class", "noise-line"));
                html.Element(
                    "text", "beyond the noise \u2192", ("x", HtmlWriter.Number(noise + 6)), ("y", $"{Top - 4}"),
                    ("class", "strong"));
                int every = Math.Max(1, (int)Math.Ceiling(44 / step));
                for (int edge = FirstBeyond % every; edge < bins; edge += every)
                {
                    html.Element(
                        "text", edge == 0 ? "0" : Bound(edge - 1), ("x", HtmlWriter.Number(Left + (edge * step))), ("y", $"{Bottom + 16}"),
                        ("text-anchor", "middle"), ("class", edge == FirstBeyond ? "strong" : null));
                }

                html.Element(
                    "text", "error of an element, in noise", ("x", HtmlWriter.Number((Left + Width) / 2)), ("y", $"{Height - 4}"),
                    ("text-anchor", "middle"));
            }

            html.Element("figcaption", $"{sentence} Heights are logarithmic.");
        }
    }

    // The upper bound of a bin: 2^(bin - 4).
    private static string Bound(int bin)
    {
        if (bin < 4)
        {
            return $"1/{1 << (4 - bin)}";
        }

        double bound = Elementary.Pow(2, bin - 4);
        return bound < 1e5 ? CheckNumbers.Count((long)bound) : bound.ToString("0e0", CultureInfo.InvariantCulture);
    }

    private static int Largest(IReadOnlyList<double> errors)
    {
        int most = 0;
        for (int index = 1; index < errors.Count && !double.IsNaN(errors[most]); index++)
        {
            most = errors[index] <= errors[most] ? most : index;
        }

        return most;
    }

    // The length of an axis by its word; what is shown may be fewer, larger parts of it.
    private static int Size(TensorCheck tensor, string axis, int shown)
    {
        for (int index = 0; index < Math.Min(tensor.Axes.Count, tensor.Shape.Rank); index++)
        {
            if (tensor.Axes[index] == axis && tensor.Shape[index] >= shown)
            {
                return tensor.Shape[index];
            }
        }

        return shown;
    }

    private static string Range(int part, int parts, int size)
    {
        // Index i lies in part ⌊i · parts / size⌋.
        long first = (((long)part * size) + parts - 1) / parts;
        long last = ((((long)part + 1) * size) + parts - 1) / parts - 1;
        return last <= first ? $"{first}" : $"{first}\u2013{last}";
    }

    private static string Short(double error) =>
        double.IsNaN(error) ? "NaN" : double.IsInfinity(error) ? "inf" : error.ToString("G3", CultureInfo.InvariantCulture);
}
