using System.Diagnostics;
using System.Globalization;

namespace DeformDetr.Tensors;

// What a debugger shows when a tensor is opened: facts first, then rows along the innermost axis, titled by their indices.
internal sealed class TensorDebugView<T>(Tensor<T> tensor)
    where T : unmanaged
{
    private const int MostRows = 256;
    private const int MostValues = 16;

    private TensorStatistics Statistics => TensorStatistics.Of(tensor);

    public string? Name => tensor.Name;

    public string Shape => tensor.Shape.ToString();

    public ElementType ElementType => tensor.ElementType;

    public double Minimum => Statistics.Minimum;

    public double Maximum => Statistics.Maximum;

    public double Mean => Statistics.Mean;

    public int NonFinite => Statistics.NonFinite;

    public T[] FirstValues => tensor.AsReadOnlySpan()[..Math.Min(MostValues, tensor.Length)].ToArray();

    public TensorRow[] Rows
    {
        get
        {
            TensorShape shape = tensor.Shape;
            if (shape.Rank == 0 || tensor.Length == 0)
            {
                return [];
            }

            int width = shape[^1];
            int count = Math.Min(MostRows, tensor.Length / width);
            TensorRow[] rows = new TensorRow[count];
            for (int row = 0; row < count; row++)
            {
                rows[row] = new TensorRow(Title(shape, row), tensor.AsReadOnlySpan().Slice(row * width, width).ToArray());
            }

            return rows;
        }
    }

    private static string Title(TensorShape shape, int row)
    {
        string[] words = new string[shape.Rank];
        words[^1] = ":";
        for (int axis = shape.Rank - 2; axis >= 0; axis--)
        {
            words[axis] = (row % shape[axis]).ToString(CultureInfo.InvariantCulture);
            row /= shape[axis];
        }

        return $"[{string.Join(", ", words)}]";
    }

    [DebuggerDisplay("{Text,nq}", Name = "{Title,nq}")]
    internal sealed class TensorRow(string title, T[] values)
    {
        [DebuggerBrowsable(DebuggerBrowsableState.Never)]
        public string Title => title;

        [DebuggerBrowsable(DebuggerBrowsableState.Never)]
        public string Text =>
            string.Join("  ", values.Take(MostValues).Select(v => string.Format(CultureInfo.InvariantCulture, "{0:G6}", v)))
            + (values.Length > MostValues ? "  …" : "");

        [DebuggerBrowsable(DebuggerBrowsableState.RootHidden)]
        public T[] Values => values;
    }
}
