using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// The contract's targets and the layers: steps of a model, cut out and renamed.
internal static partial class OperatorCatalogue
{
    private const string AttentionWeightsOf =
        "value_proj.weight [C, C]; value_proj.bias [C]; sampling_offsets.weight [M·L·P·2, C]; sampling_offsets.bias [M·L·P·2]; "
        + "attention_weights.weight [M·L·P, C]; attention_weights.bias [M·L·P]; output_proj.weight [C, C]; output_proj.bias [C]";

    private const string AttentionOutputs =
        "value [N, S, M, D]; sampling_offsets [N, Lq, M, L, P, 2]; attention_logits [N, Lq, M·L·P]; attention_weights [N, Lq, M, L, P]; "
        + "sampling_locations [N, Lq, M, L, P, 2]; sampled [N, Lq, M·D]";

    // One layer of each kind: the steps that layers are cut from.
    private static readonly StepGraph Template = StepGraph.Build(
        new DeformableDetrConfig { EncLayers = 1, DecLayers = 1, WithBoxRefine = true }, pictures: 0, results: 0);

    private static IEnumerable<OperatorDefinition> Layers()
    {
        const string Places = "spatial_shapes [L, 2] int64; level_start_index [L] int64";
        yield return One(
            "ms_deform_attn_core", "The core of deformable attention: weighted bilinear samples of the values.",
            "value [N, S, M, D]; spatial_shapes [L, 2] int64; level_start_index [L] int64; sampling_locations [N, Lq, M, L, P, 2]; "
            + "attention_weights [N, Lq, M, L, P]",
            "", "output [N, Lq, M·D]", "", $"{Reference}Attention/MSDeformAttnCore.cs", _ => StepKinds.Sampled);
        const string Attend = "transformer.decoder.layers.0.cross_attn";
        yield return Layer(
            "ms_deform_attn", "Multi-scale deformable attention, from the query to the output projection.",
            "query [N, Lq, C]; reference_points [N, Lq, L, 2|4]; input_flatten [N, S, C]; input_spatial_shapes [L, 2] int64; "
            + "input_level_start_index [L] int64; input_padding_mask? [N, S] bool",
            AttentionWeightsOf, $"{AttentionOutputs}; output [N, Lq, C]", Sampling,
            $"{Reference}Attention/MSDeformAttn.cs", Attend, [],
            ("transformer.decoder.layers.0.norm2", "query"), ("transformer.memory", "input_flatten"),
            ("transformer.decoder.layers.0.reference_points_input", "reference_points"),
            ("transformer.mask_flatten", "input_padding_mask"), ("transformer.spatial_shapes", "input_spatial_shapes"),
            ("transformer.level_start_index", "input_level_start_index"));
        const string Encoder = "transformer.encoder.layers.0";
        yield return Layer(
            "encoder_layer", "A layer of the encoder.",
            $"src [N, S, C]; pos [N, S, C]; reference_points [N, S, L, 2]; {Places}; padding_mask? [N, S] bool",
            $"{Prefixed("self_attn.", AttentionWeightsOf)}; {Norm("norm1")}; {FeedForwardWeights}; {Norm("norm2")}",
            $"{Prefixed("self_attn.", AttentionOutputs.Replace("Lq", "S", StringComparison.Ordinal))}; self_attn [N, S, C]; norm1 [N, S, C]; "
            + "linear1 [N, S, F]; linear2 [N, S, C]; norm2 [N, S, C]; output [N, S, C]",
            $"{Sampling}; {ActivationSetting}", $"{Reference}Transformer/EncoderLayer.cs", Encoder, ["S"],
            ("transformer.src_flatten", "src"), ("transformer.lvl_pos_embed_flatten", "pos"),
            ("transformer.encoder.reference_points", "reference_points"), ("transformer.mask_flatten", "padding_mask"),
            ("transformer.spatial_shapes", "spatial_shapes"), ("transformer.level_start_index", "level_start_index"));
        const string Decoder = "transformer.decoder.layers.0";
        yield return Layer(
            "decoder_layer", "A layer of the decoder; its reference points are those times the valid ratios.",
            "tgt [N, Q, C]; query_pos [N, Q, C]; reference_points [N, Q, L, 2|4]; src [N, S, C]; src_spatial_shapes [L, 2] int64; "
            + "level_start_index [L] int64; src_padding_mask? [N, S] bool",
            $"self_attn.in_proj_weight [3·C, C]; self_attn.in_proj_bias [3·C]; self_attn.out_proj.weight [C, C]; self_attn.out_proj.bias [C]; "
            + $"{Norm("norm2")}; {Prefixed("cross_attn.", AttentionWeightsOf)}; {Norm("norm1")}; {FeedForwardWeights}; {Norm("norm3")}",
            "self_attn [N, Q, C]; norm2 [N, Q, C]; "
            + $"{Prefixed("cross_attn.", AttentionOutputs.Replace("Lq", "Q", StringComparison.Ordinal))}; cross_attn [N, Q, C]; norm1 [N, Q, C]; "
            + "linear1 [N, Q, F]; linear2 [N, Q, C]; norm3 [N, Q, C]; output [N, Q, C]",
            $"{Sampling}; {ActivationSetting}", $"{Reference}Transformer/DecoderLayer.cs", Decoder, ["Q"],
            ("transformer.tgt", "tgt"), ("transformer.query_embed", "query_pos"),
            ("transformer.decoder.layers.0.reference_points_input", "reference_points"), ("transformer.memory", "src"),
            ("transformer.mask_flatten", "src_padding_mask"), ("transformer.spatial_shapes", "src_spatial_shapes"),
            ("transformer.level_start_index", "level_start_index"));
        yield return Layer(
            "feed_forward", "Two linear layers with an activation between them, added to their input and normed.", "x [N, S, C]",
            $"{FeedForwardWeights}; {Norm("norm2")}",
            "linear1 [N, S, F]; linear2 [N, S, C]; norm2 [N, S, C]", ActivationSetting, $"{Reference}Transformer/FeedForward.cs", Encoder, [],
            ("transformer.encoder.layers.0.norm1", "x"));
        yield return Layer(
            "bbox_embed", "The head that predicts boxes: three linear layers.", "x [N, Q, C]",
            "layers.0.weight [C, C]; layers.0.bias [C]; layers.1.weight [C, C]; layers.1.bias [C]; layers.2.weight [4, C]; layers.2.bias [4]",
            "layers.0 [N, Q, C]; layers.1 [N, Q, C]; layers.2 [N, Q, 4]; output [N, Q, 4]", "", $"{Reference}Layers/Mlp.cs", "bbox_embed.0", [],
            ("transformer.decoder.layers.0", "x"), ("hs.0", "x"), ("transformer.decoder.layers.0.norm3", "x"));
        yield return One(
            "position_encoding", "Where each pixel is, in channels.", "mask [N, H, W] bool", "row_embed.weight? [R, F]; col_embed.weight? [R, F]",
            "pos [N, C, H, W]", "position_embedding=\"sine\" sine or learned; hidden_dim=256 channels of the sine encoding",
            $"{Reference}Backbone/SinePositionEncoding.cs",
            args => args.Settings.Word("position_embedding", "sine", "learned") == "sine" ? StepKinds.SinePosition : StepKinds.LearnedPosition,
            ["C", "H", "W"], (args, options) => options with { Channels = args.Settings.Count("hidden_dim") });
        yield return Proposals();
        yield return Results();
        yield return One(
            "multi_head_attention", "Self-attention of the queries, positions added to query and key.", "tgt [N, Q, C]; query_pos [N, Q, C]",
            "in_proj_weight [3·C, C]; in_proj_bias [3·C]; out_proj.weight [C, C]; out_proj.bias [C]", "output [N, Q, C]", NumHeads,
            $"{Reference}Attention/MultiHeadAttention.cs", _ => StepKinds.SelfAttention, ["Q", "C"],
            (args, options) => Heads(args, options) with { Channels = args.Given["tgt"][2] });
    }

    private const string ActivationSetting = "activation=\"relu\" relu or gelu";
    private const string FeedForwardWeights = "linear1.weight [F, C]; linear1.bias [F]; linear2.weight [C, F]; linear2.bias [C]";

    private static string Norm(string name) => $"{name}.weight [C]; {name}.bias [C]";

    private static string Prefixed(string prefix, string tensors) =>
        string.Join("; ", tensors.Split(';', StringSplitOptions.TrimEntries).Select(tensor => prefix + tensor));

    // The target of the golden cases; without memory the proposals alone.
    private static OperatorDefinition Proposals() => new()
    {
        Name = "encoder_output_proposals",
        Summary = "A box around every token, as logits; with memory also the projected and normed memory.",
        Inputs = OperatorTensor.Parse("memory? [N, S, C]; memory_padding_mask=mask_flatten [N, S] bool; spatial_shapes [L, 2] int64"),
        Weights = OperatorTensor.Parse(
            "enc_output.weight? [C, C]; enc_output.bias? [C]; enc_output_norm.weight? [C]; enc_output_norm.bias? [C]"),
        Outputs = OperatorTensor.Parse("output_memory? [N, S, C]; output_proposals [N, S, 4]"),
        Whole = ["S", "C", "4"],
        Source = $"{Reference}Transformer/EncoderProposals.cs",
        Plan = args =>
        {
            (string, string)[] place = [("mask_flatten", "memory_padding_mask"), ("spatial_shapes", "spatial_shapes")];
            Step boxes = Bare("output_proposals", StepKinds.OutputProposals, place) with { Axes = ["batch", "token", "cxcywh"] };
            if (!args.Has("memory"))
            {
                return [boxes];
            }

            string[] weights = ["enc_output.weight", "enc_output.bias", "enc_output_norm.weight", "enc_output_norm.bias"];
            return
            [
                Bare("output_memory", StepKinds.OutputMemory, [("memory", "memory"), .. place]) with
                {
                    Weights = [.. weights.Select(weight => KeyValuePair.Create(weight, weight))],
                    Axes = ["batch", "token", "channel"],
                },
                boxes,
            ];
        },
    };

    private static OperatorDefinition Results() => new()
    {
        Name = "post_process",
        Summary = "The 100 best detections of every picture: scores, classes, and boxes as corners in pixels.",
        Inputs = OperatorTensor.Parse("pred_logits [N, Q, K]; pred_boxes [N, Q, 4]; target_sizes [N, 2] int64"),
        Outputs = OperatorTensor.Parse("results.{b}.scores [R]; results.{b}.labels [R] int64; results.{b}.boxes [R, 4]"),
        Whole = ["R", "4"],
        Source = $"{Reference}PostProcess.cs",
        Plan = args =>
        {
            List<Step> steps = [];
            TensorShape logits = args.Given["pred_logits"];
            for (int b = 0; b < logits[0]; b++)
            {
                StepOptions options = new() { Picture = b, Classes = logits[2] };
                (string, string) scores = ("pred_logits", "pred_logits");

                // What tells whether scores that changed places were equal.
                KeyValuePair<string, string>[] others =
                    [KeyValuePair.Create("pred_boxes", "pred_boxes"), KeyValuePair.Create("target_sizes", "target_sizes")];
                steps.Add(Bare(FormattableString.Invariant($"results.{b}.scores"), StepKinds.ResultScores, scores) with
                {
                    Axes = ["rank"],
                    Options = options,
                    Hints = others,
                });
                steps.Add(Bare(FormattableString.Invariant($"results.{b}.labels"), StepKinds.ResultLabels, scores) with
                {
                    Axes = ["rank"],
                    Options = options,
                    Hints = others,
                });
                steps.Add(
                    Bare(
                        FormattableString.Invariant($"results.{b}.boxes"), StepKinds.ResultBoxes, scores, ("pred_boxes", "pred_boxes"),
                        ("target_sizes", "target_sizes")) with
                    {
                        Axes = ["rank", "xyxy"],
                        Options = options,
                    });
            }

            return steps;
        },
    };

    // The steps of the template under a module's path. What they take from elsewhere gets the names of the module's arguments; what has none
    // is left out, such as the position where the query has it already.
    private static OperatorDefinition Layer(
        string name, string summary, string inputs, string weights, string outputs, string settings, string source, string module,
        IReadOnlyList<string> whole, params (string Name, string Argument)[] renamed)
    {
        IReadOnlyList<OperatorTensor> made = OperatorTensor.Parse(outputs);
        Dictionary<string, string> arguments = renamed.ToDictionary(pair => pair.Name, pair => pair.Argument, StringComparer.Ordinal);
        HashSet<string> wanted = [.. made.Select(tensor => tensor.Name)];
        return new OperatorDefinition
        {
            Name = name,
            Summary = summary,
            Inputs = OperatorTensor.Parse(inputs),
            Weights = OperatorTensor.Parse(weights),
            Outputs = made,
            Settings = OperatorSetting.Parse(settings),
            Whole = whole,
            IsLayer = true,
            Source = source,
            Plan = args =>
            {
                List<Step> steps = [];
                foreach (Step step in Template.Steps)
                {
                    if (Local(step.Name) is { } local && wanted.Contains(local))
                    {
                        steps.Add(step with
                        {
                            Name = local,
                            Inputs = [.. Renamed(step.Inputs)],
                            Hints = [.. Renamed(step.Hints)],
                            Weights = [.. step.Weights.Select(pair => KeyValuePair.Create(pair.Key, pair.Value[(module.Length + 1)..]))],
                            Options = Options(args, step.Options),
                        });
                    }
                }

                return steps;

                IEnumerable<KeyValuePair<string, string>> Renamed(IEnumerable<KeyValuePair<string, string>> pairs)
                {
                    foreach ((string role, string tensor) in pairs)
                    {
                        string? its = arguments.TryGetValue(tensor, out string? argument)
                            ? (args.Has(argument) ? argument : null)
                            : Local(tensor) is { } own && wanted.Contains(own) ? own : null;
                        if (its is not null)
                        {
                            yield return KeyValuePair.Create(role, its);
                        }
                    }
                }
            },
        };

        string? Local(string tensor) => tensor == module ? "output"
            : tensor.StartsWith($"{module}.", StringComparison.Ordinal) ? tensor[(module.Length + 1)..]
            : null;

        static StepOptions Options(OperatorArguments args, StepOptions options)
        {
            OperatorSettings settings = args.Settings;
            return options with
            {
                Heads = settings.Has("nheads") ? settings.Count("nheads") : options.Heads,
                Levels = settings.Has("num_feature_levels") ? settings.Count("num_feature_levels") : options.Levels,
                Points = settings.Has("n_points") ? settings.Count("n_points") : options.Points,
                Channels = args.Given.TryGetValue("tgt", out TensorShape tgt) && tgt.Rank == 3 ? tgt[2] : options.Channels,
                Activation = !settings.Has("activation") ? options.Activation
                    : settings.Word("activation", "relu", "gelu") == "gelu" ? Activation.Gelu
                    : Activation.Relu,
            };
        }
    }
}
