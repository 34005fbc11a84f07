namespace DeformDetr.Formats.Png;

// The five row filters. A byte x has neighbours a (the same byte of the pixel to the left), b (of the pixel above) and c (above left);
// the row stores x minus a prediction from them, mod 256.
internal static class PngFilter
{
    public const int None = 0;
    public const int Sub = 1;
    public const int Up = 2;
    public const int Average = 3;
    public const int Paeth = 4;

    public const int Count = 5;

    // Turns differences into bytes, in place. above: the row above, already undone, zeros for the first of a pass.
    public static void Undo(int filter, Span<byte> row, ReadOnlySpan<byte> above, int bytesPerPixel)
    {
        // The first pixel of a row has nothing to its left: a and c are 0 there.
        int first = Math.Min(bytesPerPixel, row.Length);
        above = above[..row.Length];
        switch (filter)
        {
            case Sub:
                for (int x = first; x < row.Length; x++)
                {
                    row[x] += row[x - bytesPerPixel];
                }

                break;
            case Up:
                for (int x = 0; x < row.Length; x++)
                {
                    row[x] += above[x];
                }

                break;
            case Average:
                for (int x = 0; x < first; x++)
                {
                    row[x] += (byte)(above[x] / 2);
                }

                for (int x = first; x < row.Length; x++)
                {
                    row[x] += (byte)((row[x - bytesPerPixel] + above[x]) / 2);
                }

                break;
            case Paeth:
                for (int x = 0; x < first; x++)
                {
                    row[x] += above[x];
                }

                for (int x = first; x < row.Length; x++)
                {
                    row[x] += PaethPredictor(row[x - bytesPerPixel], above[x], above[x - bytesPerPixel]);
                }

                break;
        }
    }

    // Turns bytes into differences.
    public static void Apply(int filter, ReadOnlySpan<byte> row, ReadOnlySpan<byte> above, int bytesPerPixel, Span<byte> differences)
    {
        for (int x = 0; x < row.Length; x++)
        {
            byte a = x < bytesPerPixel ? (byte)0 : row[x - bytesPerPixel];
            byte b = above[x];
            byte c = x < bytesPerPixel ? (byte)0 : above[x - bytesPerPixel];
            int prediction = filter switch
            {
                Sub => a,
                Up => b,
                Average => (a + b) / 2,
                Paeth => PaethPredictor(a, b, c),
                _ => 0,
            };
            differences[x] = (byte)(row[x] - prediction);
        }
    }

    // Of a, b, c the one nearest to a + b - c; in a tie a goes first, then b.
    private static byte PaethPredictor(int a, int b, int c)
    {
        int toA = Math.Abs(b - c);
        int toB = Math.Abs(a - c);
        int toC = Math.Abs(a + b - (2 * c));
        return (byte)(toA <= toB && toA <= toC ? a : toB <= toC ? b : c);
    }
}
