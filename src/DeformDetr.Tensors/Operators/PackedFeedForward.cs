using System.Numerics;

namespace DeformDetr.Tensors.Operators;

/// <summary>
/// Two linear layers with a ReLU between, made ready for many small groups of rows: the weights are packed once, any thread of the run may
/// map rows with them, and what lies between is never whole. Gives the bits of <see cref="Linear"/> with Simd kernels, of <see cref="Relu"/>
/// and of <see cref="Linear"/> again. Dispose gives the memory back.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class PackedFeedForward<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly OperatorContext _context;
    private readonly PackedLinear<T> _first;
    private readonly PackedLinear<T> _second;

    /// <summary>Packs the weights.</summary>
    /// <param name="context">Threads and buffers.</param>
    /// <param name="weight1">One row per hidden feature. Shape [F, I].</param>
    /// <param name="bias1">Shape [F].</param>
    /// <param name="weight2">One row per output feature. Shape [O, F].</param>
    /// <param name="bias2">Shape [O].</param>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public PackedFeedForward(OperatorContext context, Tensor<T> weight1, Tensor<T> bias1, Tensor<T> weight2, Tensor<T> bias2)
    {
        ShapeGuard.Rank(nameof(Linear), nameof(weight1), weight1.Shape, "[F, I]", 2);
        ShapeGuard.Require(nameof(Linear), nameof(weight2), weight2.Shape, "[O, F]", -1, weight1.Shape[0]);
        _context = context;
        _first = new PackedLinear<T>(context, weight1, bias1, relu: true);
        _second = new PackedLinear<T>(context, weight2, bias2);
    }

    /// <summary>Maps some rows, on the calling thread.</summary>
    /// <param name="input">Shape [.., I].</param>
    /// <param name="inputRow">The first row to read.</param>
    /// <param name="rows">How many.</param>
    /// <param name="output">Shape [.., O].</param>
    /// <param name="outputRow">The first row to write.</param>
    /// <exception cref="ArgumentException">Rows outside the tensors, or other widths.</exception>
    public void Rows(Tensor<T> input, int inputRow, int rows, Tensor<T> output, int outputRow)
    {
        _first.CheckInput(input, inputRow, rows);
        _second.CheckOutput(output, outputRow, rows);
        if (_context.SummationOrder == SummationOrder.House)
        {
            _first.Then(_second, input, inputRow, rows, output, outputRow);
            return;
        }

        Tensor<T> hidden = new([rows, _first.Outputs]);
        _first.Rows(input, inputRow, rows, hidden, 0);
        _second.Rows(hidden, 0, rows, output, outputRow);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
    }
}
