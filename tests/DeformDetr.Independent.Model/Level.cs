namespace DeformDetr.Independent;

/// <summary>One map among the tokens.</summary>
public readonly record struct Level(int Height, int Width, int Start)
{
    public int Cells => Height * Width;

    public static Level[] Of(params (int Height, int Width)[] sizes)
    {
        Level[] levels = new Level[sizes.Length];
        int start = 0;
        for (int l = 0; l < sizes.Length; l++)
        {
            levels[l] = new Level(sizes[l].Height, sizes[l].Width, start);
            start += levels[l].Cells;
        }

        return levels;
    }

    public static int Tokens(IEnumerable<Level> levels) => levels.Sum(level => level.Cells);
}
