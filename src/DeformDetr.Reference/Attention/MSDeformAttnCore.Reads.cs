using System.Numerics;
using DeformDetr.Tensors;

namespace DeformDetr.Reference;

public static partial class MSDeformAttnCore
{
    // The tokens of [N · S] that samples read with any head, ascending, to the start of tokens; returns how many. What lies inside a map
    // is read whatever it weighs. value: [N, S, M, D].
    internal static int TokensRead<T>(
        OperatorContext context, TensorShape value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, Tensor<T> samplingLocations,
        Tensor<T> attentionWeights, Span<int> tokens)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Check(value, spatialShapes, levelStartIndex, samplingLocations.Shape, attentionWeights.Shape);

        // Of heads of one channel, laid apart, the offsets of corners are tokens.
        CoreShape s = new([value[0], value[1], value[2], 1], samplingLocations.Shape);
        Level[] levels = Level.All(spatialShapes, levelStartIndex);
        Sixteens? sixteens = Sixteens.For<T>(levels, s.Points, Stride(s, apart: true));
        int samples = s.Heads * s.Levels * s.Points;
        using AlignedBuffer<bool> read = context.Scratch<bool>(s.Batch * s.Tokens);
        read.Span.Clear();

        // Threads may set the same element; all set it to true.
        context.Split(s.Batch * s.Queries, Math.Max(1, (1 << 12) / Math.Max(1, samples)), (first, last) =>
            new Rows<T>(s, levels, apart: true, sixteens).Mark(
                first, last - first, samplingLocations.AsReadOnlySpan()[(first * samples * 2)..(last * samples * 2)],
                attentionWeights.AsReadOnlySpan()[(first * samples)..(last * samples)], read.Span));

        int count = 0;
        for (int token = 0; token < read.Span.Length; token++)
        {
            if (read.Span[token])
            {
                tokens[count++] = token;
            }
        }

        return count;
    }
}
