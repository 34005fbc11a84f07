namespace DeformDetr.Oracle;

// Rows to columns, one to one, so that the sum of costs is least: shortest augmenting paths over reduced costs (Jonker and Volgenant, 1987).
internal static class Assignment
{
    private const double Large = 1e290;

    // For every row its column, or -1. A cost of +∞ or NaN forbids a pair; as many rows as possible get a column, and among those ways the
    // cheapest is taken. With more rows than columns some rows stay without.
    public static int[] Solve(double[,] cost) =>
        Solve(Flat(cost), cost.GetLength(0), cost.GetLength(1));

    // The same over rows · columns numbers, row by row.
    public static int[] Solve(ReadOnlySpan<double> cost, int rows, int columns)
    {
        if (cost.Length != (long)rows * columns)
        {
            throw new ArgumentException($"assignment: cost holds {cost.Length} numbers; expected rows · columns = {rows} · {columns}.");
        }

        bool turned = rows > columns;
        double[] costs = Prepare(cost, rows, columns, turned, out double forbidden);
        int[] partners = turned ? Paths(costs, columns, rows) : Paths(costs, rows, columns);
        int[] columnOfRow = new int[rows];
        Array.Fill(columnOfRow, -1);
        for (int i = 0; i < partners.Length; i++)
        {
            if (costs[(i * (turned ? rows : columns)) + partners[i]] < forbidden)
            {
                (int row, int column) = turned ? (partners[i], i) : (i, partners[i]);
                columnOfRow[row] = column;
            }
        }

        return columnOfRow;
    }

    private static double[] Flat(double[,] cost)
    {
        double[] flat = new double[cost.Length];
        Buffer.BlockCopy(cost, 0, flat, 0, cost.Length * sizeof(double));
        return flat;
    }

    // A copy with fewer rows than columns, where a forbidden pair costs more than all others together.
    private static double[] Prepare(ReadOnlySpan<double> cost, int rows, int columns, bool turned, out double forbidden)
    {
        double least = double.PositiveInfinity;
        double most = double.NegativeInfinity;
        foreach (double value in cost)
        {
            if (double.IsNegativeInfinity(value))
            {
                throw new ArgumentException("assignment: cost holds -∞; expected finite numbers, +∞ for a pair that is forbidden.");
            }

            if (double.IsFinite(value))
            {
                least = Math.Min(least, value);
                most = Math.Max(most, value);
            }
        }

        // A power of two, so that nothing is rounded; only where sums could overflow.
        double magnitude = Math.Max(Math.Abs(least), Math.Abs(most));
        double scale = double.IsFinite(magnitude) && magnitude > Large ? 1.0 / (1 << 30) : 1;
        least = double.IsFinite(least) ? scale * least : 0;
        most = double.IsFinite(most) ? scale * most : 0;
        double range = most - least;
        forbidden = most + (Math.Min(rows, columns) * range) + (range > 0 ? range : Math.Max(1, Math.Abs(most)));
        double[] costs = new double[cost.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                double value = cost[(row * columns) + column];
                costs[turned ? (column * rows) + row : (row * columns) + column] = double.IsFinite(value) ? scale * value : forbidden;
            }
        }

        return costs;
    }

    // rows <= columns.
    private static int[] Paths(double[] cost, int rows, int columns)
    {
        int[] columnOfRow = new int[rows];
        int[] rowOfColumn = new int[columns];
        Array.Fill(columnOfRow, -1);
        Array.Fill(rowOfColumn, -1);
        double[] rowPrice = new double[rows];
        double[] columnPrice = new double[columns];
        for (int row = 0; row < rows; row++)
        {
            int best = Cheapest(cost.AsSpan(row * columns, columns));
            rowPrice[row] = cost[(row * columns) + best];
            if (rowOfColumn[best] < 0)
            {
                rowOfColumn[best] = row;
                columnOfRow[row] = best;
            }
        }

        double[] distance = new double[columns];
        int[] previousRow = new int[columns];
        int[] open = new int[columns];
        for (int start = 0; start < rows; start++)
        {
            if (columnOfRow[start] < 0)
            {
                Extend(start);
            }
        }

        return columnOfRow;

        void Extend(int start)
        {
            Array.Fill(distance, double.PositiveInfinity);
            for (int column = 0; column < columns; column++)
            {
                open[column] = column;
            }

            int closed = 0;
            int row = start;
            double reached = 0;
            int last;
            while (true)
            {
                // Columns open[closed..] are not settled yet: shorten their distances by way of this row, and settle the nearest.
                ReadOnlySpan<double> costs = cost.AsSpan(row * columns, columns);
                double offset = reached - rowPrice[row];
                double nearest = double.PositiveInfinity;
                int at = closed;
                for (int i = closed; i < columns; i++)
                {
                    int column = open[i];
                    double length = costs[column] - columnPrice[column] + offset;
                    if (length < distance[column])
                    {
                        distance[column] = length;
                        previousRow[column] = row;
                    }

                    if (distance[column] < nearest || (distance[column] == nearest && rowOfColumn[column] < 0))
                    {
                        nearest = distance[column];
                        at = i;
                    }
                }

                last = open[at];
                reached = nearest;
                if (rowOfColumn[last] < 0)
                {
                    break;
                }

                (open[closed], open[at]) = (open[at], open[closed]);
                closed++;
                row = rowOfColumn[last];
            }

            rowPrice[start] += reached;
            for (int i = 0; i < closed; i++)
            {
                int column = open[i];
                double change = reached - distance[column];
                columnPrice[column] -= change;
                rowPrice[rowOfColumn[column]] += change;
            }

            while (last >= 0)
            {
                row = previousRow[last];
                rowOfColumn[last] = row;
                (columnOfRow[row], last) = (last, columnOfRow[row]);
            }
        }
    }

    private static int Cheapest(ReadOnlySpan<double> costs)
    {
        int best = 0;
        for (int column = 1; column < costs.Length; column++)
        {
            best = costs[column] < costs[best] ? column : best;
        }

        return best;
    }
}
