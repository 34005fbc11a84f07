using System.Numerics;
using DeformDetr.Tensors;

namespace DeformDetr.Reference;

/// <summary>The model's position encoding, of either kind: module backbone.1.</summary>
/// <typeparam name="T">float or double.</typeparam>
public sealed class PositionEncoding<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly int _channels;
    private readonly LearnedPositionEncoding<T>? _learned;

    /// <summary>Takes the weights, if the kind has any.</summary>
    /// <param name="weights">Where weights come from.</param>
    /// <param name="kind">Sine or learned.</param>
    /// <param name="channels">C.</param>
    /// <param name="name">The module's path.</param>
    public PositionEncoding(IWeights<T> weights, PositionEmbedding kind, int channels, string name = "backbone.1")
    {
        _channels = channels;
        _learned = kind == PositionEmbedding.Learned ? new LearnedPositionEncoding<T>(weights, name, channels) : null;
    }

    /// <summary>Encodes every cell of a level.</summary>
    /// <param name="pass">The run.</param>
    /// <param name="mask">True is padding. Shape [N, H, W].</param>
    /// <returns>Shape [N, C, H, W].</returns>
    public Tensor<T> Forward(OperatorContext pass, Tensor<bool> mask) =>
        _learned is null
            ? SinePositionEncoding.Forward<T>(pass, mask, _channels)
            : _learned.Forward(pass, mask.Shape[0], mask.Shape[1], mask.Shape[2]);
}
