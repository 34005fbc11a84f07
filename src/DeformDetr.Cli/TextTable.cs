using Spectre.Console;

namespace DeformDetr.Cli;

// Aligned columns; a heading, and rows that may come one at a time where the widths are known before. The last column is not padded.
internal sealed class TextTable(CliConsole console, params TextTable.Column[] columns)
{
    private readonly List<Cell[]> _rows = [];

    public string Indent { get; init; } = "";

    public void Add(params Cell[] row) => _rows.Add(row);

    // All rows, with columns as wide as they need.
    public void WriteAll()
    {
        int[] widths =
        [
            .. columns.Select((column, index) =>
                _rows.Select(row => row[index].Text.Length).Append(column.Width).Append(column.Heading.Length).Max()),
        ];
        WriteHeading(widths);
        foreach (Cell[] row in _rows)
        {
            WriteRow(row, widths);
        }
    }

    public void WriteHeading(int[]? widths = null) =>
        WriteRow([.. columns.Select(column => new Cell(column.Heading, Styles.Faint))], widths);

    public void WriteRow(Cell[] row, int[]? widths = null)
    {
        console.Out.Write(Indent);
        int used = Array.FindLastIndex(row, cell => cell.Text.Length > 0);
        for (int index = 0; index <= used; index++)
        {
            int width = widths?[index] ?? Math.Max(columns[index].Width, columns[index].Heading.Length);
            string padding = new(' ', Math.Max(0, width - row[index].Text.Length));
            if (columns[index].Right)
            {
                console.Out.Write(padding);
            }

            console.Write(row[index].Text, row[index].Style);
            if (index < used)
            {
                console.Out.Write(columns[index].Right ? "  " : padding + "  ");
            }
        }

        console.WriteLine();
    }

    public readonly record struct Column(string Heading, bool Right = false, int Width = 0);

    public readonly record struct Cell(string Text, Style Style)
    {
        public static implicit operator Cell(string text) => new(text, Style.Plain);
    }
}

internal static class Styles
{
    public static readonly Style Good = new(Color.Green);
    public static readonly Style Bad = new(Color.Red);
    public static readonly Style Faint = new(decoration: Decoration.Dim);
}
