using System.Numerics;

namespace DeformDetr.Tensors.Operators;

/// <summary>
/// A linear layer made ready for many small groups of rows: the weights are packed once, and any thread of the run may map rows with them.
/// Gives the bits of <see cref="Linear"/> with Simd kernels. Dispose gives the memory back.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class PackedLinear<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly OperatorContext _context;
    private readonly Tensor<T> _bias;
    private readonly int _inputs;
    private readonly int _outputs;
    private readonly Tensor<T> _weight;
    private readonly AlignedBuffer<T> _packed;

    /// <summary>Packs the weights.</summary>
    /// <param name="context">Threads and buffers.</param>
    /// <param name="weight">One row per output feature. Shape [O, I].</param>
    /// <param name="bias">Added last. Shape [O].</param>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public PackedLinear(OperatorContext context, Tensor<T> weight, Tensor<T> bias)
    {
        ShapeGuard.Rank(nameof(Linear), nameof(weight), weight.Shape, "[O, I]", 2);
        ShapeGuard.Require(nameof(Linear), nameof(bias), bias.Shape, "[O]", weight.Shape[0]);
        _context = context;
        _bias = bias;
        _outputs = weight.Shape[0];
        _inputs = weight.Shape[1];
        _weight = weight;
        _packed = Gemm.PackColumns<T, LaneMajorPanels<T>>(context, new LaneMajorPanels<T>(weight.At(), _inputs), _outputs, _inputs);
    }

    /// <summary>O, the width of the rows that go out.</summary>
    public int Outputs => _outputs;

    /// <summary>Maps some rows, on the calling thread.</summary>
    /// <param name="input">Shape [.., I].</param>
    /// <param name="inputRow">The first row to read.</param>
    /// <param name="rows">How many.</param>
    /// <param name="output">Shape [.., O].</param>
    /// <param name="outputRow">The first row to write.</param>
    /// <exception cref="ArgumentException">Rows outside the tensors, or other widths.</exception>
    public void Rows(Tensor<T> input, int inputRow, int rows, Tensor<T> output, int outputRow)
    {
        LaneMajorPanels<T> a = RowsOf(input, inputRow, rows);
        CheckOutput(output, outputRow, rows);
        Place<T> target = output.At(outputRow * _outputs);
        ColumnBias<T> bias = new(_bias.At());
        if (_context.SummationOrder == SummationOrder.House)
        {
            Gemm.MultiplyRows(_context, a, _packed, rows, _outputs, _inputs, target, _outputs, bias);
        }
        else
        {
            Ordered(a, rows, target, bias);
        }
    }

    /// <summary>
    /// Maps some rows through this layer, a ReLU and a second layer, on the calling thread: the bits of <see cref="Linear"/>,
    /// <see cref="Relu"/> and <see cref="Linear"/>. What lies between is never whole.
    /// </summary>
    /// <param name="next">The second layer, whose I is the O of this one.</param>
    /// <param name="input">Shape [.., I].</param>
    /// <param name="inputRow">The first row to read.</param>
    /// <param name="rows">How many.</param>
    /// <param name="output">Shape [.., O of the second layer].</param>
    /// <param name="outputRow">The first row to write.</param>
    /// <exception cref="ArgumentException">Rows outside the tensors, or other widths.</exception>
    public void RowsThrough(PackedLinear<T> next, Tensor<T> input, int inputRow, int rows, Tensor<T> output, int outputRow)
    {
        ShapeGuard.Require(nameof(Linear), "the second weight", next._weight.Shape, "[O, F]", -1, _outputs);
        LaneMajorPanels<T> a = RowsOf(input, inputRow, rows);
        next.CheckOutput(output, outputRow, rows);
        Place<T> target = output.At(outputRow * next._outputs);
        ColumnBiasRelu<T> biasRelu = new(_bias.At());
        ColumnBias<T> bias = new(next._bias.At());
        if (_context.SummationOrder == SummationOrder.House)
        {
            Gemm.MultiplyTwice(
                _context, a, _packed, next._packed, rows, _inputs, _outputs, next._outputs, target, biasRelu, bias);
        }
        else
        {
            using AlignedBuffer<T> hidden = _context.Scratch<T>(rows * _outputs);
            Ordered(a, rows, hidden.At(), biasRelu);
            next.Ordered(new LaneMajorPanels<T>(hidden.At(), _outputs), rows, target, bias);
        }
    }

    private LaneMajorPanels<T> RowsOf(Tensor<T> input, int inputRow, int rows)
    {
        ShapeGuard.That(
            input.Shape[^1] == _inputs && rows >= 0 && inputRow >= 0 && (long)(inputRow + rows) * _inputs <= input.Length,
            nameof(Linear), nameof(input), $"holds {input.Shape}; expected [.., {_inputs}] with rows {inputRow} to {inputRow + rows}.");
        return new LaneMajorPanels<T>(input.At(inputRow * _inputs), _inputs);
    }

    private void CheckOutput(Tensor<T> output, int outputRow, int rows) =>
        ShapeGuard.That(
            output.Shape[^1] == _outputs && outputRow >= 0 && (long)(outputRow + rows) * _outputs <= output.Length,
            nameof(Linear), nameof(output), $"holds {output.Shape}; expected [.., {_outputs}] with rows {outputRow} to {outputRow + rows}.");

    // In another order what was packed is of no use: the product packs for itself.
    private void Ordered<TEpilogue>(LaneMajorPanels<T> a, int rows, Place<T> output, TEpilogue epilogue)
        where TEpilogue : struct, IEpilogue<T>
    {
        LaneMajorPanels<T> b = new(_weight.At(), _inputs);
        Gemm.Multiply(_context.SingleThread, a, b, rows, _outputs, _inputs, output, _outputs, epilogue);
    }

    /// <inheritdoc/>
    public void Dispose() => _packed.Dispose();
}
