using System.Diagnostics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;

namespace DeformDetr.Tensors;

/// <summary>A dense row-major array of numbers with a shape and an optional name; <see cref="Tensor{T}"/> is the only kind.</summary>
public abstract class Tensor
{
    private protected Tensor(TensorShape shape, ElementType elementType)
    {
        Shape = shape;
        ElementType = elementType;
    }

    /// <summary>Axis sizes, outermost first.</summary>
    public TensorShape Shape { get; }

    /// <summary>What the elements are.</summary>
    public ElementType ElementType { get; }

    /// <summary>The name under which the tensor was tapped or read, for people and debuggers; it means nothing to operators.</summary>
    public string? Name { get; set; }

    /// <summary>How many elements.</summary>
    public int Length => Shape.ElementCount;

    /// <summary>A copy that nobody else owns.</summary>
    public abstract Tensor CloneUntyped();

    /// <summary>The same elements under another shape; both tensors look at one array.</summary>
    /// <param name="shape">As many elements as this shape has.</param>
    /// <exception cref="ArgumentException">The number of elements differs.</exception>
    public abstract Tensor ReshapeUntyped(TensorShape shape);
}

/// <summary>A dense row-major tensor that owns one array (or shares it with its reshaped views).</summary>
/// <typeparam name="T">float, double, long, int, byte or bool.</typeparam>
[DebuggerDisplay("{DebugSummary,nq}")]
[DebuggerTypeProxy(typeof(TensorDebugView<>))]
public sealed class Tensor<T> : Tensor
    where T : unmanaged
{
    private readonly TensorStorage<T> _storage;

    /// <summary>A tensor of zeros.</summary>
    /// <param name="shape">Axis sizes.</param>
    public Tensor(TensorShape shape)
        : this(shape, new TensorStorage<T>(new T[shape.ElementCount]))
    {
    }

    internal Tensor(TensorShape shape, TensorStorage<T> storage)
        : base(shape, ElementTypes.Of<T>()) => _storage = storage;

    internal TensorStorage<T> Storage => _storage;

    // From one of the elements on.
    internal Place<T> At(int element = 0) => new(_storage.Array, _storage.Start + element);

    /// <summary>A tensor over an array that is handed over, not copied.</summary>
    /// <param name="shape">Axis sizes.</param>
    /// <param name="values">Row-major elements; exactly as many as the shape has.</param>
    /// <exception cref="ArgumentException">The number of elements differs.</exception>
    public static Tensor<T> FromArray(TensorShape shape, T[] values)
    {
        if (values.Length != shape.ElementCount)
        {
            throw new ArgumentException(
                Invariant($"tensor: values hold {values.Length} elements; expected {shape} = {shape.ElementCount}."));
        }

        return new Tensor<T>(shape, new TensorStorage<T>(values));
    }

    /// <summary>A tensor with a copy of the given elements.</summary>
    /// <param name="shape">Axis sizes.</param>
    /// <param name="values">Row-major elements; exactly as many as the shape has.</param>
    public static Tensor<T> Create(TensorShape shape, ReadOnlySpan<T> values) => FromArray(shape, values.ToArray());

    /// <summary>All elements, row-major, to read or write.</summary>
    public Span<T> AsSpan() => _storage.Array.AsSpan(_storage.Start, Length);

    /// <summary>All elements, row-major, to read.</summary>
    public ReadOnlySpan<T> AsReadOnlySpan() => _storage.Array.AsSpan(_storage.Start, Length);

    /// <summary>The elements as the BCL's tensor span, for the operations that <c>System.Numerics.Tensors</c> has.</summary>
    public TensorSpan<T> AsTensorSpan()
    {
        nint[] lengths = new nint[Shape.Rank];
        for (int axis = 0; axis < lengths.Length; axis++)
        {
            lengths[axis] = Shape[axis];
        }

        return new TensorSpan<T>(AsSpan(), lengths);
    }

    /// <summary>One element.</summary>
    /// <param name="indices">One index per axis, outermost first.</param>
    /// <exception cref="ArgumentException">Not one index per axis.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An index outside its axis.</exception>
    public ref T this[params ReadOnlySpan<int> indices] => ref AsSpan()[Offset(indices)];

    /// <inheritdoc cref="ReshapeUntyped"/>
    public Tensor<T> Reshape(TensorShape shape)
    {
        if (shape.ElementCount != Length)
        {
            throw new ArgumentException(
                Invariant($"reshape: tensor holds {Shape}, {Length} elements; expected as many as {shape} = {shape.ElementCount}."));
        }

        return new Tensor<T>(shape, _storage) { Name = Name };
    }

    /// <summary>A copy that nobody else owns.</summary>
    public Tensor<T> Clone() => new(Shape, new TensorStorage<T>(AsReadOnlySpan().ToArray())) { Name = Name };

    /// <inheritdoc/>
    public override Tensor CloneUntyped() => Clone();

    /// <inheritdoc/>
    public override Tensor ReshapeUntyped(TensorShape shape) => Reshape(shape);

    /// <summary>Name, element type, shape and statistics in one line.</summary>
    public override string ToString() => DebugSummary;

    internal string DebugSummary => _storage.IsReleased ? $"{Name ?? "tensor"} {Shape} released" : TensorStatistics.Describe(this);

    private int Offset(ReadOnlySpan<int> indices)
    {
        if (indices.Length != Shape.Rank)
        {
            throw new ArgumentException(Invariant($"tensor: {indices.Length} indices for shape {Shape}; expected one per axis."));
        }

        int offset = 0;
        for (int axis = 0; axis < indices.Length; axis++)
        {
            if ((uint)indices[axis] >= (uint)Shape[axis])
            {
                throw new ArgumentOutOfRangeException(
                    nameof(indices), indices[axis], Invariant($"tensor: index on axis {axis} of shape {Shape}."));
            }

            offset = (offset * Shape[axis]) + indices[axis];
        }

        return offset;
    }

    private static string Invariant(DefaultInterpolatedStringHandler text) => text.ToStringAndClear();
}

// The array behind a tensor and its reshaped views. A scope takes the array back by emptying the storage, so that a view kept too long
// fails loudly instead of reading the next owner's numbers.
internal sealed class TensorStorage<T>(T[] array, int start = 0)
    where T : unmanaged
{
    private T[]? _array = array;

    public T[] Array =>
        _array ?? throw new ObjectDisposedException(
            "tensor", "tensor: its buffer went back to its scope; keep it with BufferScope.Keep or copy it.");

    // The first element of the tensor.
    public int Start { get; } = start;

    public bool IsReleased => _array is null;

    public T[] Release()
    {
        T[] array = Array;
        _array = null;
        return array;
    }
}
