using System.Globalization;
using System.Text;
using System.Text.Json;

namespace DeformDetr.Bench;

/// <summary>Rows of facts, as a Markdown table or as JSON.</summary>
/// <param name="title">What was measured.</param>
/// <param name="columns">Headings; a number under the heading is written in its format.</param>
internal sealed class ReportTable(string title, params (string Heading, string Format)[] columns)
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    private readonly List<object?[]> _rows = [];

    public void Add(params object?[] cells)
    {
        if (cells.Length != columns.Length)
        {
            throw new ArgumentException($"table '{title}': a row holds {cells.Length} cells; expected {columns.Length}.");
        }

        _rows.Add(cells);
    }

    /// <summary>Prints tables that belong to one run.</summary>
    public static void Print(bool json, params ReadOnlySpan<ReportTable> tables)
    {
        if (json)
        {
            using Stream output = Console.OpenStandardOutput();
            using Utf8JsonWriter writer = new(output, Indented);
            writer.WriteStartObject();
            writer.WriteString("machine", Machine.Describe());
            foreach (ReportTable table in tables)
            {
                table.Write(writer);
            }

            writer.WriteEndObject();
            writer.Flush();
            Console.WriteLine();
            return;
        }

        Console.WriteLine(Machine.Describe());
        foreach (ReportTable table in tables)
        {
            Console.WriteLine();
            Console.Write(table.Markdown());
        }
    }

    private string Markdown()
    {
        List<string[]> lines = [[.. columns.Select(column => column.Heading)]];
        lines.AddRange(_rows.Select(row => row.Select((cell, index) => Text(cell, columns[index].Format)).ToArray()));
        int[] widths = [.. columns.Select((_, index) => lines.Max(line => line[index].Length))];
        StringBuilder text = new($"**{title}**\n\n");
        for (int line = 0; line < lines.Count; line++)
        {
            text.Append('|');
            for (int index = 0; index < widths.Length; index++)
            {
                string cell = lines[line][index];
                bool isText = columns[index].Format.Length == 0;
                text.Append(' ').Append(isText ? cell.PadRight(widths[index]) : cell.PadLeft(widths[index])).Append(" |");
            }

            text.Append('\n');
            if (line == 0)
            {
                text.Append('|');
                for (int index = 0; index < widths.Length; index++)
                {
                    text.Append(' ').Append('-', widths[index]).Append(columns[index].Format.Length == 0 ? " |" : ":|");
                }

                text.Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Text(object? cell, string format) => cell switch
    {
        null => "",
        double number when double.IsNaN(number) => "",
        IFormattable number => number.ToString(format, CultureInfo.InvariantCulture),
        _ => cell.ToString() ?? "",
    };

    private void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartArray(title);
        foreach (object?[] row in _rows)
        {
            writer.WriteStartObject();
            for (int index = 0; index < columns.Length; index++)
            {
                writer.WritePropertyName(columns[index].Heading);
                switch (row[index])
                {
                    case double number when double.IsFinite(number): writer.WriteNumberValue(number); break;
                    case int number: writer.WriteNumberValue(number); break;
                    case string text: writer.WriteStringValue(text); break;
                    default: writer.WriteNullValue(); break;
                }
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
