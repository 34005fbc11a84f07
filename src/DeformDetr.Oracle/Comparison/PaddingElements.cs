using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

/// <summary>
/// Which elements don't count where the model makes its own sine encoding (golden-contract.md, section 4): the encoding divides by almost
/// nothing under the mask, and what is computed from it there carries no information until values are zeroed.
/// </summary>
internal static class PaddingElements
{
    /// <summary>The mask under which elements of a tensor don't count; null where all count.</summary>
    public static string? MaskName(string name)
    {
        if (name.StartsWith("pos.", StringComparison.Ordinal))
        {
            return $"masks.{name[4..]}";
        }

        bool encoder = name.StartsWith("transformer.encoder.layers.", StringComparison.Ordinal)
            && !name.EndsWith(".value", StringComparison.Ordinal);
        return encoder || name is "transformer.lvl_pos_embed_flatten" or "transformer.memory" ? "transformer.mask_flatten" : null;
    }

    /// <summary>True for elements that don't count, in the tensor's shape; null where all count or the mask is not of its sizes.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="maskOf">The mask of a name that <see cref="MaskName"/> gives; null for an unknown one.</param>
    public static Tensor<bool>? Mask(string name, TensorShape shape, Func<string, Tensor<bool>?> maskOf) =>
        MaskName(name) is { } maskName && maskOf(maskName) is { } mask ? Spread(mask, shape) : null;

    /// <summary>A mask of rows, [N, S] over [N, S, ..], or of pixels, [N, h, w] over [N, C, h, w]; null where the sizes disagree.</summary>
    public static Tensor<bool>? Spread(Tensor<bool> mask, TensorShape shape)
    {
        if (mask.Shape.Rank == 2 && shape.Rank >= 2 && mask.Shape.Sizes.SequenceEqual(shape.Sizes[..2]))
        {
            return OverRows(mask, shape);
        }

        return mask.Shape.Rank == 3 && shape.Rank == 4 && mask.Shape[0] == shape[0] && mask.Shape.Sizes[1..].SequenceEqual(shape.Sizes[2..])
            ? OverChannels(mask, shape)
            : null;
    }

    private static Tensor<bool> OverRows(Tensor<bool> mask, TensorShape shape)
    {
        Tensor<bool> spread = new(shape);
        int width = shape.LengthFrom(2);
        for (int row = 0; row < mask.Length; row++)
        {
            spread.AsSpan().Slice(row * width, width).Fill(mask.AsReadOnlySpan()[row]);
        }

        return spread;
    }

    private static Tensor<bool> OverChannels(Tensor<bool> mask, TensorShape shape)
    {
        Tensor<bool> spread = new(shape);
        int pixels = shape[2] * shape[3];
        for (int map = 0; map < shape[0] * shape[1]; map++)
        {
            mask.AsReadOnlySpan().Slice(map / shape[1] * pixels, pixels).CopyTo(spread.AsSpan().Slice(map * pixels, pixels));
        }

        return spread;
    }
}
