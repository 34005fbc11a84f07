using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace DeformDetr.Oracle;

// Rows to columns, one to one, so that the sum of costs is least: shortest augmenting paths over reduced costs (Jonker and Volgenant,
// 1987).
internal static class Assignment
{
    private const double Large = 1e290;
    private const int Lanes = 4;

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
        int stride = (Math.Max(rows, columns) + Lanes - 1) / Lanes * Lanes;
        double[] costs = Prepare(cost, rows, columns, turned, stride, out double forbidden);
        int[] partners = Paths(costs, Math.Min(rows, columns), Math.Max(rows, columns), stride);
        int[] columnOfRow = new int[rows];
        Array.Fill(columnOfRow, -1);
        for (int i = 0; i < partners.Length; i++)
        {
            if (costs[(i * stride) + partners[i]] < forbidden)
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

    // A copy with fewer rows than columns, where a forbidden pair costs more than all others together; rows end in +∞ up to the stride.
    private static double[] Prepare(ReadOnlySpan<double> cost, int rows, int columns, bool turned, int stride, out double forbidden)
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
        double[] costs = new double[Math.Min(rows, columns) * stride];
        Array.Fill(costs, double.PositiveInfinity);
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                double value = cost[(row * columns) + column];
                costs[turned ? (column * stride) + row : (row * stride) + column] = double.IsFinite(value) ? scale * value : forbidden;
            }
        }

        return costs;
    }

    // rows <= columns.
    private static int[] Paths(double[] cost, int rows, int columns, int stride)
    {
        int[] columnOfRow = new int[rows];
        int[] rowOfColumn = new int[columns];
        Array.Fill(columnOfRow, -1);
        Array.Fill(rowOfColumn, -1);
        double[] rowPrice = new double[rows];
        double[] columnPrice = new double[stride];
        for (int row = 0; row < rows; row++)
        {
            int best = Cheapest(cost.AsSpan(row * stride, columns));
            rowPrice[row] = cost[(row * stride) + best];
            if (rowOfColumn[best] < 0)
            {
                rowOfColumn[best] = row;
                columnOfRow[row] = best;
            }
        }

        // Of columns that aren't settled: the distance from the start, the row before, and the price, which is -∞ once they are: then no
        // way to them is short.
        double[] distance = new double[stride];
        long[] previousRow = new long[stride];
        double[] price = new double[stride];
        double[] settledAt = new double[columns];
        List<int> settled = [];
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
            columnPrice.CopyTo(price, 0);
            settled.Clear();
            int row = start;
            double reached = 0;
            int last;
            while (true)
            {
                reached = Shorten(cost.AsSpan(row * stride, stride), price, reached - rowPrice[row], row, distance, previousRow);
                last = Nearest(distance.AsSpan(0, columns), reached, rowOfColumn);
                if (rowOfColumn[last] < 0)
                {
                    break;
                }

                settled.Add(last);
                settledAt[last] = reached;
                distance[last] = double.PositiveInfinity;
                price[last] = double.NegativeInfinity;
                row = rowOfColumn[last];
            }

            rowPrice[start] += reached;
            foreach (int column in settled)
            {
                double change = reached - settledAt[column];
                columnPrice[column] -= change;
                rowPrice[rowOfColumn[column]] += change;
            }

            while (last >= 0)
            {
                row = (int)previousRow[last];
                rowOfColumn[last] = row;
                (columnOfRow[row], last) = (last, columnOfRow[row]);
            }
        }
    }

    // A column at the given distance, a free one if there is one: it ends the search.
    private static int Nearest(ReadOnlySpan<double> distance, double reached, int[] rowOfColumn)
    {
        int first = distance.IndexOf(reached);
        for (int column = first; rowOfColumn[column] >= 0;)
        {
            int next = distance[(column + 1)..].IndexOf(reached);
            if (next < 0)
            {
                return first;
            }

            column += next + 1;
            if (rowOfColumn[column] < 0)
            {
                return column;
            }
        }

        return first;
    }

    // Shortens all distances by way of a row; the shortest.
    private static double Shorten(
        ReadOnlySpan<double> costs, ReadOnlySpan<double> price, double offset, int row, Span<double> distance, Span<long> previousRow)
    {
        ReadOnlySpan<Vector256<double>> costLanes = MemoryMarshal.Cast<double, Vector256<double>>(costs);
        ReadOnlySpan<Vector256<double>> priceLanes = MemoryMarshal.Cast<double, Vector256<double>>(price);
        Span<Vector256<double>> distanceLanes = MemoryMarshal.Cast<double, Vector256<double>>(distance);
        Span<Vector256<long>> previousLanes = MemoryMarshal.Cast<long, Vector256<long>>(previousRow);
        Vector256<double> nearest = Vector256.Create(double.PositiveInfinity);
        Vector256<double> offsets = Vector256.Create(offset);
        Vector256<long> rows = Vector256.Create((long)row);
        for (int i = 0; i < costLanes.Length; i++)
        {
            Vector256<double> length = costLanes[i] - priceLanes[i] + offsets;
            Vector256<double> old = distanceLanes[i];
            Vector256<double> less = Vector256.LessThan(length, old);
            Vector256<double> shorter = Vector256.ConditionalSelect(less, length, old);
            distanceLanes[i] = shorter;
            previousLanes[i] = Vector256.ConditionalSelect(less.AsInt64(), rows, previousLanes[i]);
            nearest = Vector256.ConditionalSelect(Vector256.LessThan(shorter, nearest), shorter, nearest);
        }

        return Math.Min(Math.Min(nearest[0], nearest[1]), Math.Min(nearest[2], nearest[3]));
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
