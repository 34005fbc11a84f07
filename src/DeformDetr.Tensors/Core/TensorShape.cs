using System.Collections;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace DeformDetr.Tensors;

/// <summary>The sizes of a tensor's axes, outermost first. Immutable; <c>[2, 3]</c> converts to it.</summary>
[CollectionBuilder(typeof(TensorShape), nameof(Create))]
public readonly struct TensorShape : IEquatable<TensorShape>, IEnumerable<int>
{
    private readonly int[]? _sizes;

    private TensorShape(int[] sizes) => _sizes = sizes;

    /// <summary>A shape of the given sizes.</summary>
    /// <param name="sizes">One size per axis, none negative; empty for a scalar.</param>
    /// <exception cref="ArgumentException">A size is negative, or the number of elements exceeds what one array can hold.</exception>
    public static TensorShape Create(ReadOnlySpan<int> sizes)
    {
        // A zero anywhere makes the whole empty, whatever the other sizes are.
        long length = sizes.Contains(0) ? 0 : 1;
        foreach (int size in sizes)
        {
            if (size < 0)
            {
                throw new ArgumentException($"shape: axis sizes [{Join(sizes)}] hold a negative number; expected sizes >= 0.");
            }

            length *= size;
            if (length > Array.MaxLength)
            {
                throw new ArgumentException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"shape: [{Join(sizes)}] holds more elements than one array can; expected at most {Array.MaxLength}."));
            }
        }

        return new TensorShape(sizes.ToArray());
    }

    /// <summary>How many axes.</summary>
    public int Rank => _sizes?.Length ?? 0;

    /// <summary>How many elements: the product of all sizes, 1 for a scalar.</summary>
    public int ElementCount
    {
        get
        {
            int length = 1;
            foreach (int size in Sizes)
            {
                length *= size;
            }

            return length;
        }
    }

    /// <summary>The sizes, outermost axis first.</summary>
    public ReadOnlySpan<int> Sizes => _sizes;

    /// <summary>The size of one axis; an index from the end counts from the innermost.</summary>
    /// <param name="axis">Which axis.</param>
    public int this[Index axis] => Sizes[axis.GetOffset(Rank)];

    /// <summary>The number of elements in the axes from <paramref name="first"/> to the innermost.</summary>
    /// <param name="first">The outermost axis that counts.</param>
    public int LengthFrom(int first)
    {
        int length = 1;
        foreach (int size in Sizes[first..])
        {
            length *= size;
        }

        return length;
    }

    /// <summary>The same shape with one axis of another size.</summary>
    /// <param name="axis">Which axis.</param>
    /// <param name="size">Its new size.</param>
    public TensorShape With(Index axis, int size)
    {
        int[] sizes = Sizes.ToArray();
        sizes[axis.GetOffset(Rank)] = size;
        return Create(sizes);
    }

    /// <inheritdoc/>
    public bool Equals(TensorShape other) => Sizes.SequenceEqual(other.Sizes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is TensorShape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        int hash = 17;
        foreach (int size in Sizes)
        {
            hash = unchecked((hash * 31) + size);
        }

        return hash;
    }

    /// <summary>Whether two shapes have the same sizes.</summary>
    /// <param name="left">One shape.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(TensorShape left, TensorShape right) => left.Equals(right);

    /// <summary>Whether two shapes differ.</summary>
    /// <param name="left">One shape.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(TensorShape left, TensorShape right) => !left.Equals(right);

    /// <summary>The sizes as <c>[2, 193, 256]</c>.</summary>
    public override string ToString() => $"[{Join(Sizes)}]";

    /// <inheritdoc/>
    public IEnumerator<int> GetEnumerator() => ((IEnumerable<int>)(_sizes ?? [])).GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static string Join(ReadOnlySpan<int> sizes)
    {
        string[] words = new string[sizes.Length];
        for (int axis = 0; axis < sizes.Length; axis++)
        {
            words[axis] = sizes[axis].ToString(CultureInfo.InvariantCulture);
        }

        return string.Join(", ", words);
    }
}
