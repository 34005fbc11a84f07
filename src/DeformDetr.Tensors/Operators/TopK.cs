// Equation: the k largest of every row, largest first; equal numbers by lower index. NaN counts as largest.
// Mirrors torch.topk (which leaves the order of equal numbers open).
using System.Numerics;

namespace DeformDetr.Tensors.Operators;

/// <summary>Ranking along the innermost axis.</summary>
public static class TopK
{
    /// <summary>Ranks every row.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Scores. Shape [.., C].</param>
    /// <param name="k">How many to keep; at most C.</param>
    /// <returns>The scores and their indices in the row. Both of shape [.., k].</returns>
    /// <exception cref="ArgumentException">k is not within 0 to C.</exception>
    public static (Tensor<T> Values, Tensor<long> Indices) Forward<T>(OperatorContext context, Tensor<T> input, int k)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.That(input.Shape.Rank > 0, nameof(TopK), nameof(input), $"holds {input.Shape}; expected [.., C].");
        int channels = input.Shape[^1];
        ShapeGuard.That(k >= 0 && k <= channels, nameof(TopK), nameof(k), $"holds {k}; expected at most C = {channels}.");
        Tensor<T> values = context.Rent<T>(input.Shape.With(^1, k));
        Tensor<long> indices = context.Rent<long>(input.Shape.With(^1, k));
        int[] order = new int[channels];
        for (int row = 0; row < input.Length / Math.Max(1, channels); row++)
        {
            T[] scores = input.AsReadOnlySpan().Slice(row * channels, channels).ToArray();
            for (int channel = 0; channel < channels; channel++)
            {
                order[channel] = channel;
            }

            Array.Sort(
                order, (left, right) => Compare(scores[right], scores[left]) is not 0 and int byScore ? byScore : left.CompareTo(right));
            for (int rank = 0; rank < k; rank++)
            {
                values.AsSpan()[(row * k) + rank] = scores[order[rank]];
                indices.AsSpan()[(row * k) + rank] = order[rank];
            }
        }

        return (values, indices);
    }

    // Unlike CompareTo: NaN is largest, and the two zeros are equal.
    private static int Compare<T>(T left, T right)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        T.IsNaN(left) ? (T.IsNaN(right) ? 0 : 1)
        : T.IsNaN(right) ? -1
        : left < right ? -1
        : left > right ? 1
        : 0;
}
