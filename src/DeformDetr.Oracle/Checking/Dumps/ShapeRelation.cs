using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>How a shape that is wrong relates to the one that was expected: said, never repaired.</summary>
internal static class ShapeRelation
{
    /// <summary>The relation in a few words, as a map would write it where it can; null where there is none.</summary>
    /// <param name="shape">The port's shape.</param>
    /// <param name="expected">The contract's.</param>
    public static string? Describe(TensorShape shape, TensorShape expected)
    {
        if (Orders(shape, expected) is { Count: > 0 } orders)
        {
            string axes = $"axes {string.Join(' ', orders[0].Select(Invariant))}";
            return orders.Count == 1 ? axes : string.Create(CultureInfo.InvariantCulture, $"{axes}, or another of {orders.Count} orders");
        }

        TensorShape bare = WithoutOnes(shape);
        TensorShape expectedBare = WithoutOnes(expected);
        if (bare == expectedBare)
        {
            return shape.Rank < expected.Rank ? "axes of size 1 squeezed"
                : shape.Rank > expected.Rank ? "more axes of size 1"
                : "an axis of size 1 moved";
        }

        if (shape.ElementCount == expected.ElementCount && shape.ElementCount > 0)
        {
            return Orders(bare, expectedBare).Count > 0 ? "axes of size 1 squeezed, and the others in another order"
                : SplitsOrMerges(shape, expected) ? "neighbouring axes split or merged: shape expected"
                : "as many elements";
        }

        return Broadcasts(shape, expected) ? "would have to be broadcast"
            : Broadcasts(expected, shape) ? "expanded over an axis of size 1"
            : null;
    }

    /// <summary>Whether one shape comes from the other by splitting or merging neighbouring axes; both have as many elements.</summary>
    public static bool SplitsOrMerges(TensorShape one, TensorShape other)
    {
        HashSet<long> some = Ends(one);
        HashSet<long> others = Ends(other);
        return some.IsSubsetOf(others) || others.IsSubsetOf(some);
    }

    /// <summary>All orders of a shape's axes that give the expected one, in lexical order; at most 24.</summary>
    public static IReadOnlyList<int[]> Orders(TensorShape shape, TensorShape expected)
    {
        List<int[]> orders = [];
        if (shape.Rank == expected.Rank && shape.Rank is > 0 and <= 8)
        {
            Extend(shape, expected, new int[shape.Rank], 0, 0, orders);
        }

        return orders;
    }

    private static void Extend(TensorShape shape, TensorShape expected, int[] order, int axis, int used, List<int[]> orders)
    {
        if (axis == order.Length)
        {
            orders.Add([.. order]);
            return;
        }

        for (int from = 0; from < order.Length && orders.Count < 24; from++)
        {
            if ((used & (1 << from)) == 0 && shape[from] == expected[axis])
            {
                order[axis] = from;
                Extend(shape, expected, order, axis + 1, used | (1 << from), orders);
            }
        }
    }

    // Where axes end, as counts of the elements inside: a shape that has all ends of another one splits its axes.
    private static HashSet<long> Ends(TensorShape shape)
    {
        HashSet<long> ends = [];
        long inside = 1;
        for (int axis = shape.Rank - 1; axis >= 0; axis--)
        {
            inside *= shape[axis];
            ends.Add(inside);
        }

        return ends;
    }

    private static bool Broadcasts(TensorShape shape, TensorShape expected)
    {
        if (shape.Rank > expected.Rank)
        {
            return false;
        }

        for (int axis = 1; axis <= shape.Rank; axis++)
        {
            if (shape[^axis] != 1 && shape[^axis] != expected[^axis])
            {
                return false;
            }
        }

        return true;
    }

    private static TensorShape WithoutOnes(TensorShape shape) => TensorShape.Create([.. shape.Where(size => size != 1)]);

    private static string Invariant(int number) => number.ToString(CultureInfo.InvariantCulture);
}
