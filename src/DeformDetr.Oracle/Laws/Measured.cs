using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Numbers, and how far rounding may have moved each.
internal sealed class Measured(Tensor<double> value, Tensor<double> noise)
{
    public Tensor<double> Value { get; } = value;

    public Tensor<double> Noise { get; } = noise;

    public TensorShape Shape => Value.Shape;

    public static Measured Exact(Tensor<double> value) => new(value, new Tensor<double>(value.Shape));

    public static Measured Exact(TensorShape shape, Func<int, double> at) => Exact(Wide(shape, at));

    public static Measured Exact(Tensor<float> value) => Exact(Widening.To<double>(value)!);

    // Numbers that err by no more than what is given.
    public static Measured Around(TensorShape shape, Func<int, double> at, Func<int, double> allowed) => new(Wide(shape, at), Wide(shape, allowed));

    // Computed here in double from terms of some magnitude, which rounds a few times.
    public static Measured Computed(TensorShape shape, Func<int, double> at, Func<int, double> magnitude) =>
        Around(shape, at, i => Math.ScaleB(magnitude(i), -50));

    public Measured Pick(int axis, params int[] indices) => Moved(x => (Tensor<double>)Moves.Pick(LawDraw.Context, x, axis, indices));

    public Measured Permute(params int[] axes) => Moved(x => (Tensor<double>)Moves.Permute(LawDraw.Context, x, axes));

    public Measured Reshape(TensorShape shape) => Moved(x => x.Reshape(shape));

    public Measured Times(double factor) =>
        new(Wide(Shape, i => factor * Value.AsReadOnlySpan()[i]), Wide(Shape, i => Math.Abs(factor) * Noise.AsReadOnlySpan()[i]));

    public Measured Plus(Measured other) => new(
        Wide(Shape, i => Value.AsReadOnlySpan()[i] + other.Value.AsReadOnlySpan()[i]),
        Wide(Shape, i => Noise.AsReadOnlySpan()[i] + other.Noise.AsReadOnlySpan()[i]));

    public Measured Minus(Measured other) => Plus(other.Times(-1));

    // A function whose slope is known.
    public Measured Apply(Func<double, double> function, Func<double, double> slope) => new(
        Wide(Shape, i => function(Value.AsReadOnlySpan()[i])),
        Wide(Shape, i => Math.Abs(slope(Value.AsReadOnlySpan()[i])) * Noise.AsReadOnlySpan()[i]));

    // Sums over the last axis.
    public Measured SumLast() => new(Sums(Value), Sums(Noise));

    // With so much more noise.
    public Measured Looser(Func<int, double> more) => new(Value, Wide(Shape, i => Noise.AsReadOnlySpan()[i] + more(i)));

    // Rows [0, .., end) along an axis.
    public Measured Slice(int axis, int first, int count) => Pick(axis, [.. Enumerable.Range(first, count)]);

    private static Tensor<double> Sums(Tensor<double> x)
    {
        int width = x.Shape[^1];
        Tensor<double> sums = new(TensorShape.Create(x.Shape.Sizes[..^1]));
        for (int i = 0; i < x.Length; i++)
        {
            sums.AsSpan()[i / width] += x.AsReadOnlySpan()[i];
        }

        return sums;
    }

    private static Tensor<double> Wide(TensorShape shape, Func<int, double> at)
    {
        Tensor<double> tensor = new(shape);
        for (int i = 0; i < tensor.Length; i++)
        {
            tensor.AsSpan()[i] = at(i);
        }

        return tensor;
    }

    private Measured Moved(Func<Tensor<double>, Tensor<double>> move) => new(move(Value), move(Noise));
}
