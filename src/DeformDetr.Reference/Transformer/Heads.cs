using System.Numerics;
using DeformDetr.Tensors;

namespace DeformDetr.Reference;

/// <summary>
/// The class and box heads, one pair for every decoder layer and, in a two-stage model, one more for the proposals. Without refinement they
/// all share the weights under the index 0.
/// </summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class Heads<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly LinearLayer<T>?[] _classEmbed;
    private readonly Mlp<T>?[] _bboxEmbed;

    /// <summary>Takes the weights of all heads, or of those that are wanted.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="config">Sizes.</param>
    /// <param name="hasClass">Whether the class head of an index is wanted; null for all.</param>
    /// <param name="hasBbox">Whether the box head of an index is wanted; null for all.</param>
    public Heads(IWeights<T> weights, DeformableDetrConfig config, Func<int, bool>? hasClass = null, Func<int, bool>? hasBbox = null)
    {
        _classEmbed = new LinearLayer<T>?[config.Heads];
        _bboxEmbed = new Mlp<T>?[config.Heads];
        for (int head = 0; head < config.Heads; head++)
        {
            _classEmbed[head] = hasClass?.Invoke(head) ?? true
                ? new LinearLayer<T>(weights, $"class_embed.{head}", config.HiddenDim, config.NumClasses)
                : null;
            _bboxEmbed[head] = hasBbox?.Invoke(head) ?? true
                ? new Mlp<T>(weights, $"bbox_embed.{head}", config.HiddenDim, config.HiddenDim, 4, 3)
                : null;
        }
    }

    /// <summary>Whether the class head of an index is there.</summary>
    /// <param name="head">Decoder layer, or the number of decoder layers for the proposals' head.</param>
    public bool HasClass(int head) => _classEmbed[head] is not null;

    /// <summary>Whether the box head of an index is there.</summary>
    /// <param name="head">Decoder layer, or the number of decoder layers for the proposals' head.</param>
    public bool HasBbox(int head) => _bboxEmbed[head] is not null;

    /// <summary>Class logits.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="head">Which head.</param>
    /// <param name="x">Shape [N, Q, C].</param>
    /// <returns>Shape [N, Q, K].</returns>
    public Tensor<T> Classes(ForwardPass pass, int head, Tensor<T> x) =>
        pass.Tap($"class_embed.{head}", _classEmbed[head]!.Forward(pass, x));

    /// <summary>Box offsets, before the reference is added.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="head">Which head.</param>
    /// <param name="x">Shape [N, Q, C].</param>
    /// <returns>(cx, cy, w, h) as logits. Shape [N, Q, 4].</returns>
    public Tensor<T> Boxes(ForwardPass pass, int head, Tensor<T> x) => _bboxEmbed[head]!.Forward(pass, x);
}
