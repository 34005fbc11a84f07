using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Where symbols stand in the shapes of an operator's tensors, and those tensors with one index of a symbol left.
internal sealed class SymbolSlices
{
    private readonly Dictionary<string, long> _sizes = new(StringComparer.Ordinal);
    private readonly OperatorDefinition _definition;

    public SymbolSlices(OperatorDefinition definition, IReadOnlyDictionary<string, Tensor> tensors, IReadOnlyDictionary<string, long> settings)
    {
        _definition = definition;
        foreach ((string symbol, long size) in settings)
        {
            _sizes[symbol] = size;
        }

        // Twice: a product is known once one of its factors is.
        for (int round = 0; round < 2; round++)
        {
            foreach ((string name, Tensor tensor) in tensors)
            {
                if (Described(name) is { IsList: false } described)
                {
                    described.Shape.Fits(tensor.Shape, _sizes);
                    string[] axes = Axes(described, tensor.Shape);
                    for (int axis = 0; axis < axes.Length; axis++)
                    {
                        if (axes[axis][0] == '#')
                        {
                            _sizes[axes[axis]] = tensor.Shape[axis];
                        }
                    }
                }
            }
        }
    }

    // Symbols of an output that have more than one index, and the index of an element along each.
    public IEnumerable<(string Symbol, int At)> Of(OperatorTensor output, TensorShape shape, IReadOnlyList<int> element)
    {
        string[] axes = Axes(output, shape);
        for (int axis = 0; axis < axes.Length; axis++)
        {
            int rest = element[axis];
            foreach (string factor in SymbolicShape.Factors(axes[axis]).Reverse())
            {
                if (!TrySize(factor, out long size) || size == 0)
                {
                    break;
                }

                if (size > 1 && _sizes.ContainsKey(factor))
                {
                    yield return (factor, (int)(rest % size));
                }

                rest /= (int)size;
            }
        }
    }

    // The tensor with one index of the symbol; itself where it doesn't have it.
    public Tensor Slice(OperatorContext context, string name, Tensor tensor, string symbol, int at)
    {
        if (Described(name) is not { IsList: false } described)
        {
            return tensor;
        }

        string[] axes = Axes(described, tensor.Shape);
        for (int axis = 0; axis < axes.Length; axis++)
        {
            string[] factors = SymbolicShape.Factors(axes[axis]);
            int place = Array.IndexOf(factors, symbol);
            if (place < 0)
            {
                continue;
            }

            int before = 1;
            for (int factor = 0; factor < place; factor++)
            {
                before *= TrySize(factors[factor], out long size) ? (int)size : 1;
            }

            int own = (int)_sizes[symbol];
            int after = tensor.Shape[axis] / Math.Max(1, before * own);
            int[] kept = new int[before * after];
            for (int index = 0; index < kept.Length; index++)
            {
                kept[index] = (((index / after) * own) + at) * after + (index % after);
            }

            tensor = Moves.Pick(context, tensor, axis, kept);
        }

        return tensor;
    }

    private bool TrySize(string factor, out long size) =>
        long.TryParse(factor, NumberStyles.None, CultureInfo.InvariantCulture, out size) || _sizes.TryGetValue(factor, out size);

    private OperatorTensor? Described(string name) =>
        _definition.Inputs.Concat(_definition.Weights).Concat(_definition.Outputs).FirstOrDefault(tensor => tensor.Name == name);

    // Axes that the symbols leave open are #0, #1, … from the front.
    private static string[] Axes(OperatorTensor tensor, TensorShape shape)
    {
        int lead = shape.Rank - tensor.Shape.Axes.Count;
        return [.. Enumerable.Range(0, Math.Max(0, lead)).Select(axis => FormattableString.Invariant($"#{axis}")), .. tensor.Shape.Axes];
    }
}
