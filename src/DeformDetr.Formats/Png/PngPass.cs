namespace DeformDetr.Formats.Png;

// One pass over the picture: the pixels at (FirstRow + i RowStep, FirstColumn + j ColumnStep). Without interlacing one pass takes all.
internal readonly record struct PngPass(int FirstRow, int FirstColumn, int RowStep, int ColumnStep)
{
    private static readonly PngPass[] Whole = [new(0, 0, 1, 1)];

    private static readonly PngPass[] Adam7 =
    [
        new(0, 0, 8, 8),
        new(0, 4, 8, 8),
        new(4, 0, 8, 4),
        new(0, 2, 4, 4),
        new(2, 0, 4, 2),
        new(0, 1, 2, 2),
        new(1, 0, 2, 1),
    ];

    public static ReadOnlySpan<PngPass> Of(PngHeader header) => header.IsInterlaced ? Adam7 : Whole;

    public int Height(PngHeader header) => (header.Height - FirstRow + RowStep - 1) / RowStep;

    public int Width(PngHeader header) => (header.Width - FirstColumn + ColumnStep - 1) / ColumnStep;
}
