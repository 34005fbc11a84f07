namespace DeformDetr.Independent;

/// <summary>Operators that move elements, told by where an element goes to or comes from, with indices written out.</summary>
public static class Layout
{
    /// <summary>The indices of a flat position.</summary>
    public static int[] Indices(int at, ReadOnlySpan<int> sizes)
    {
        int[] indices = new int[sizes.Length];
        for (int axis = sizes.Length - 1; axis >= 0; at /= sizes[axis], axis--)
        {
            indices[axis] = at % sizes[axis];
        }

        return indices;
    }

    /// <summary>The flat position of indices.</summary>
    public static int Position(ReadOnlySpan<int> indices, ReadOnlySpan<int> sizes)
    {
        int at = 0;
        for (int axis = 0, step = 1; axis < sizes.Length; axis++, step = 1)
        {
            foreach (int size in sizes[(axis + 1)..])
            {
                step *= size;
            }

            at += indices[axis] * step;
        }

        return at;
    }

    /// <summary>Every input element is carried to its place in the output.</summary>
    public static T[] Permuted<T>(T[] x, int[] sizes, int[] axes)
    {
        int[] newSizes = [.. axes.Select(axis => sizes[axis])];
        T[] y = new T[x.Length];
        for (int at = 0; at < x.Length; at++)
        {
            int[] from = Indices(at, sizes);
            y[Position([.. axes.Select(axis => from[axis])], newSizes)] = x[at];
        }

        return y;
    }

    /// <summary>For each output element: which part it lies in.</summary>
    public static T[] Joined<T>(T[][] parts, int[][] sizes, int axis)
    {
        int[] whole = [.. sizes[0]];
        whole[axis] = sizes.Sum(s => s[axis]);
        T[] y = new T[whole.Aggregate(1, (a, b) => a * b)];
        for (int at = 0; at < y.Length; at++)
        {
            int[] index = Indices(at, whole);
            int part = 0;
            while (index[axis] >= sizes[part][axis])
            {
                index[axis] -= sizes[part++][axis];
            }

            y[at] = parts[part][Position(index, sizes[part])];
        }

        return y;
    }

    /// <summary>Ranks by counting: an element's rank is how many others come before it.</summary>
    public static int[] Ranked(double[] row, int k)
    {
        int[] order = new int[row.Length];
        for (int i = 0; i < row.Length; i++)
        {
            int before = 0;
            for (int other = 0; other < row.Length; other++)
            {
                bool larger = double.IsNaN(row[other]) ? !double.IsNaN(row[i]) : row[other] > row[i];
                bool equal = row[other] == row[i] || (double.IsNaN(row[other]) && double.IsNaN(row[i]));
                before += larger || (equal && other < i) ? 1 : 0;
            }

            order[before] = i;
        }

        return order[..k];
    }
}
