using System.Globalization;

namespace DeformDetr.Oracle;

// The same numbers in other places. From says, for tensors of a shape, which element stands where: for every flat index of the port's
// tensor the right tensor's flat index. Rows: whether it moves elements from one row of the second axis to another.
internal sealed record Rearrangement(string Name, string Explanation, bool Rows, Func<Tensors.TensorShape, Func<int, int>?> From)
{
    private const int MostAxes = 6;

    // All that are tried on a step's tensor.
    public static IEnumerable<Rearrangement> All(Step step, Tensors.TensorShape shape)
    {
        int rank = shape.Rank;
        for (int axis = 0; axis < rank; axis++)
        {
            if (shape[axis] < 2)
            {
                continue;
            }

            int along = axis;
            string word = axis < step.Axes.Count ? step.Axes[axis] : string.Create(CultureInfo.InvariantCulture, $"axis {axis}");
            bool rows = axis == 1;
            int size = shape[axis];
            yield return Along($"{word} flipped", $"The {word} axis runs backwards.", (i, n) => n - 1 - i);
            if (size > 2)
            {
                yield return Along($"{word} off by one (forward)", $"Every element lies one {word} too far.", (i, n) => (i + n - 1) % n);
                yield return Along($"{word} off by one (backward)", $"Every element lies one {word} too early.", (i, n) => (i + 1) % n);
            }

            if (size % 2 == 0 && size > 2)
            {
                yield return Along(
                    $"{word} halves exchanged", $"The two halves of the {word} axis are exchanged.", (i, n) => (i + (n / 2)) % n);
                yield return Along($"{word} pairs exchanged", $"Neighbours along the {word} axis are exchanged in pairs.", (i, _) => i ^ 1);
            }

            // Two axes in one, in the other order; for half the size it is a matter of interleaving.
            for (int inner = 2; inner <= size / 2; inner++)
            {
                int part = inner;
                if (size % inner == 0 && !(rows && size > 4096))
                {
                    string sizes = string.Create(CultureInfo.InvariantCulture, $"({size / inner}, {inner})");
                    yield return Along(
                        $"{word} read as {sizes} in the other order",
                        $"The {word} axis is two axes {sizes} in one, and their order is exchanged.",
                        (i, n) => n % part == 0 ? (i % (n / part) * part) + (i / (n / part)) : -1);
                }
            }

            Rearrangement Along(string name, string explanation, Func<int, int, int> move) => new(name, explanation, rows, of =>
            {
                int n = of[along];
                int width = of.LengthFrom(along + 1);
                int[] moved = [.. Enumerable.Range(0, n).Select(i => move(i, n))];
                return moved.Contains(-1) ? null : i => i + ((moved[i / width % n] - (i / width % n)) * width);
            });
        }

        if (rank is < 2 or > MostAxes)
        {
            yield break;
        }

        foreach (int[] order in Orders(rank))
        {
            if (order.SequenceEqual(Enumerable.Range(0, rank)) || order.Count(axis => shape[axis] > 1) < 2)
            {
                continue;
            }

            string words = string.Join(", ", order.Select(axis => axis < step.Axes.Count ? step.Axes[axis] : "?"));
            yield return new(
                $"axes in the order ({words})", $"The numbers lie in the order ({words}).", order[1] != 1 || order[0] != 0,
                of => Permuted(of, order));
            yield return new(
                $"read as ({words})", $"The numbers are read as if their axes were ({words}).", order[1] != 1 || order[0] != 0,
                of => Read(of, order));
        }
    }

    // Numbers of a tensor whose axes lie in this order.
    private static Func<int, int> Permuted(Tensors.TensorShape shape, int[] order)
    {
        int rank = order.Length;
        int[] sizes = [.. order.Select(axis => shape[axis])];
        int[] strides = [.. order.Select(axis => shape.LengthFrom(axis + 1))];
        return i =>
        {
            int at = 0;
            for (int axis = rank - 1; axis >= 0; axis--)
            {
                at += i % sizes[axis] * strides[axis];
                i /= sizes[axis];
            }

            return at;
        };
    }

    // The right numbers, read as if their axes lay in this order, and put back.
    private static Func<int, int> Read(Tensors.TensorShape shape, int[] order)
    {
        int rank = order.Length;
        int[] strides = new int[rank];
        int stride = 1;
        for (int place = rank - 1; place >= 0; place--)
        {
            strides[order[place]] = stride;
            stride *= shape[order[place]];
        }

        return i =>
        {
            int at = 0;
            for (int axis = rank - 1; axis >= 0; axis--)
            {
                at += i % shape[axis] * strides[axis];
                i /= shape[axis];
            }

            return at;
        };
    }

    private static IEnumerable<int[]> Orders(int rank)
    {
        if (rank == 1)
        {
            yield return [0];
            yield break;
        }

        foreach (int[] rest in Orders(rank - 1))
        {
            for (int place = rank - 1; place >= 0; place--)
            {
                yield return [.. rest[..place], rank - 1, .. rest[place..]];
            }
        }
    }
}
