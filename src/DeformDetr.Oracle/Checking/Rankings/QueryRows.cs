using System.Runtime.InteropServices;

namespace DeformDetr.Oracle;

// The queries of one picture, rows of `width` numbers: the port's, the expected ones, and the noise of the latter.
internal sealed class QueryRows(double[] port, double[] expected, double[] noise, int queries, int width)
{
    // The port's row for every expected one. Where a perfect pairing within noise exists, one is found; of rows that are equal within noise
    // as many as possible stay in their places.
    public int[] Align()
    {
        int[] partners = InPlace();
        if (AllWithin(partners))
        {
            return partners;
        }

        // Copies, and rows that have one candidate only, need no search.
        Array.Fill(partners, -1);
        bool[] used = new bool[queries];
        PairCopies(partners, used);
        bool copies = Array.Exists(used, taken => taken);
        PairSingles(partners, used);
        PairRest(partners, used);
        if (copies && !AllWithin(partners))
        {
            // A copy may have been the only candidate of another row.
            Array.Fill(partners, -1);
            Array.Clear(used);
            PairRest(partners, used);
        }

        StayWherePossible(partners);
        return partners;
    }

    public double Error(int query, int row) => NoiseDistance.Largest(Port(row), Expected(query), Noise(query));

    private ReadOnlySpan<double> Port(int row) => port.AsSpan(row * width, width);

    private ReadOnlySpan<double> Expected(int query) => expected.AsSpan(query * width, width);

    private ReadOnlySpan<double> Noise(int query) => noise.AsSpan(query * width, width);

    private bool Within(int query, int row) => NoiseDistance.Within(Port(row), Expected(query), Noise(query));

    private int[] InPlace()
    {
        int[] partners = new int[queries];
        for (int query = 0; query < queries; query++)
        {
            partners[query] = query;
        }

        return partners;
    }

    private bool AllWithin(int[] partners)
    {
        for (int query = 0; query < queries; query++)
        {
            if (!Within(query, partners[query]))
            {
                return false;
            }
        }

        return true;
    }

    private void PairCopies(int[] partners, bool[] used)
    {
        Dictionary<ulong, List<int>> rowsOf = [];
        for (int row = 0; row < queries; row++)
        {
            ref List<int>? rows = ref CollectionsMarshal.GetValueRefOrAddDefault(rowsOf, Hash(Port(row)), out _);
            (rows ??= []).Add(row);
        }

        // Those in their places first.
        for (int pass = 0; pass < 2; pass++)
        {
            for (int query = 0; query < queries; query++)
            {
                if (partners[query] >= 0 || !rowsOf.TryGetValue(Hash(Expected(query)), out List<int>? rows))
                {
                    continue;
                }

                foreach (int row in rows)
                {
                    if (!used[row] && (pass == 1 || row == query) && Port(row).SequenceEqual(Expected(query)))
                    {
                        partners[query] = row;
                        used[row] = true;
                        break;
                    }
                }
            }
        }
    }

    // Rows sorted along one direction: only those whose projection is as near as the noise allows are compared.
    private void PairSingles(int[] partners, bool[] used)
    {
        double[] direction = Direction();
        List<int> free = [];
        for (int row = 0; row < queries; row++)
        {
            if (!used[row])
            {
                free.Add(row);
            }
        }

        int[] rows = [.. free];
        double[] keys = Array.ConvertAll(rows, row => Project(Port(row), direction));
        Array.Sort(keys, rows);
        int[] only = new int[queries];
        int[] wantedBy = new int[queries];
        for (int query = 0; query < queries; query++)
        {
            only[query] = -1;
            if (partners[query] >= 0)
            {
                continue;
            }

            double centre = Project(Expected(query), direction);
            double reach = Reach(query, direction);
            int candidates = 0;
            for (int i = LowerBound(keys, centre - reach); i < keys.Length && keys[i] <= centre + reach; i++)
            {
                if (Within(query, rows[i]))
                {
                    candidates++;
                    wantedBy[rows[i]]++;
                    only[query] = candidates == 1 ? rows[i] : -1;
                }
            }
        }

        for (int query = 0; query < queries; query++)
        {
            if (only[query] >= 0 && wantedBy[only[query]] == 1)
            {
                partners[query] = only[query];
                used[only[query]] = true;
            }
        }
    }

    // One pair that isn't within noise costs more than all that are.
    private void PairRest(int[] partners, bool[] used)
    {
        List<int> wanting = [];
        List<int> free = [];
        for (int i = 0; i < queries; i++)
        {
            if (partners[i] < 0)
            {
                wanting.Add(i);
            }

            if (!used[i])
            {
                free.Add(i);
            }
        }

        double[] cost = new double[wanting.Count * free.Count];
        for (int i = 0; i < wanting.Count; i++)
        {
            for (int j = 0; j < free.Count; j++)
            {
                cost[(i * free.Count) + j] = Within(wanting[i], free[j])
                    ? Error(wanting[i], free[j]) / (queries + 1)
                    : 1 + NoiseDistance.Saturating(Port(free[j]), Expected(wanting[i]), Noise(wanting[i]));
            }
        }

        int[] columns = Assignment.Solve(cost, wanting.Count, free.Count);
        for (int i = 0; i < wanting.Count; i++)
        {
            partners[wanting[i]] = free[columns[i]];
        }
    }

    private void StayWherePossible(int[] partners)
    {
        int[] owner = new int[queries];
        for (int query = 0; query < queries; query++)
        {
            owner[partners[query]] = query;
        }

        for (int query = 0; query < queries; query++)
        {
            int other = owner[query];
            int row = partners[query];
            if (other != query && Within(query, query) && (Within(other, row) || !Within(other, query)))
            {
                (partners[query], partners[other]) = (query, row);
                (owner[query], owner[row]) = (query, other);
            }
        }
    }

    private double[] Direction()
    {
        double[] direction = new double[width];
        ulong state = 0x9E3779B97F4A7C15;
        for (int channel = 0; channel < width; channel++)
        {
            // xorshift; any fixed numbers of both signs would do.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            direction[channel] = ((state >> 11) / (double)(1UL << 52)) - 1;
        }

        return direction;
    }

    private static double Project(ReadOnlySpan<double> row, double[] direction)
    {
        double sum = 0;
        for (int channel = 0; channel < row.Length; channel++)
        {
            sum += direction[channel] * row[channel];
        }

        return sum;
    }

    // The noise, and what summing rounds.
    private double Reach(int query, double[] direction)
    {
        double sum = 0;
        for (int channel = 0; channel < width; channel++)
        {
            double magnitude = Math.Abs(direction[channel]);
            sum += magnitude * (Noise(query)[channel] + (width * 1e-15 * (Math.Abs(Expected(query)[channel]) + Noise(query)[channel])));
        }

        return sum;
    }

    private static int LowerBound(double[] keys, double value)
    {
        int from = 0;
        int to = keys.Length;
        while (from < to)
        {
            int middle = (from + to) / 2;
            (from, to) = keys[middle] < value ? (middle + 1, to) : (from, middle);
        }

        return from;
    }

    private static ulong Hash(ReadOnlySpan<double> row)
    {
        ulong hash = 14695981039346656037;
        foreach (double value in row)
        {
            // Both zeros are one number.
            hash = (hash ^ (ulong)BitConverter.DoubleToInt64Bits(value + 0.0)) * 1099511628211;
            hash ^= hash >> 29;
        }

        return hash;
    }
}
