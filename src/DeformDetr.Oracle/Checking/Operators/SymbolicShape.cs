using System.Globalization;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// A shape in symbols: [N, Lq, M·D], [.., C], [N, Q, 2|4]. Each axis is a product of symbols and numbers, a
// choice of numbers, or ? for anything.
internal sealed class SymbolicShape
{
    private readonly string[] _axes;

    public SymbolicShape(string text)
    {
        Text = text;
        _axes = [.. text.Trim('[', ']').Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
        Leads = _axes.Length > 0 && _axes[0] == "..";
        _axes = Leads ? _axes[1..] : _axes;
    }

    public string Text { get; }

    // Whether any number of axes may stand before those that are written.
    public bool Leads { get; }

    public IReadOnlyList<string> Axes => _axes;

    public static string[] Factors(string axis) => axis.Split('·');

    // Whether a tensor's shape fits what is known of the symbols; learns those that it decides.
    public bool Fits(TensorShape shape, Dictionary<string, long> known)
    {
        int lead = shape.Rank - _axes.Length;
        if (Leads ? lead < 0 : lead != 0)
        {
            return false;
        }

        for (int axis = 0; axis < _axes.Length; axis++)
        {
            if (!Fits(_axes[axis], shape[axis + lead], known))
            {
                return false;
            }
        }

        return true;
    }

    public override string ToString() => Text;

    private static bool Fits(string axis, long size, Dictionary<string, long> known)
    {
        if (axis == "?")
        {
            return true;
        }

        if (axis.Contains('|', StringComparison.Ordinal))
        {
            return axis.Split('|').Contains(size.ToString(CultureInfo.InvariantCulture), StringComparer.Ordinal);
        }

        long product = 1;
        string? unknown = null;
        foreach (string factor in Factors(axis))
        {
            if (long.TryParse(factor, NumberStyles.None, CultureInfo.InvariantCulture, out long number) || known.TryGetValue(factor, out number))
            {
                product *= number;
            }
            else if (unknown is null)
            {
                unknown = factor;
            }
            else
            {
                return true;
            }
        }

        if (unknown is null)
        {
            return product == size;
        }

        if (product == 0 || size % product != 0)
        {
            return false;
        }

        known[unknown] = size / product;
        return true;
    }
}
