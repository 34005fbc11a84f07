using System.Globalization;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle;

/// <summary>One step from a port's layout to the contract's, as a map writes it.</summary>
internal abstract record LayoutStep
{
    /// <summary>As it stands in a map, without brackets.</summary>
    public abstract string Text { get; }

    /// <summary>The shape that a tensor of this shape has afterwards; null and a fault where the step doesn't fit it.</summary>
    /// <param name="shape">The shape before.</param>
    /// <param name="expected">The contract's shape.</param>
    /// <param name="fault">What doesn't fit.</param>
    public abstract TensorShape? Through(TensorShape shape, TensorShape expected, out string? fault);

    /// <summary>The tensor after the step.</summary>
    /// <param name="tensor">The tensor before. Shape [..].</param>
    /// <param name="result">What <see cref="Through"/> gave for its shape.</param>
    public abstract Tensor<T> Apply<T>(Tensor<T> tensor, TensorShape result)
        where T : unmanaged;

    /// <summary>The same step with numbers in the place of names in braces.</summary>
    public virtual LayoutStep With(IReadOnlyDictionary<string, string> numbers) => this;

    /// <summary>The names in braces that it holds.</summary>
    public virtual IEnumerable<string> Variables => [];

    private protected string DoesNotFit(TensorShape shape, string why) => $"holds {shape}, and the map's [{Text}] doesn't fit: {why}";

    private protected static string Join(IEnumerable<int> numbers, char separator) =>
        string.Join(separator, numbers.Select(number => number.ToString(CultureInfo.InvariantCulture)));
}

/// <summary>Reordered axes: axis k of the result is axis <c>Order[k]</c> of the tensor.</summary>
internal sealed record AxesStep(IReadOnlyList<int> Order) : LayoutStep
{
    public override string Text => $"axes {Join(Order, ' ')}";

    public override TensorShape? Through(TensorShape shape, TensorShape expected, out string? fault)
    {
        if (shape.Rank != Order.Count)
        {
            fault = DoesNotFit(shape, $"{Order.Count} axes are named");
            return null;
        }

        fault = null;
        return TensorShape.Create([.. Order.Select(axis => shape[axis])]);
    }

    public override Tensor<T> Apply<T>(Tensor<T> tensor, TensorShape result) =>
        Permute.Forward(new OperatorContext(Kernels.Simd), tensor, [.. Order]);

    public bool Equals(AxesStep? other) => other is not null && Order.SequenceEqual(other.Order);

    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);
}

/// <summary>The same elements in the same order under another shape; -1 is the size that is left.</summary>
/// <param name="Sizes">The sizes; null for those that the contract has, which may only split or merge neighbouring axes.</param>
internal sealed record ShapeStep(IReadOnlyList<int>? Sizes) : LayoutStep
{
    public override string Text => $"shape {(Sizes is null ? "expected" : Join(Sizes, ','))}";

    public override TensorShape? Through(TensorShape shape, TensorShape expected, out string? fault)
    {
        if (Sizes is null)
        {
            bool splits = shape.ElementCount == expected.ElementCount && ShapeRelation.SplitsOrMerges(shape, expected);
            fault = splits ? null : DoesNotFit(shape, $"{expected} is not that with neighbouring axes split or merged");
            return splits ? expected : null;
        }

        long known = 1;
        foreach (int size in Sizes)
        {
            known = size < 0 || known > int.MaxValue ? known : known * size;
        }

        bool free = Sizes.Contains(-1);
        bool fits = free ? known > 0 && shape.ElementCount % known == 0 : known == shape.ElementCount;
        fault = fits ? null : DoesNotFit(shape, string.Create(CultureInfo.InvariantCulture, $"it holds {shape.ElementCount} elements"));
        return fits ? TensorShape.Create([.. Sizes.Select(size => size < 0 ? (int)(shape.ElementCount / known) : size)]) : null;
    }

    public override Tensor<T> Apply<T>(Tensor<T> tensor, TensorShape result) => tensor.Reshape(result);

    public bool Equals(ShapeStep? other) =>
        other is not null && (Sizes is null ? other.Sizes is null : other.Sizes is not null && Sizes.SequenceEqual(other.Sizes));

    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);
}

/// <summary>A whole number in a map, or a name in braces that stands for one.</summary>
internal readonly record struct MapNumber(int Value, string? Variable)
{
    public override string ToString() => Variable is null ? Value.ToString(CultureInfo.InvariantCulture) : $"{{{Variable}}}";
}

/// <summary>Part of an axis: from <c>Start</c> up to and without <c>Stop</c>; without a stop the one index, and the axis goes.</summary>
internal sealed record SliceStep(int Axis, MapNumber Start, MapNumber? Stop) : LayoutStep
{
    public override string Text =>
        string.Create(CultureInfo.InvariantCulture, $"slice {Axis} {Start}{(Stop is { } stop ? $":{stop}" : "")}");

    public override IEnumerable<string> Variables =>
        new[] { Start.Variable, Stop?.Variable }.Where(name => name is not null).Select(name => name!);

    public override TensorShape? Through(TensorShape shape, TensorShape expected, out string? fault)
    {
        int stop = Stop?.Value ?? Start.Value + 1;
        if (Axis >= shape.Rank || Start.Value < 0 || stop <= Start.Value || stop > shape[Axis])
        {
            fault = DoesNotFit(
                shape,
                Axis >= shape.Rank ? "it has no such axis" : string.Create(CultureInfo.InvariantCulture, $"the axis has {shape[Axis]}"));
            return null;
        }

        fault = null;
        if (Stop is not null)
        {
            return shape.With(Axis, stop - Start.Value);
        }

        List<int> sizes = [.. shape];
        sizes.RemoveAt(Axis);
        return TensorShape.Create([.. sizes]);
    }

    public override Tensor<T> Apply<T>(Tensor<T> tensor, TensorShape result)
    {
        int stop = Stop?.Value ?? Start.Value + 1;
        int inner = tensor.Shape.LengthFrom(Axis + 1);
        int block = inner * tensor.Shape[Axis];
        int kept = inner * (stop - Start.Value);
        Tensor<T> part = new(result);
        for (int to = 0, from = Start.Value * inner; to < part.Length; to += kept, from += block)
        {
            tensor.AsReadOnlySpan().Slice(from, kept).CopyTo(part.AsSpan().Slice(to, kept));
        }

        return part;
    }

    public override LayoutStep With(IReadOnlyDictionary<string, string> numbers) =>
        new SliceStep(Axis, Number(Start, numbers), Stop is { } stop ? Number(stop, numbers) : null);

    // A number that no axis is long enough for fits none.
    private static MapNumber Number(MapNumber number, IReadOnlyDictionary<string, string> numbers)
    {
        if (number.Variable is not { } name)
        {
            return number;
        }

        bool fits = int.TryParse(numbers[name], NumberStyles.None, CultureInfo.InvariantCulture, out int value);
        return new MapNumber(fits ? value : int.MaxValue - 1, null);
    }
}
