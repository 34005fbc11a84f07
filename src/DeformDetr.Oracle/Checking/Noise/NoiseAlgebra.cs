using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Values in float64, the bits of ReferenceAlgebra<double>, and with each element the largest error that a correct implementation in another
// format may have there: first order, without any absolute tolerance. docs/numerics.md has the formulas and the reasons of their constants.
internal sealed partial class NoiseAlgebra : Algebra
{
    // A function of a library: 2 units in the last place, which is at most 4 Epsilon of the result.
    public const double Function = 4;

    private const int Part = 1 << 14;

    private readonly NoiseUnit _unit;
    private readonly ReferenceAlgebra<double> _values;

    // Products of magnitudes are made with the fast kernels and in float32, whatever the values are made with: noise needs no more.
    private readonly OperatorContext _fast;

    public NoiseAlgebra(OperatorContext context, NoiseUnit unit)
        : base(context)
    {
        _unit = unit;
        _values = new ReferenceAlgebra<double>(context);
        _fast = context.Beside(Kernels.Simd);
    }

    public override NoiseUnit Unit => _unit;

    // The part of a sum's bound that its rounding may fill: less than all where legal orders were seen to stay far below it.
    public double SumShare { get; set; } = 1;

    public override Quantity GivenWeight(Tensor tensor)
    {
        Quantity given = Given(tensor);
        if (_unit.Epsilon <= NoiseUnit.Float32.Epsilon || given.Tensor is not Tensor<double> weight)
        {
            return given;
        }

        Tensor<double> noise = new(weight.Shape);
        for (int i = 0; i < weight.Length; i++)
        {
            double value = weight.AsReadOnlySpan()[i];
            noise.AsSpan()[i] = _unit.Settle(_unit.Epsilon * Math.Abs(value), value);
        }

        return new Quantity(weight, noise);
    }

    private double U => _unit.Epsilon;

    public override Quantity Given(Tensor tensor) => _values.Given(tensor);

    public override Quantity Reshape(Quantity x, TensorShape shape) => Move(x, part => _values.Reshape(part, shape));

    public override Quantity Permute(Quantity x, params int[] axes) => Move(x, part => _values.Permute(part, axes));

    public override Quantity Concat(IReadOnlyList<Quantity> parts, int axis)
    {
        Quantity value = _values.Concat(parts, axis);
        return parts.All(part => part.Noise is null)
            ? value
            : new Quantity(
                value.Tensor,
                _values.Concat([.. parts.Select(part => new Quantity(part.Noise ?? new Tensor<double>(part.Shape)))], axis).Real);
    }

    public override Quantity Pick(Quantity x, int axis, params int[] indices) => Move(x, part => _values.Pick(part, axis, indices));

    public override Quantity Gather(Quantity x, Quantity index) => Move(x, part => _values.Gather(part, index));

    public override Quantity Expand(Quantity x, TensorShape shape) => Move(x, part => _values.Expand(part, shape));

    public override Quantity MaskedFill(Quantity x, Quantity mask, double value) =>
        new(
            _values.MaskedFill(x, mask, value).Tensor,
            x.Noise is null ? null : _values.MaskedFill(new Quantity(x.Noise), mask, 0).Real);

    public override Quantity Pad2d(Quantity x, int top, int bottom, int left, int right, double value) =>
        new(
            _values.Pad2d(x, top, bottom, left, right, value).Tensor,
            x.Noise is null ? null : _values.Pad2d(new Quantity(x.Noise), top, bottom, left, right, 0).Real);

    public override (Quantity Values, Quantity Indices) TopK(Quantity x, int k)
    {
        (Quantity values, Quantity indices) = _values.TopK(x, k);
        if (x.Noise is null)
        {
            return (values, indices);
        }

        Tensor<double> noise = Context.Rent<double>(values.Shape);
        int row = x.Shape[^1];
        for (int i = 0; i < noise.Length; i++)
        {
            noise.AsSpan()[i] = x.Noise.AsReadOnlySpan()[(i / k * row) + (int)indices.Whole.AsReadOnlySpan()[i]];
        }

        return (new Quantity(values.Tensor, noise), indices);
    }

    private static Quantity Move(Quantity x, Func<Quantity, Quantity> move) =>
        new(move(x).Tensor, x.Noise is null ? null : move(new Quantity(x.Noise)).Real);

    // An exact tensor has no noise; a span of length 0 stands for it.
    private static ReadOnlySpan<double> Noise(Quantity? x) => x?.Noise is { } noise ? noise.AsReadOnlySpan() : [];

    private static double At(ReadOnlySpan<double> noise, int index) => noise.Length == 0 ? 0 : noise[index];
}
