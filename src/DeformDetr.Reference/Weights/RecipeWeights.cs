using System.Numerics;
using System.Text;
using DeformDetr.Tensors;

namespace DeformDetr.Reference;

/// <summary>
/// Weights by the recipe splitmix64/1: every element is a pure function of seed, name and index, equal in every language, so that a port
/// can be checked without a checkpoint (golden-contract.md, section 3).
/// </summary>
/// <typeparam name="T">float or double; double widens the float weights.</typeparam>
/// <param name="seed">The seed.</param>
/// <param name="withBoxRefine">Whether every layer has heads of its own; otherwise they share the tensors under the index 0.</param>
public sealed class RecipeWeights<T>(ulong seed, bool withBoxRefine) : IWeights<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Dictionary<string, Tensor<T>> _made = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public Tensor<T> Take(string name, TensorShape shape)
    {
        string canonical = WeightNames.Canonical(name, withBoxRefine);
        if (!_made.TryGetValue(canonical, out Tensor<T>? tensor))
        {
            tensor = new Tensor<T>(shape) { Name = canonical };
            Recipe.Fill(seed, canonical, shape, tensor.AsSpan());
            _made.Add(canonical, tensor);
        }

        return tensor;
    }
}

/// <summary>The recipe splitmix64/1, element by element.</summary>
public static class Recipe
{
    /// <summary>Makes a whole tensor.</summary>
    /// <typeparam name="T">float or double; double widens the float weights.</typeparam>
    /// <param name="seed">The seed.</param>
    /// <param name="name">The tensor's canonical name.</param>
    /// <param name="shape">The tensor's shape.</param>
    /// <param name="weights">Row-major elements to set.</param>
    public static void Fill<T>(ulong seed, string name, TensorShape shape, Span<T> weights)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        (double scale, double shift) = Range(name, shape);
        ulong start = Start(seed, name);
        for (int index = 0; index < weights.Length; index++)
        {
            double scaled = Uniform(start, index) * scale;
            weights[index] = T.CreateTruncating((float)(scaled + shift));
        }
    }

    /// <summary>r: a multiple of 2^-23 in [-1, 1).</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="name">The tensor's canonical name.</param>
    /// <param name="index">Row-major flat index of the element.</param>
    public static double Uniform(ulong seed, string name, long index) => Uniform(Start(seed, name), index);

    // Where a tensor's sequence starts; hashing the name once serves all of its elements.
    internal static ulong Start(ulong seed, string name) => Fnv1a(name) ^ seed;

    internal static double Uniform(ulong start, long index)
    {
        ulong z = unchecked(start + (((ulong)index + 1) * 0x9E3779B97F4A7C15));
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        z ^= z >> 31;
        return ((double)(z >> 40) - (1 << 23)) / (1 << 23);
    }

    private static (double Scale, double Shift) Range(string name, TensorShape shape)
    {
        double fanIn = shape.Rank > 0 ? shape.LengthFrom(1) : 1;
        return name switch
        {
            _ when name.EndsWith("running_var", StringComparison.Ordinal) => (0.25, 0.75),
            _ when name.EndsWith("running_mean", StringComparison.Ordinal) => (0.1, 0),
            _ when name.EndsWith("sampling_offsets.bias", StringComparison.Ordinal) => (3, 0),
            _ when name.EndsWith("level_embed", StringComparison.Ordinal)
                || name.EndsWith("query_embed.weight", StringComparison.Ordinal) => (1, 0),
            _ when shape.Rank == 1 && name.EndsWith("weight", StringComparison.Ordinal) => (0.25, 1),
            _ when shape.Rank == 1 => (0.2, 0),
            _ when shape.Rank == 4 => (0.7 * Math.Sqrt(6 / fanIn), 0),
            _ => (Math.Sqrt(3 / fanIn), 0),
        };
    }

    private static ulong Fnv1a(string name)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (byte value in Encoding.UTF8.GetBytes(name))
        {
            hash = unchecked((hash ^ value) * 0x100000001B3);
        }

        return hash;
    }
}
