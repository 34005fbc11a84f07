namespace DeformDetr.Oracle;

// What laws need to know of a target's tensors.
internal static class LawTargets
{
    // The contract's, for which implementations in other languages are called.
    public static IReadOnlyList<string> Contract { get; } = ["ms_deform_attn_core", "ms_deform_attn", "transformer", "model"];

    // Outputs that every implementation has.
    public static IReadOnlyList<string> Outputs(LawInput input) => input.Target switch
    {
        "transformer" => ["hs.0"],
        "model" => ["pred_logits", "pred_boxes"],
        _ => [LawTruth.Tensors(input).Steps[^1].Name],
    };

    // Inputs; the other tensors of a case are weights.
    public static bool IsInput(string target, string name) => target switch
    {
        "ms_deform_attn" => name is "query" or "reference_points" || name.StartsWith("input_", StringComparison.Ordinal),
        "transformer" => Starts(name, "srcs.") || Starts(name, "masks.") || Starts(name, "pos."),
        "model" => Starts(name, "samples.") || name == StepGraph.TargetSizes,
        _ => true,
    };

    private static bool Starts(string name, string prefix) => name.StartsWith(prefix, StringComparison.Ordinal);
}
