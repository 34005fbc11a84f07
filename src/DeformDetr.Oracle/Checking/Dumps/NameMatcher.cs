using System.Globalization;
using DeformDetr.Formats;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>
/// Proposes which tensors of a dump could be those that no name was found for, by shape and content. Expected tensors come one at a time
/// and only a sample of each is kept; the dump's are read at the end, one at a time. Proposals are for people to put into a map.
/// </summary>
internal sealed class NameMatcher
{
    /// <summary>Less alike than this is not proposed: neighbouring layers of a model are alike too.</summary>
    public const double LeastCorrelation = 0.9;

    private const int SampleSize = 4096;
    private const int FirstLook = 256;
    private const int MostAxes = 6;

    private readonly List<Sample> _expected = [];

    /// <summary>Keeps a sample of a tensor that the dump has under no known name.</summary>
    /// <param name="name">The contract's name.</param>
    /// <param name="expected">The tensor. Shape [..].</param>
    public void Offer(string name, Tensor expected)
    {
        if (expected.Length == 0)
        {
            return;
        }

        int[] places = Places(expected.Length);
        double[] values = new double[places.Length];
        for (int index = 0; index < places.Length; index++)
        {
            values[index] = expected switch
            {
                Tensor<double> t => t.AsReadOnlySpan()[places[index]],
                Tensor<float> t => t.AsReadOnlySpan()[places[index]],
                Tensor<long> t => t.AsReadOnlySpan()[places[index]],
                Tensor<int> t => t.AsReadOnlySpan()[places[index]],
                Tensor<byte> t => t.AsReadOnlySpan()[places[index]],
                Tensor<bool> t => t.AsReadOnlySpan()[places[index]] ? 1 : 0,
                _ => double.NaN,
            };
        }

        _expected.Add(new Sample(name, expected.Shape, values));
    }

    /// <summary>Pairs that shape and content suggest, the most alike first; each name once.</summary>
    /// <param name="dump">The dump.</param>
    /// <param name="unmatched">The dump's own names that no name of the contract stands for.</param>
    /// <exception cref="InvalidDataException">A tensor's data is damaged.</exception>
    public IReadOnlyList<NameProposal> Propose(PortDump dump, IEnumerable<string> unmatched)
    {
        Dictionary<string, TensorEntry> entries = dump.Entries.ToDictionary(entry => entry.Name, StringComparer.Ordinal);
        ILookup<int, Sample> byLength = _expected.ToLookup(sample => sample.Shape.ElementCount);
        List<(NameProposal Proposal, int Shared)> pairs = [];
        foreach (string portName in unmatched)
        {
            TensorShape shape = entries[portName].Shape;
            if (!byLength.Contains(shape.ElementCount))
            {
                continue;
            }

            Tensor<double> port = dump.ReadAsNumbers(portName);
            foreach (IGrouping<TensorShape, Sample> group in byLength[shape.ElementCount].GroupBy(sample => sample.Shape))
            {
                foreach ((string layout, double[] values) in Readings(port, group.Key))
                {
                    foreach (Sample sample in group)
                    {
                        double likeness = Correlation(values, sample.Values, FirstLook);
                        likeness = likeness >= LeastCorrelation / 2 ? Correlation(values, sample.Values, SampleSize) : 0;
                        if (likeness >= LeastCorrelation)
                        {
                            NameProposal proposal = new(portName, sample.Name, layout, Math.Min(likeness, 1));
                            pairs.Add((proposal, SharedWords(portName, sample.Name)));
                        }
                    }
                }
            }
        }

        // A layer's output and its last norm are equal in content: then the names' common words decide, and the plainer layout.
        pairs.Sort((one, other) =>
        {
            int order = Rounded(other.Proposal.Correlation).CompareTo(Rounded(one.Proposal.Correlation));
            order = order != 0 ? order : other.Shared.CompareTo(one.Shared);
            order = order != 0 ? order : one.Proposal.Layout.Length.CompareTo(other.Proposal.Layout.Length);
            order = order != 0 ? order : string.CompareOrdinal(one.Proposal.Name, other.Proposal.Name);
            return order != 0 ? order : string.CompareOrdinal(one.Proposal.PortName, other.Proposal.PortName);
        });
        HashSet<string> ports = new(StringComparer.Ordinal);
        HashSet<string> names = new(StringComparer.Ordinal);
        List<NameProposal> proposals = [];
        foreach ((NameProposal proposal, _) in pairs)
        {
            if (!ports.Contains(proposal.PortName) && !names.Contains(proposal.Name))
            {
                ports.Add(proposal.PortName);
                names.Add(proposal.Name);
                proposals.Add(proposal);
            }
        }

        return proposals;
    }

    // The port's values at the sampled places, for every way to read its layout as the expected one.
    private static IEnumerable<(string Layout, double[] Values)> Readings(Tensor<double> port, TensorShape expected)
    {
        int[] places = Places(port.Length);
        if (port.Shape == expected)
        {
            yield return ("as it is", Gather(port, places, [.. expected], null));
        }
        else if (ShapeRelation.SplitsOrMerges(port.Shape, expected))
        {
            yield return ("shape expected", Gather(port, places, [.. expected], null));
        }

        // The port's axes in another order, then split or merged into the contract's; or split into the contract's axes in another order.
        int[] own = [.. port.Shape];
        foreach (int[] order in Orders(own))
        {
            TensorShape ordered = TensorShape.Create([.. order.Select(axis => own[axis])]);
            if (ordered == expected || (ShapeRelation.SplitsOrMerges(ordered, expected) && ordered.Rank >= expected.Rank))
            {
                string axes = $"axes {Join(order, ' ')}";
                yield return (ordered == expected ? axes : $"{axes}] [shape expected", Gather(port, places, own, order));
            }
        }

        int[] wanted = [.. expected];
        foreach (int[] order in Orders(wanted))
        {
            // The port holds the contract's axes in this order, some of them merged.
            int[] held = [.. order.Select(axis => wanted[axis])];
            TensorShape split = TensorShape.Create(held);
            if (split != port.Shape && split.Rank > port.Shape.Rank && ShapeRelation.SplitsOrMerges(split, port.Shape))
            {
                int[] back = new int[order.Length];
                for (int axis = 0; axis < order.Length; axis++)
                {
                    back[order[axis]] = axis;
                }

                yield return ($"shape {Join(held, ',')}] [axes {Join(back, ' ')}", Gather(port, places, held, back));
            }
        }
    }

    // Orders that move more than axes of size 1 about; the given one is not among them.
    private static IEnumerable<int[]> Orders(int[] sizes)
    {
        if (sizes.Length is < 2 or > MostAxes)
        {
            yield break;
        }

        int[] order = [.. Enumerable.Range(0, sizes.Length)];
        while (Next(order))
        {
            int last = -1;
            bool moves = false;
            foreach (int axis in order)
            {
                if (sizes[axis] != 1)
                {
                    moves |= axis < last;
                    last = axis;
                }
            }

            if (moves)
            {
                yield return [.. order];
            }
        }
    }

    // The next permutation in lexical order.
    private static bool Next(int[] order)
    {
        int turn = order.Length - 2;
        while (turn >= 0 && order[turn] > order[turn + 1])
        {
            turn--;
        }

        if (turn < 0)
        {
            return false;
        }

        int other = order.Length - 1;
        while (order[other] < order[turn])
        {
            other--;
        }

        (order[turn], order[other]) = (order[other], order[turn]);
        Array.Reverse(order, turn + 1, order.Length - turn - 1);
        return true;
    }

    // Elements at flat places of the result that has axis order[k] of these sizes as its axis k.
    private static double[] Gather(Tensor<double> port, int[] places, int[] sizes, int[]? order)
    {
        ReadOnlySpan<double> elements = port.AsReadOnlySpan();
        double[] values = new double[places.Length];
        int[] strides = new int[sizes.Length];
        int stride = 1;
        for (int axis = sizes.Length - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= sizes[axis];
        }

        for (int index = 0; index < places.Length; index++)
        {
            int from = places[index];
            if (order is not null)
            {
                int rest = from;
                from = 0;
                for (int axis = order.Length - 1; axis >= 0; axis--)
                {
                    from += rest % sizes[order[axis]] * strides[order[axis]];
                    rest /= sizes[order[axis]];
                }
            }

            values[index] = elements[from];
        }

        return values;
    }

    // All places of a small tensor; else some that no stride of its axes hits by chance: multiples of the golden ratio.
    private static int[] Places(int length)
    {
        int[] places = new int[Math.Min(length, SampleSize)];
        for (int index = 0; index < places.Length; index++)
        {
            places[index] = length <= SampleSize
                ? index
                : (int)Math.BigMul((ulong)(index + 1) * 0x9E3779B97F4A7C15, (ulong)length, out _);
        }

        return places;
    }

    // Pearson's, over what is finite in both; 0 where one of them is constant, or where infinities stand apart.
    private static double Correlation(double[] one, double[] other, int first)
    {
        double count = 0;
        double meanOne = 0;
        double meanOther = 0;
        int step = Math.Max(1, one.Length / first);
        for (int index = 0; index < one.Length; index += step)
        {
            bool finite = double.IsFinite(one[index]);
            if (finite != double.IsFinite(other[index]))
            {
                return 0;
            }

            count += finite ? 1 : 0;
            meanOne += finite ? one[index] : 0;
            meanOther += finite ? other[index] : 0;
        }

        meanOne /= count;
        meanOther /= count;
        double both = 0;
        double squaresOne = 0;
        double squaresOther = 0;
        for (int index = 0; index < one.Length; index += step)
        {
            if (double.IsFinite(one[index]))
            {
                double a = one[index] - meanOne;
                double b = other[index] - meanOther;
                both += a * b;
                squaresOne += a * a;
                squaresOther += b * b;
            }
        }

        double correlation = both / Math.Sqrt(squaresOne * squaresOther);
        return double.IsFinite(correlation) ? correlation : 0;
    }

    private static double Rounded(double correlation) => Math.Round(correlation, 6);

    private static int SharedWords(string one, string other)
    {
        HashSet<string> words = [.. one.Split('.', '/', '_')];
        words.IntersectWith(other.Split('.', '/', '_'));
        return words.Count;
    }

    private static string Join(IEnumerable<int> numbers, char separator) =>
        string.Join(separator, numbers.Select(number => number.ToString(CultureInfo.InvariantCulture)));

    private sealed record Sample(string Name, TensorShape Shape, double[] Values);
}
