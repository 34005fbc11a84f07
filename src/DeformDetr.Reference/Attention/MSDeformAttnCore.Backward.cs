// Equations, with g = grad_output[n, q, m, :], A the weight, v_k the values at the corners, b_k(px, py) their bilinear factors:
//   grad_value[corner k]   += A · b_k · g
//   grad_attention_weights  = Σ_k b_k · (g · v_k)
//   grad_sampling_locations = A · Σ_k (W · ∂b_k/∂px, H · ∂b_k/∂py) · (g · v_k)
// Mirrors the backward of ms_deform_attn_core_pytorch and ms_deformable_col2im_cuda. On a whole pixel the cell right and below counts, as
// there.
using System.Numerics;
using DeformDetr.Tensors;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Reference;

/// <summary>The gradients of the attention core.</summary>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="Value">Shape [N, S, M, D].</param>
/// <param name="SamplingLocations">Last axis (x, y). Shape [N, Lq, M, L, P, 2].</param>
/// <param name="AttentionWeights">Shape [N, Lq, M, L, P].</param>
public readonly record struct MSDeformAttnGradients<T>(Tensor<T> Value, Tensor<T> SamplingLocations, Tensor<T> AttentionWeights)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>;

public static partial class MSDeformAttnCore
{
    internal delegate void BackwardKernel<T>(
        OperatorContext context, Tensor<T> value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, Tensor<T> samplingLocations,
        Tensor<T> attentionWeights, Tensor<T> gradOutput, MSDeformAttnGradients<T> gradients)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    /// <summary>Gradients of Σ grad_output · output with respect to value, locations and weights.</summary>
    /// <typeparam name="T">float or double.</typeparam>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="value">As in <see cref="Forward{T}"/>. Shape [N, S, M, D].</param>
    /// <param name="spatialShapes">Last axis (H, W). Shape [L, 2].</param>
    /// <param name="levelStartIndex">Shape [L].</param>
    /// <param name="samplingLocations">Last axis (x, y). Shape [N, Lq, M, L, P, 2].</param>
    /// <param name="attentionWeights">Shape [N, Lq, M, L, P].</param>
    /// <param name="gradOutput">Gradient of the objective with respect to the output. Shape [N, Lq, M · D].</param>
    /// <returns>The three gradients, each in the shape of what it belongs to.</returns>
    /// <exception cref="ArgumentException">Shapes disagree, or a level lies outside the tokens.</exception>
    public static MSDeformAttnGradients<T> Backward<T>(
        OperatorContext context, Tensor<T> value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, Tensor<T> samplingLocations,
        Tensor<T> attentionWeights, Tensor<T> gradOutput)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Check(value.Shape, spatialShapes, levelStartIndex, samplingLocations.Shape, attentionWeights.Shape);
        ShapeGuard.Require(
            "ms_deform_attn_core", "grad_output", gradOutput.Shape, "[N, Lq, M · D]", value.Shape[0], samplingLocations.Shape[1],
            value.Shape[2] * value.Shape[3]);
        MSDeformAttnGradients<T> gradients = new(
            context.Rent<T>(value.Shape), context.Rent<T>(samplingLocations.Shape), context.Rent<T>(attentionWeights.Shape));
        BackwardKernel<T> kernel = context.Kernels == Kernels.Textbook ? BackwardTextbook : BackwardSimd;
        kernel(context, value, spatialShapes, levelStartIndex, samplingLocations, attentionWeights, gradOutput, gradients);
        return gradients;
    }

    private static void BackwardTextbook<T>(
        OperatorContext context, Tensor<T> value, Tensor<long> spatialShapes, Tensor<long> levelStartIndex, Tensor<T> samplingLocations,
        Tensor<T> attentionWeights, Tensor<T> gradOutput, MSDeformAttnGradients<T> gradients)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        CoreShape s = new(value.Shape, samplingLocations.Shape);
        double[] gradValue = new double[value.Length];
        for (int item = 0; item < s.Batch * s.Queries * s.Heads; item++)
        {
            (int n, int query, int head) = s.Item(item);
            ReadOnlySpan<T> g = gradOutput.AsReadOnlySpan().Slice(item * s.Channels, s.Channels);
            for (int level = 0; level < s.Levels; level++)
            {
                int height = (int)spatialShapes[level, 0];
                int width = (int)spatialShapes[level, 1];
                for (int point = 0; point < s.Points; point++)
                {
                    double px = (Widen(samplingLocations[n, query, head, level, point, 0]) * width) - 0.5;
                    double py = (Widen(samplingLocations[n, query, head, level, point, 1]) * height) - 0.5;
                    double weight = Widen(attentionWeights[n, query, head, level, point]);
                    double gradWeight = 0;
                    double gradX = 0;
                    double gradY = 0;
                    for (int corner = 0; corner < 4; corner++)
                    {
                        double ix = Math.Floor(px) + (corner & 1);
                        double iy = Math.Floor(py) + (corner >> 1);
                        if (ix >= 0 && ix < width && iy >= 0 && iy < height)
                        {
                            double factorX = 1 - Math.Abs(px - ix);
                            double factorY = 1 - Math.Abs(py - iy);
                            int token = (int)levelStartIndex[level] + ((int)iy * width) + (int)ix;
                            int at = (((n * s.Tokens) + token) * s.Heads * s.Channels) + (head * s.Channels);
                            double product = 0;
                            for (int channel = 0; channel < s.Channels; channel++)
                            {
                                product += Widen(g[channel]) * Widen(value.AsReadOnlySpan()[at + channel]);
                                gradValue[at + channel] += weight * factorX * factorY * Widen(g[channel]);
                            }

                            gradWeight += factorX * factorY * product;
                            gradX += ((corner & 1) == 0 ? -factorY : factorY) * product;
                            gradY += ((corner >> 1) == 0 ? -factorX : factorX) * product;
                        }
                    }

                    gradients.AttentionWeights[n, query, head, level, point] = Round<T>(gradWeight);
                    gradients.SamplingLocations[n, query, head, level, point, 0] = Round<T>(weight * width * gradX);
                    gradients.SamplingLocations[n, query, head, level, point, 1] = Round<T>(weight * height * gradY);
                }
            }
        }

        for (int i = 0; i < gradValue.Length; i++)
        {
            gradients.Value.AsSpan()[i] = Round<T>(gradValue[i]);
        }
    }
}
