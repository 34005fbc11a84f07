// Equation: y[i_axes[0], i_axes[1], …] = x[i_0, i_1, …].
// Of maps to tokens: tokens[n, start + p, c] = maps[n, c, p] + row[c], p over the pixels in row-major order.
// Mirrors torch.permute followed by contiguous. Fast version: Permute.Simd.cs (swapping the two innermost axes, or keeping the innermost).
using System.Numerics;

namespace DeformDetr.Tensors.Operators;

/// <summary>Reorders axes, with a copy.</summary>
public static partial class Permute
{
    internal delegate void Kernel<T>(OperatorContext context, Tensor<T> input, ReadOnlySpan<int> axes, Tensor<T> output)
        where T : unmanaged;

    /// <summary>Reorders the axes.</summary>
    /// <typeparam name="T">Any element type.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="input">Any elements. Shape [..].</param>
    /// <param name="axes">For every axis of the output, the input's axis that it is.</param>
    /// <returns>The sizes in the new order.</returns>
    /// <exception cref="ArgumentException">Not a permutation of the axes.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> input, params ReadOnlySpan<int> axes)
        where T : unmanaged
    {
        int rank = input.Shape.Rank;
        int seen = 0;
        foreach (int axis in axes)
        {
            seen |= axis >= 0 && axis < rank ? 1 << axis : 0;
        }

        ShapeGuard.That(
            axes.Length == rank && seen == (1 << rank) - 1, nameof(Permute), nameof(axes),
            $"holds {axes.Length} axes; expected each axis of {input.Shape} once.");
        int[] sizes = new int[rank];
        for (int axis = 0; axis < rank; axis++)
        {
            sizes[axis] = input.Shape[axes[axis]];
        }

        Tensor<T> output = context.Rent<T>([.. sizes]);
        bool textbook = context.Kernels == Kernels.Textbook;
        Kernel<T> kernel = !textbook && SwapsInnermost(axes) ? Simd : !textbook && KeepsInnermost(axes) ? SimdRows : Textbook;
        kernel(context, input, axes, output);
        return output;
    }

    /// <summary>Maps laid into a sequence as tokens, pixel by pixel in row-major order, with one row added to each of them.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels and threads.</param>
    /// <param name="maps">Shape [N, C, ..].</param>
    /// <param name="row">What is added to every token, or null. Shape [C].</param>
    /// <param name="tokens">Takes the tokens. Shape [N, S, C].</param>
    /// <param name="start">The first token to write.</param>
    /// <exception cref="ArgumentException">Shapes disagree, or the maps have more pixels than tokens are left.</exception>
    public static void ToTokens<T>(OperatorContext context, Tensor<T> maps, T[]? row, Tensor<T> tokens, int start)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.That(
            maps.Shape.Rank >= 2 && (row is null || row.Length == maps.Shape[1]), nameof(Permute), nameof(maps),
            $"holds {maps.Shape}; expected [N, C, ..]{(row is null ? "" : $" with C = {row.Length} as the row")}.");
        ShapeGuard.Require(nameof(Permute), nameof(tokens), tokens.Shape, "[N, S, C]", maps.Shape[0], -1, maps.Shape[1]);
        int pixels = maps.Shape.LengthFrom(2);
        ShapeGuard.That(
            start >= 0 && start + pixels <= tokens.Shape[1], nameof(Permute), nameof(tokens),
            $"holds {tokens.Shape}; expected room for {pixels} tokens from {start} on.");
        if (context.Kernels != Kernels.Textbook)
        {
            SimdTokens(context, maps, row, tokens, start);
            return;
        }

        for (int n = 0; n < maps.Shape[0]; n++)
        {
            for (int pixel = 0; pixel < pixels; pixel++)
            {
                for (int c = 0; c < maps.Shape[1]; c++)
                {
                    T element = maps.AsReadOnlySpan()[(((n * maps.Shape[1]) + c) * pixels) + pixel];
                    tokens[n, start + pixel, c] = row is null ? element : element + row[c];
                }
            }
        }
    }

    private static bool SwapsInnermost(ReadOnlySpan<int> axes)
    {
        for (int axis = 0; axis < axes.Length - 2; axis++)
        {
            if (axes[axis] != axis)
            {
                return false;
            }
        }

        return axes.Length >= 2 && axes[^2] == axes.Length - 1 && axes[^1] == axes.Length - 2;
    }

    private static bool KeepsInnermost(ReadOnlySpan<int> axes) => axes.Length >= 2 && axes[^1] == axes.Length - 1;

    private static void Textbook<T>(OperatorContext context, Tensor<T> input, ReadOnlySpan<int> axes, Tensor<T> output)
        where T : unmanaged
    {
        int rank = axes.Length;
        int[] index = new int[rank];
        ReadOnlySpan<T> x = input.AsReadOnlySpan();
        Span<T> y = output.AsSpan();
        for (int i = 0; i < y.Length; i++)
        {
            // From the output's flat index to its indices, and to the input's flat index.
            int rest = i;
            for (int axis = rank - 1; axis >= 0; axis--)
            {
                index[axes[axis]] = rest % output.Shape[axis];
                rest /= output.Shape[axis];
            }

            int from = 0;
            for (int axis = 0; axis < rank; axis++)
            {
                from = (from * input.Shape[axis]) + index[axis];
            }

            y[i] = x[from];
        }
    }
}
