// Equation: for each of (cx, cy, w, h) of σ(proposal): 128 features, sin and cos of 2π · value / 10000^(2·⌊i/2⌋/128), interleaved.
// Mirrors DeformableTransformer.get_proposal_pos_embed.
using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Reference;

/// <summary>Sines and cosines of a proposed box.</summary>
public static class ProposalPositionEncoding
{
    /// <summary>Features per coordinate, hard-coded in the original.</summary>
    public const int FeaturesPerCoordinate = 128;

    /// <summary>Encodes every box.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="proposals">(cx, cy, w, h) as logits. Shape [N, Q, 4].</param>
    /// <returns>Shape [N, Q, 512].</returns>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public static Tensor<T> Forward<T>(OperatorContext context, Tensor<T> proposals)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ShapeGuard.Require("proposal position encoding", nameof(proposals), proposals.Shape, "[N, Q, 4]", -1, -1, 4);
        double[] dimT = SinePositionEncoding.Frequencies(FeaturesPerCoordinate);
        Tensor<T> output = context.Rent<T>([proposals.Shape[0], proposals.Shape[1], 4 * FeaturesPerCoordinate]);
        for (int i = 0; i < proposals.Length; i++)
        {
            double embed = Elementary.Sigmoid(Widen(proposals.AsReadOnlySpan()[i])) * (2 * Math.PI);
            Span<T> features = output.AsSpan().Slice(i * FeaturesPerCoordinate, FeaturesPerCoordinate);
            for (int feature = 0; feature < features.Length; feature++)
            {
                features[feature] = Round<T>(SinePositionEncoding.Wave(embed / dimT[feature], feature));
            }
        }

        return output;
    }
}
