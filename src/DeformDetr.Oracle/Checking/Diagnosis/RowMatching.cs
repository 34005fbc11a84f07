namespace DeformDetr.Oracle;

// The right rows of queries in another order.
internal static class RowMatching
{
    private const int MostRows = 2048;

    public static Finding? Find(Step step, Sheet right, double[] port)
    {
        if (right.Shape.Rank < 3 || step.Axes[1] != "query" || right.Shape[1] is < 2 or > MostRows)
        {
            return null;
        }

        int rows = right.Shape[1];
        int width = right.Shape.LengthFrom(2);
        double after = 0;
        int moved = 0;
        for (int n = 0; n < right.Shape[0]; n++)
        {
            bool[] taken = new bool[rows];
            for (int row = 0; row < rows; row++)
            {
                int best = -1;
                double least = 2;
                for (int other = 0; other < rows; other++)
                {
                    if (!taken[other])
                    {
                        double error = Error(right, port, ((n * rows) + row) * width, ((n * rows) + other) * width, width, least);
                        (best, least) = error <= least && (best < 0 || error < least) ? (other, error) : (best, least);
                    }
                }

                if (best < 0)
                {
                    return null;
                }

                taken[best] = true;
                moved += best != row ? 1 : 0;
                after = Math.Max(after, least);
            }
        }

        return moved == 0 ? null : new(
            "queries in another order", "The rows are right, and in another order.",
            "Keep the order of the queries (ties rank by the lower index).",
            ["F8"], right.Error(port), after, FormattableString.Invariant($"{moved} rows moved"));
    }

    private static double Error(Sheet right, double[] port, int at, int from, int width, double most)
    {
        double largest = 0;
        for (int i = 0; i < width; i++)
        {
            largest = Math.Max(largest, Sheet.Error(port[at + i], right.Values[from + i], right.Noise[from + i]));
            if (largest > most)
            {
                break;
            }
        }

        return largest;
    }
}
