// Equation: proposal of cell (i, j) of level l: σ⁻¹((j + 0.5) / valid W, (i + 0.5) / valid H, 0.05 · 2^l, 0.05 · 2^l); +∞ where the cell is
// padding or a coordinate is not within (0.01, 0.99). output_memory = norm(linear(memory, zeroed at the same places)).
// Mirrors DeformableTransformer.gen_encoder_output_proposals.
using System.Numerics;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;
using DeformDetr.Tensors.Operators;
using static DeformDetr.Tensors.Numerics.Rounding;

namespace DeformDetr.Reference;

/// <summary>The first stage of a two-stage model: every cell proposes a box around itself.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class EncoderProposals<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly LinearLayer<T> _encOutputLinear;
    private readonly LayerNormLayer<T> _encOutputNorm;

    /// <summary>Takes the weights.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="prefix">Path of the module that holds enc_output, with its dot; empty for none.</param>
    /// <param name="channels">C.</param>
    public EncoderProposals(IWeights<T> weights, string prefix, int channels)
    {
        _encOutputLinear = new LinearLayer<T>(weights, $"{prefix}enc_output", channels, channels);
        _encOutputNorm = new LayerNormLayer<T>(weights, $"{prefix}enc_output_norm", channels);
    }

    /// <summary>Makes the proposals.</summary>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="memory">The encoder's output. Shape [N, S, C].</param>
    /// <param name="paddingMask">True is padding. Shape [N, S].</param>
    /// <param name="levels">The levels' layout.</param>
    /// <returns>Memory for the heads, shape [N, S, C], and proposals as logits (cx, cy, w, h), +∞ where masked or invalid,
    /// shape [N, S, 4].</returns>
    /// <exception cref="ArgumentException">Shapes disagree.</exception>
    public (Tensor<T> OutputMemory, Tensor<T> OutputProposals) Forward(
        OperatorContext context, Tensor<T> memory, Tensor<bool> paddingMask, LevelLayout levels)
    {
        ShapeGuard.Rank("encoder proposals", nameof(memory), memory.Shape, "[N, S, C]", 3);
        ShapeGuard.Require("encoder proposals", "memory_padding_mask", paddingMask.Shape, "[N, S]", memory.Shape[0], memory.Shape[1]);
        using BufferScope scope = context.Scope();
        (Tensor<T> proposals, Tensor<bool> unusable) = Propose(context, paddingMask, levels);
        Tensor<T> kept = MaskedFill.Forward(context, memory, unusable, T.Zero);
        Tensor<T> outputMemory = _encOutputNorm.Forward(context, _encOutputLinear.Forward(context, kept));
        return (scope.Keep(outputMemory), scope.Keep(proposals));
    }

    /// <summary>The boxes alone, and where they can't be used.</summary>
    /// <param name="context">Kernels, threads and buffers.</param>
    /// <param name="paddingMask">True is padding. Shape [N, S].</param>
    /// <param name="levels">The levels' layout.</param>
    /// <returns>Proposals as logits (cx, cy, w, h), +∞ where unusable, shape [N, S, 4]; true where masked or a coordinate is not within
    /// (0.01, 0.99), shape [N, S].</returns>
    /// <exception cref="ArgumentException">The levels are not those of S tokens.</exception>
    public static (Tensor<T> Proposals, Tensor<bool> Unusable) Propose(
        OperatorContext context, Tensor<bool> paddingMask, LevelLayout levels)
    {
        int batch = paddingMask.Shape[0];
        int tokens = paddingMask.Shape[1];
        LevelLayout.Require("encoder proposals", levels.SpatialShapes, levels.LevelStartIndex, tokens);
        Tensor<T> proposals = context.Rent<T>([batch, tokens, 4]);
        Tensor<bool> unusable = context.Rent<bool>([batch, tokens]);

        // The original compares in the tensor's own precision: 0.01 is rounded to it first.
        T least = Round<T>(0.01);
        T most = Round<T>(0.99);
        Span<double> box = stackalloc double[4];
        for (int n = 0; n < batch; n++)
        {
            for (int level = 0; level < levels.Count; level++)
            {
                int height = levels.Height(level);
                int width = levels.Width(level);
                int start = levels.Start(level);
                int validHeight = 0;
                for (int row = 0; row < height; row++)
                {
                    validHeight += paddingMask[n, start + (row * width)] ? 0 : 1;
                }

                int validWidth = 0;
                for (int column = 0; column < width; column++)
                {
                    validWidth += paddingMask[n, start + column] ? 0 : 1;
                }

                for (int cell = 0; cell < height * width; cell++)
                {
                    int token = start + cell;
                    box[0] = ((cell % width) + 0.5) / validWidth;
                    box[1] = ((cell / width) + 0.5) / validHeight;
                    box[2] = box[3] = 0.05 * (1L << level);
                    bool valid = true;
                    foreach (double side in box)
                    {
                        valid &= Round<T>(side) > least && Round<T>(side) < most;
                    }

                    bool drop = !valid || paddingMask[n, token];
                    unusable[n, token] = drop;
                    for (int axis = 0; axis < 4; axis++)
                    {
                        proposals[n, token, axis] = drop ? T.PositiveInfinity : Round<T>(Elementary.Log(box[axis] / (1 - box[axis])));
                    }
                }
            }
        }

        return (proposals, unusable);
    }
}
