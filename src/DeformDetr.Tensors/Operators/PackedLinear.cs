using System.Numerics;

namespace DeformDetr.Tensors.Operators;

/// <summary>
/// A linear layer made ready for many small groups of rows: the weights are packed once, and any thread of the run may map rows with them.
/// Gives the bits of <see cref="Linear"/> with Simd kernels (and of <see cref="Relu"/> behind it). Dispose gives the memory back.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class PackedLinear<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly OperatorContext _context;
    private readonly T[] _bias;
    private readonly bool _relu;
    private readonly int _inputs;
    private readonly int _outputs;
    private readonly Tensor<T> _weight;
    private readonly AlignedBuffer<T> _packed;

    /// <summary>Packs the weights.</summary>
    /// <param name="context">Threads and buffers.</param>
    /// <param name="weight">One row per output feature. Shape [O, I].</param>
    /// <param name="bias">Added last. Shape [O].</param>
    /// <param name="relu">Whether a ReLU follows.</param>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public PackedLinear(OperatorContext context, Tensor<T> weight, Tensor<T> bias, bool relu = false)
    {
        ShapeGuard.Rank(nameof(Linear), nameof(weight), weight.Shape, "[O, I]", 2);
        ShapeGuard.Require(nameof(Linear), nameof(bias), bias.Shape, "[O]", weight.Shape[0]);
        _context = context;
        _bias = bias.Storage.Array;
        _relu = relu;
        _outputs = weight.Shape[0];
        _inputs = weight.Shape[1];
        _weight = weight;
        _packed = Gemm.PackColumns<T, LaneMajorPanels<T>>(context, new LaneMajorPanels<T>(weight.Storage.Array, 0, _inputs), _outputs, _inputs);
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
        CheckInput(input, inputRow, rows);
        CheckOutput(output, outputRow, rows);
        LaneMajorPanels<T> a = new(input.Storage.Array, inputRow * _inputs, _inputs);
        int offset = outputRow * _outputs;
        if (_context.SummationOrder != SummationOrder.House)
        {
            Ordered(a, rows, output.Storage.Array, offset);
        }
        else if (_relu)
        {
            Gemm.MultiplyRows(
                _context, a, _packed, rows, _outputs, _inputs, output.Storage.Array, offset, _outputs, new ColumnBiasRelu<T>(_bias));
        }
        else
        {
            Gemm.MultiplyRows(
                _context, a, _packed, rows, _outputs, _inputs, output.Storage.Array, offset, _outputs, new ColumnBias<T>(_bias));
        }
    }

    internal void CheckInput(Tensor<T> input, int inputRow, int rows) =>
        ShapeGuard.That(
            input.Shape[^1] == _inputs && rows >= 0 && inputRow >= 0 && (long)(inputRow + rows) * _inputs <= input.Length,
            nameof(Linear), nameof(input), $"holds {input.Shape}; expected [.., {_inputs}] with rows {inputRow} to {inputRow + rows}.");

    internal void CheckOutput(Tensor<T> output, int outputRow, int rows) =>
        ShapeGuard.That(
            output.Shape[^1] == _outputs && outputRow >= 0 && (long)(outputRow + rows) * _outputs <= output.Length,
            nameof(Linear), nameof(output), $"holds {output.Shape}; expected [.., {_outputs}] with rows {outputRow} to {outputRow + rows}.");

    // Through this layer and the next, on the calling thread, in the house's order. The rows have been checked.
    internal void Then(PackedLinear<T> next, Tensor<T> input, int inputRow, int rows, Tensor<T> output, int outputRow) =>
        Gemm.MultiplyTwice(
            _context, new LaneMajorPanels<T>(input.Storage.Array, inputRow * _inputs, _inputs), _packed, next._packed, rows, _inputs, _outputs,
            next._outputs, output.Storage.Array, outputRow * next._outputs, new ColumnBiasRelu<T>(_bias), new ColumnBias<T>(next._bias));

    // In another order what was packed is of no use: the product packs for itself.
    private void Ordered(LaneMajorPanels<T> a, int rows, T[] output, int offset)
    {
        LaneMajorPanels<T> b = new(_weight.Storage.Array, 0, _inputs);
        OperatorContext context = _context.SingleThread;
        if (_relu)
        {
            Gemm.Multiply(context, a, b, rows, _outputs, _inputs, output, offset, _outputs, new ColumnBiasRelu<T>(_bias));
        }
        else
        {
            Gemm.Multiply(context, a, b, rows, _outputs, _inputs, output, offset, _outputs, new ColumnBias<T>(_bias));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _packed.Dispose();
}
