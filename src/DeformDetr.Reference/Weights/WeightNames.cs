namespace DeformDetr.Reference;

/// <summary>Canonical names of weights: one name for every tensor that the original's state_dict lists twice.</summary>
public static class WeightNames
{
    private const string DecoderPrefix = "transformer.decoder.";

    /// <summary>Drops the decoder's prefix of heads; without refinement all heads are the one under the index 0.</summary>
    /// <param name="name">A name of a state_dict.</param>
    /// <param name="withBoxRefine">Whether every layer has heads of its own.</param>
    public static string Canonical(string name, bool withBoxRefine)
    {
        string rest = name.StartsWith(DecoderPrefix, StringComparison.Ordinal) ? name[DecoderPrefix.Length..] : name;
        string? head = rest.StartsWith("class_embed.", StringComparison.Ordinal) ? "class_embed."
            : rest.StartsWith("bbox_embed.", StringComparison.Ordinal) ? "bbox_embed."
            : null;
        if (head is null)
        {
            return name;
        }

        int dot = rest.IndexOf('.', head.Length);
        bool indexed = dot > head.Length && rest.AsSpan(head.Length, dot - head.Length).IndexOfAnyExceptInRange('0', '9') < 0;
        return indexed && !withBoxRefine ? $"{head}0{rest[dot..]}" : rest;
    }
}
