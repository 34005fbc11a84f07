namespace DeformDetr.Oracle;

// Kinds of steps of the model, each by itself. Optional inputs beyond the needed are what mistakes take.
internal static partial class OperatorCatalogue
{
    private const string NumHeads = "nheads=8 heads";
    private const string Sampling = "nheads=8 heads; num_feature_levels=4 levels; n_points=4 points of each level";

    private static IEnumerable<OperatorDefinition> Kinds()
    {
        HashSet<string> taken = [.. General().Concat(Layers()).Select(definition => definition.Name)];
        return OfKind.Values.Where(definition => !taken.Contains(definition.Name));
    }

    private static Dictionary<StepKind, OperatorDefinition> KindTable()
    {
        Dictionary<StepKind, OperatorDefinition> table = [];

        void Add(
            StepKind kind, string summary, string inputs, string weights, string output, string settings, string source,
            IReadOnlyList<string>? whole = null, Func<OperatorArguments, StepOptions, StepOptions>? options = null) =>
            table.Add(kind, One(
                NameOf(kind), summary, inputs, weights, $"output {output}", settings, source, _ => kind, whole, options));

        Add(StepKinds.Given, "A tensor that a run starts from, as it is.", "given [..] any", "", "[..] any", "", Steps);
        Add(StepKinds.Copy, "Another name of the same tensor.", "x [..] any", "", "[..] any", "", Steps);
        table.Add(StepKinds.Resize, new OperatorDefinition
        {
            Name = NameOf(StepKinds.Resize),
            Summary = "A picture in the size that the model takes, as Pillow's BILINEAR makes it.",
            Inputs = OperatorTensor.Parse("decoded [H, W, 3] uint8"),
            Outputs = OperatorTensor.Parse("output [h, w, 3] uint8"),
            Settings = OperatorSetting.Parse("shortest=800 aim of the shorter side; longest=1333 most of the longer side"),
            Whole = ["h", "w", "3"],
            Source = $"{Reference}Pictures/PillowResize.cs",
            Plan = _ => [Bare("output", StepKinds.Resize, ("decoded", "decoded"))],
        });
        Add(
            StepKinds.Normalize, "Pictures to the padded batch: (v/255 − mean) / std in float32, zeros beyond each.",
            "resized.{b} [h, w, 3] uint8", "", "[N, 3, H, W]", "", $"{Reference}Pictures/PictureNormalization.cs", ["N", "H", "W"]);
        Add(
            StepKinds.PaddingMask, "True beyond each picture.", "resized.{b} [h, w, 3] uint8", "", "[N, H, W] bool", "", Steps, ["N", "H", "W"]);
        Add(
            StepKinds.Convolution, "A convolution, whose input may go through ReLU first.", "x [N, I, H, W]; previous? [N, J, h, w]",
            "weight [O, G, kh, kw]; bias? [O]", "[N, O, Ho, Wo]",
            "stride=1 pixels between windows; padding=0 zeros on each side; dilation=1 pixels between taps; groups=1 groups of channels; relu=false whether the input goes through ReLU",
            $"{Tensors}Conv2d.cs", ["Ho", "Wo"],
            (args, options) => Window(args, options) with { Activates = args.Settings.Boolean("relu") });
        Add(
            StepKinds.FrozenBatchNorm, "Batch norm with fixed statistics.", "x [N, C, H, W]",
            "weight [C]; bias [C]; running_mean [C]; running_var [C]", "[N, C, H, W]", "", $"{Tensors}FrozenBatchNorm.cs");
        Add(
            StepKinds.StemPool, "ReLU, then the largest of 3×3 pixels at every second.", "x [N, C, H, W]", "", "[N, C, Ho, Wo]", "",
            $"{Tensors}MaxPool2d.cs", ["Ho", "Wo"]);
        Add(
            StepKinds.Residual, "ReLU of the sum of a block and its shortcut.", "x [N, C, H, W]; identity [N, C, H, W]; input? [N, J, h, w]", "",
            "[N, C, H, W]", "", $"{Reference}Backbone/ResNetBlock.cs");
        Add(
            StepKinds.MaskResize, "The padding mask in the size of a map.", "mask [N, H, W] bool; map [N, C, h, w]; previous? [N, i, j] bool", "",
            "[N, h, w] bool", "", $"{Tensors}NearestResize.cs", ["h", "w"]);
        Add(
            StepKinds.GroupNorm, "Group norm of 32 groups.", "x [N, C, H, W]", "weight [C]; bias [C]", "[N, C, H, W]", "",
            $"{Tensors}GroupNorm.cs", ["C", "H", "W"]);
        Add(
            StepKinds.SinePosition, "Sine and cosine of each valid pixel's place.", "mask [N, H, W] bool", "", "[N, C, H, W]",
            "hidden_dim=256 channels", $"{Reference}Backbone/SinePositionEncoding.cs", ["C", "H", "W"],
            (args, options) => options with { Channels = args.Settings.Count("hidden_dim") });
        Add(
            StepKinds.LearnedPosition, "Learned rows and columns of tables.", "mask [N, H, W] bool",
            "row_embed.weight [R, F]; col_embed.weight [R, F]", "[N, 2·F, H, W]", "", $"{Reference}Backbone/LearnedPositionEncoding.cs",
            ["F", "H", "W"]);
        Add(
            StepKinds.Flatten, "Maps of all levels as one row of tokens.", "maps.{l} [N, C, h, w]; pos.{l}? [N, C, h, w]",
            "level_embed? [L, C]", "[N, S, C]", "",
            $"{Reference}Transformer/DeformableTransformer.cs", ["S"]);
        Add(
            StepKinds.FlattenMasks, "Masks of all levels as one row of tokens.", "masks.{l} [N, h, w] bool", "", "[N, S] bool", "",
            $"{Reference}Transformer/DeformableTransformer.cs", ["S"]);
        Add(
            StepKinds.FlattenPositions, "Positions of all levels as tokens, each with its level's embedding.",
            "pos.{l} [N, C, h, w]; src_flatten? [N, S, C]", "level_embed [L, C]", "[N, S, C]", "",
            $"{Reference}Transformer/DeformableTransformer.cs", ["S"]);
        Add(
            StepKinds.SpatialShapes, "(H, W) of each map.", "maps.{l} [N, C, h, w]", "", "[L, 2] int64", "",
            Steps, ["L", "2"]);
        Add(
            StepKinds.LevelStarts, "The first token of each level.", "spatial_shapes [L, 2] int64", "", "[L] int64", "",
            Steps, ["L"]);
        Add(
            StepKinds.ValidRatios, "Share (w, h) of each level that is no padding.", "masks.{l} [N, h, w] bool", "", "[N, L, 2]", "",
            $"{Reference}Transformer/ValidRatios.cs", ["L", "2"]);
        Add(
            StepKinds.EncoderReferencePoints, "Centres of all tokens as every level sees them.",
            "spatial_shapes [L, 2] int64; valid_ratios [N, L, 2]; mask_flatten? [N, S] bool", "", "[N, S, L, 2]", "",
            $"{Reference}Transformer/EncoderReferencePoints.cs", ["S", "L", "2"]);
        Add(
            StepKinds.Value, "Tokens projected to values, zero under the mask.", "x [N, S, C]; mask? [N, S] bool; pos? [N, S, C]",
            "weight [M·D, C]; bias [M·D]", "[N, S, M, D]", NumHeads, $"{Tensors}Linear.cs", [], Heads);
        Add(
            StepKinds.SamplingOffsets, "Offsets from a query with its position.", "query [N, Lq, C]; pos? [N, Lq, C]",
            "weight [M·L·P·2, C]; bias [M·L·P·2]", "[N, Lq, M, L, P, 2]", Sampling, $"{Tensors}Linear.cs", ["L", "P", "2"], Attention);
        Add(
            StepKinds.AttentionLogits, "Attention before its softmax.", "query [N, Lq, C]; pos? [N, Lq, C]", "weight [O, C]; bias [O]",
            "[N, Lq, O]", "", $"{Tensors}Linear.cs");
        Add(
            StepKinds.AttentionWeights, "Softmax over all levels and points of a head.", "logits [N, Lq, M·L·P]", "",
            "[N, Lq, M, L, P]", Sampling, $"{Tensors}Softmax.cs", ["L", "P"], Attention);
        Add(
            StepKinds.SamplingLocations, "Reference points and offsets to fractions of each level.",
            "reference_points [N, Lq, L, 2|4]; sampling_offsets [N, Lq, M, L, P, 2]; spatial_shapes [L, 2] int64; valid_ratios? [N, L, 2]", "",
            "[N, Lq, M, L, P, 2]", "", $"{Reference}Attention/SamplingLocations.cs", ["L", "2"]);
        Add(
            StepKinds.Sampled, "Weighted bilinear samples of the values.",
            "value [N, S, M, D]; spatial_shapes [L, 2] int64; level_start_index [L] int64; sampling_locations [N, Lq, M, L, P, 2]; "
            + "attention_weights [N, Lq, M, L, P]; source? [N, S, C]; logits? [N, Lq, M·L·P]",
            "", "[N, Lq, M·D]", "", $"{Reference}Attention/MSDeformAttnCore.cs");
        Add(
            StepKinds.Linear, "A linear layer, whose input may go through its activation first.", "x [.., I]", "weight [O, I]; bias [O]",
            "[.., O]", "activation=\"none\" none, relu or gelu, before the layer", $"{Tensors}Linear.cs", [],
            BeforeLinear);
        Add(
            StepKinds.ResidualNorm, "Layer norm of a sum.", "x [N, Lq, C]; branch [N, Lq, C]", "weight [C]; bias [C]", "[N, Lq, C]", "",
            $"{Tensors}LayerNorm.cs", ["C"]);
        Add(
            StepKinds.SelfAttention, "Self-attention of the queries, positions added to query and key.", "tgt [N, Q, C]; query_pos [N, Q, C]",
            "in_proj_weight [3·C, C]; in_proj_bias [3·C]; out_proj.weight [C, C]; out_proj.bias [C]", "[N, Q, C]", NumHeads,
            $"{Reference}Attention/MultiHeadAttention.cs", ["Q", "C"],
            (args, options) => Heads(args, options) with { Channels = args.Given["tgt"][2] });
        Add(
            StepKinds.QueryEmbed, "Half of a learned table for every picture, or half of what pos_trans puts out.",
            "mask_flatten? [N, S] bool; pos_trans_out? [N, Q, 2·C]", "query_embed.weight? [Q, 2·C]", "[N, Q, C]",
            "half=0 0: position, 1: content", Steps, ["C"],
            (args, options) => options with { Half = args.Settings.Integer("half"), TwoStage = args.Has("pos_trans_out") });
        Add(
            StepKinds.InitReference, "Sigmoid of a linear layer of the query's position, or of the chosen proposals.",
            "query_embed? [N, Q, C]; coords? [N, Q, 4]; tgt? [N, Q, C]", "weight? [2, C]; bias? [2]", "[N, Q, 2|4]", "",
            $"{Tensors}Sigmoid.cs", ["2|4"], (args, options) => options with { TwoStage = args.Has("coords") });
        Add(
            StepKinds.ReferencePointsInput, "References times the valid ratios.", "reference_points [N, Q, 2|4]; valid_ratios [N, L, 2]", "",
            "[N, Q, L, 2|4]", "", $"{Reference}Transformer/Decoder.cs", ["2|4"]);
        Add(
            StepKinds.RefineBoxes, "σ(delta + σ⁻¹(reference)).", "delta [N, Q, 4]; reference [N, Q, 2|4]; valid_ratios? [N, L, 2]; refined? [N, Q, 2|4]", "",
            "[N, Q, 4]", "", $"{Reference}Transformer/BoxRefinement.cs", ["4"]);
        Add(
            StepKinds.Sigmoid, "1 / (1 + exp(−x)).", "x [..]", "", "[..]", "", $"{Tensors}Sigmoid.cs");
        Add(
            StepKinds.OutputMemory, "Memory without what can't be proposed, projected and normed.",
            "memory [N, S, C]; mask_flatten [N, S] bool; spatial_shapes [L, 2] int64",
            "enc_output.weight [C, C]; enc_output.bias [C]; enc_output_norm.weight [C]; enc_output_norm.bias [C]", "[N, S, C]", "",
            $"{Reference}Transformer/EncoderProposals.cs", ["S", "C"]);
        Add(
            StepKinds.OutputProposals, "A box around every token, as logits.", "mask_flatten [N, S] bool; spatial_shapes [L, 2] int64", "",
            "[N, S, 4]", "", $"{Reference}Transformer/EncoderProposals.cs", ["S", "4"]);
        Add(
            StepKinds.ProposalBoxes, "The box head's output and the proposals added.", "delta [N, S, 4]; proposals [N, S, 4]", "", "[N, S, 4]", "",
            $"{Tensors}Add.cs");
        Add(
            StepKinds.TopKProposals, "The tokens with the largest logits of class 0.", "enc_outputs_class [N, S, K]", "", "[N, Q] int64",
            "num_queries=300 how many", $"{Tensors}TopK.cs", ["Q"],
            (args, options) => options with { Queries = args.Settings.Count("num_queries") });
        Add(
            StepKinds.TopKCoords, "The boxes of the chosen tokens.", "coords [N, S, 4]; index [N, Q] int64; proposals? [N, S, 4]", "", "[N, Q, 4]",
            "", $"{Tensors}Gather.cs");
        Add(
            StepKinds.ProposalPosition, "Sine and cosine of a proposal's box.", "coords [N, Q, 4]", "", "[N, Q, 512]", "",
            $"{Reference}Transformer/ProposalPositionEncoding.cs", ["512"]);
        Add(
            StepKinds.PosTrans, "A linear layer and its norm.", "x [N, Q, I]", "weight [O, I]; bias [O]; norm.weight [O]; norm.bias [O]",
            "[N, Q, O]", "", $"{Tensors}Linear.cs", ["O"]);
        Add(
            StepKinds.ResultScores, "The 100 best scores of a picture.", "pred_logits [N, Q, K]", "", "[R]", "picture=0 which picture",
            $"{Reference}PostProcess.cs", ["R"], Picture);
        Add(
            StepKinds.ResultLabels, "Their classes.", "pred_logits [N, Q, K]", "", "[R] int64", "picture=0 which picture",
            $"{Reference}PostProcess.cs", ["R"], Picture);
        Add(
            StepKinds.ResultBoxes, "Their boxes as corners in pixels.", "pred_logits [N, Q, K]; pred_boxes [N, Q, 4]; target_sizes [N, 2] int64", "",
            "[R, 4]", "picture=0 which picture", $"{Reference}PostProcess.cs", ["R", "4"], Picture);
        return table;
    }

    private static StepOptions Attention(OperatorArguments args, StepOptions options) => Heads(args, options) with
    {
        Levels = args.Settings.Count("num_feature_levels"),
        Points = args.Settings.Count("n_points"),
    };

    private static StepOptions Picture(OperatorArguments args, StepOptions options) =>
        options with { Picture = args.Settings.Integer("picture"), Classes = args.Given["pred_logits"][2] };
}
