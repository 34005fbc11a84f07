using System.Globalization;
using System.Runtime.CompilerServices;
using DeformDetr.Reference;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle;

// All named tensors of a model in an order in which each comes after those that it is made from.
internal sealed class StepGraph
{
    private readonly List<Step> _steps = [];
    private readonly Dictionary<string, Step> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> _lastReads = new(StringComparer.Ordinal);
    private readonly DeformableDetrConfig _config;

    private StepGraph(DeformableDetrConfig config) => _config = config;

    public IReadOnlyList<Step> Steps => _steps;

    public Step this[string name] => _byName[name];

    public bool TryFind(string name, out Step? step) => _byName.TryGetValue(name, out step);

    // Pictures: how many the run starts from; 0 for a run on tensors. Results: for how many pictures there are target sizes.
    public static StepGraph Build(DeformableDetrConfig config, int pictures, int results)
    {
        config.Validate();
        StepGraph graph = new(config);
        graph.Samples(pictures);
        List<string> features = graph.Backbone();
        graph.Levels(features);
        graph.Encoder();
        if (config.TwoStage)
        {
            graph.Proposals();
        }

        graph.Queries();
        graph.Decoder();
        graph.Predictions();
        for (int b = 0; b < results; b++)
        {
            graph.Results(b);
        }

        graph.FindLastReads();
        return graph;
    }

    // Tensors that no step after this one reads, this one's own included where nothing does.
    public IReadOnlyList<string> LastReadBy(Step step) => _lastReads.TryGetValue(step.Name, out List<string>? names) ? names : [];

    private void FindLastReads()
    {
        Dictionary<string, string> last = new(StringComparer.Ordinal);
        foreach (Step step in _steps)
        {
            last[step.Name] = step.Name;
            foreach ((_, string input) in step.All)
            {
                last[input] = step.Name;
            }
        }

        foreach ((string name, string reader) in last)
        {
            if (!_lastReads.TryGetValue(reader, out List<string>? names))
            {
                _lastReads.Add(reader, names = []);
            }

            names.Add(name);
        }
    }

    private void Samples(int pictures)
    {
        if (pictures == 0)
        {
            Add("samples.tensor", StepKinds.Given, ["batch", "channel", "row", "column"], [("given", "samples.tensor")]);
            Add("samples.mask", StepKinds.Given, ["batch", "row", "column"], [("given", "samples.mask")]);
        }
        else
        {
            (string, string)[] resized = [.. Enumerable.Range(0, pictures).Select(b => (Text($"resized.{b}"), Text($"images.{b}.resized")))];
            for (int b = 0; b < pictures; b++)
            {
                string decoded = Text($"images.{b}.decoded");
                Add(decoded, StepKinds.Given, ["row", "column", "rgb"], [("given", decoded)], options: new() { Picture = b });
                Add(resized[b].Item2, StepKinds.Resize, ["row", "column", "rgb"], [("decoded", decoded)], options: new() { Picture = b });
            }

            Add("samples.tensor", StepKinds.Normalize, ["batch", "channel", "row", "column"], resized);
            Add("samples.mask", StepKinds.PaddingMask, ["batch", "row", "column"], resized);
        }
    }

    private List<string> Backbone()
    {
        const string Body = "backbone.0.body";
        BackboneSpec spec = _config.Backbone;
        string x = Conv($"{Body}.conv1", "samples.tensor", false, new Conv2dWindow(2, 3));
        x = Norm($"{Body}.bn1", x);
        x = Add($"{Body}.maxpool", StepKinds.StemPool, Map, [("x", x)]);
        List<string> features = [];
        int inputs = spec.Width;
        int first = _config.NumFeatureLevels == 1 ? 3 : 1;
        for (int layer = 0; layer < 4; layer++)
        {
            bool dilated = _config.Dilation && layer == 3;
            int planes = spec.Width << layer;
            for (int block = 0; block < spec.Layers[layer]; block++)
            {
                int stride = block == 0 && layer > 0 && !dilated ? 2 : 1;
                int spread = dilated && block > 0 ? 2 : 1;
                x = Block(Text($"{Body}.layer{layer + 1}.{block}"), x, stride, spread, stride != 1 || inputs != planes * spec.Expansion);
                inputs = planes * spec.Expansion;
            }

            if (layer >= first)
            {
                features.Add(x);
            }
        }

        for (int level = 0; level < features.Count; level++)
        {
            string name = Text($"features.{level}.tensors");
            Add(name, StepKinds.Copy, Map, [("x", features[level])], options: new() { Level = level });
            features[level] = name;
            Add(
                Text($"features.{level}.mask"), StepKinds.MaskResize, ["batch", "row", "column"], [("mask", "samples.mask"), ("map", name)],
                options: new() { Level = level });
        }

        return features;
    }

    private string Block(string name, string input, int stride, int spread, bool downsamples)
    {
        BackboneSpec spec = _config.Backbone;
        string x;
        if (spec.Block == ResidualBlock.Bottleneck)
        {
            x = Norm($"{name}.bn1", Conv($"{name}.conv1", input, false, new Conv2dWindow()));
            x = Norm($"{name}.bn2", Conv($"{name}.conv2", x, true, new Conv2dWindow(stride, spread, spread, spec.Groups)));
            x = Norm($"{name}.bn3", Conv($"{name}.conv3", x, true, new Conv2dWindow()));
        }
        else
        {
            x = Norm($"{name}.bn1", Conv($"{name}.conv1", input, false, new Conv2dWindow(stride, 1)));
            x = Norm($"{name}.bn2", Conv($"{name}.conv2", x, true, new Conv2dWindow(1, 1)));
        }

        string identity = downsamples
            ? Norm($"{name}.downsample.1", Conv($"{name}.downsample.0", input, false, new Conv2dWindow(stride)))
            : input;
        return Add(name, StepKinds.Residual, Map, [("x", x), ("identity", identity)], [("input", input)]);
    }

    private string Conv(string name, string x, bool activates, Conv2dWindow window) => Add(
        name, StepKinds.Convolution, Map, [("x", x)], weights: [("weight", $"{name}.weight")],
        options: new() { Activates = activates, Window = window });

    private string Norm(string name, string x) => Add(
        name, StepKinds.FrozenBatchNorm, Map, [("x", x)],
        weights: [.. ((string[])["weight", "bias", "running_mean", "running_var"]).Select(role => (role, $"{name}.{role}"))]);

    // Projections, masks and positions of every level.
    private void Levels(List<string> features)
    {
        for (int level = 0; level < _config.NumFeatureLevels; level++)
        {
            StepOptions options = new() { Level = level };
            bool extra = level >= features.Count;
            string input = !extra ? features[level] : level == features.Count ? features[^1] : Text($"srcs.{level - 1}");
            string projection = Text($"input_proj.{level}");
            string src = Text($"srcs.{level}");
            string mask = Text($"masks.{level}");
            Add(
                $"{projection}.0", StepKinds.Convolution, Map, [("x", input)],
                extra ? [("previous", Text($"srcs.{level - 1}"))] : [], Affine($"{projection}.0"),
                options with { Window = extra ? new Conv2dWindow(2, 1) : new Conv2dWindow() });
            Add($"{projection}.1", StepKinds.GroupNorm, Map, [("x", $"{projection}.0")], [], Affine($"{projection}.1"), options);
            Add(src, StepKinds.Copy, Map, [("x", $"{projection}.1")], options: options);
            if (extra)
            {
                Add(
                    mask, StepKinds.MaskResize, ["batch", "row", "column"], [("mask", "samples.mask"), ("map", src)],
                    [("previous", Text($"masks.{level - 1}"))], options: options);
            }
            else
            {
                Add(mask, StepKinds.Copy, ["batch", "row", "column"], [("x", Text($"features.{level}.mask"))], options: options);
            }

            StepOptions position = options with { Channels = _config.HiddenDim };
            if (_config.PositionEmbedding == PositionEmbedding.Sine)
            {
                Add(Text($"pos.{level}"), StepKinds.SinePosition, Map, [("mask", mask)], options: position);
            }
            else
            {
                Add(
                    Text($"pos.{level}"), StepKinds.LearnedPosition, Map, [("mask", mask)], [],
                    [("row_embed.weight", "backbone.1.row_embed.weight"), ("col_embed.weight", "backbone.1.col_embed.weight")], position);
            }
        }

        (string, string)[] Each(string role, string name) =>
            [.. Enumerable.Range(0, _config.NumFeatureLevels).Select(level => (Text($"{role}.{level}"), Text($"{name}.{level}")))];

        Add("transformer.src_flatten", StepKinds.Flatten, Rows, Each("maps", "srcs"), Each("pos", "pos"), LevelEmbed);
        Add("transformer.mask_flatten", StepKinds.FlattenMasks, ["batch", "token"], Each("masks", "masks"));
        Add(
            "transformer.lvl_pos_embed_flatten", StepKinds.FlattenPositions, Rows, Each("pos", "pos"),
            [("src_flatten", "transformer.src_flatten")], LevelEmbed);
        Add("transformer.spatial_shapes", StepKinds.SpatialShapes, ["level", "hw"], Each("maps", "srcs"));
        Add("transformer.level_start_index", StepKinds.LevelStarts, ["level"], [("spatial_shapes", "transformer.spatial_shapes")]);
        Add("transformer.valid_ratios", StepKinds.ValidRatios, ["batch", "level", "wh"], Each("masks", "masks"));
    }

    private void Encoder()
    {
        Add(
            "transformer.encoder.reference_points", StepKinds.EncoderReferencePoints, ["batch", "token", "level", "xy"],
            [("spatial_shapes", "transformer.spatial_shapes"), ("valid_ratios", "transformer.valid_ratios")],
            [("mask_flatten", "transformer.mask_flatten")]);
        string x = "transformer.src_flatten";
        for (int i = 0; i < _config.EncLayers; i++)
        {
            string layer = Text($"transformer.encoder.layers.{i}");
            StepOptions options = Attention(i, _config.EncNPoints);
            string attention = Attend(
                $"{layer}.self_attn", options, x, "transformer.lvl_pos_embed_flatten", x, "transformer.encoder.reference_points", "token");
            x = AddNorm(layer, "norm1", options, x, attention);
            x = FeedForward(layer, "norm2", options, x);
        }

        Add("transformer.memory", StepKinds.Copy, Rows, [("x", x)]);
    }

    private string Attend(string name, StepOptions options, string query, string pos, string source, string reference, string asking)
    {
        (string, string)[] place =
            [("spatial_shapes", "transformer.spatial_shapes"), ("level_start_index", "transformer.level_start_index")];
        (string, string) asks = ("query", query);
        Add(
            $"{name}.value", StepKinds.Value, ["batch", "token", "head", "channel"],
            [("x", source), ("mask", "transformer.mask_flatten")], [("pos", "transformer.lvl_pos_embed_flatten")],
            Affine($"{name}.value_proj"), options);
        string[] points = ["batch", asking, "head", "level", "point", "xy"];
        Add(
            $"{name}.sampling_offsets", StepKinds.SamplingOffsets, points, [asks, ("pos", pos)], [],
            Affine($"{name}.sampling_offsets"), options);
        Add(
            $"{name}.attention_logits", StepKinds.AttentionLogits, ["batch", asking, "head·level·point"], [asks, ("pos", pos)], [],
            Affine($"{name}.attention_weights"), options);
        Add(
            $"{name}.attention_weights", StepKinds.AttentionWeights, ["batch", asking, "head", "level", "point"],
            [("logits", $"{name}.attention_logits")], options: options);
        Add(
            $"{name}.sampling_locations", StepKinds.SamplingLocations, points,
            [("reference_points", reference), ("sampling_offsets", $"{name}.sampling_offsets"), place[0]],
            [("valid_ratios", "transformer.valid_ratios")], options: options);
        Add(
            $"{name}.sampled", StepKinds.Sampled, ["batch", asking, "head·channel"],
            [
                ("value", $"{name}.value"), place[0], place[1], ("sampling_locations", $"{name}.sampling_locations"),
                ("attention_weights", $"{name}.attention_weights"),
            ],
            [("source", source), ("logits", $"{name}.attention_logits")], options: options);
        return Add(
            name, StepKinds.Linear, ["batch", asking, "channel"], [("x", $"{name}.sampled")], [], Affine($"{name}.output_proj"), options);
    }

    private string AddNorm(string layer, string norm, StepOptions options, string x, string branch)
    {
        string asking = layer.Contains("encoder", StringComparison.Ordinal) ? "token" : "query";
        return Add(
            $"{layer}.{norm}", StepKinds.ResidualNorm, ["batch", asking, "channel"], [("x", x), ("branch", branch)], [],
            Affine($"{layer}.{norm}"), options);
    }

    private string FeedForward(string layer, string norm, StepOptions options, string x)
    {
        string asking = layer.Contains("encoder", StringComparison.Ordinal) ? "token" : "query";
        string[] axes = ["batch", asking, "channel"];
        Add($"{layer}.linear1", StepKinds.Linear, axes, [("x", x)], [], Affine($"{layer}.linear1"), options);
        Add(
            $"{layer}.linear2", StepKinds.Linear, axes, [("x", $"{layer}.linear1")], [], Affine($"{layer}.linear2"),
            options with { Activates = true, Activation = _config.Activation });
        AddNorm(layer, norm, options, x, $"{layer}.linear2");
        return Add(layer, StepKinds.Copy, axes, [("x", $"{layer}.{norm}")], options: options);
    }

    private void Proposals()
    {
        (string, string) mask = ("mask_flatten", "transformer.mask_flatten");
        (string, string) shapes = ("spatial_shapes", "transformer.spatial_shapes");
        (string, string)[] parts = [.. ((string[])["enc_output.weight", "enc_output.bias", "enc_output_norm.weight", "enc_output_norm.bias"])
            .Select(role => (role, $"transformer.{role}"))];
        StepOptions options = Attention(-1, 0) with { Queries = _config.NumQueries };
        Add(
            "transformer.output_memory", StepKinds.OutputMemory, Rows, [("memory", "transformer.memory"), mask, shapes], [], parts, options);
        Add("transformer.output_proposals", StepKinds.OutputProposals, TokenBoxes, [mask, shapes], options: options);
        Linear(Text($"class_embed.{_config.DecLayers}"), "transformer.output_memory", false, "token", "class", options);
        Add(
            "transformer.enc_outputs_class", StepKinds.Copy, ["batch", "token", "class"], [("x", Text($"class_embed.{_config.DecLayers}"))],
            options: options);
        string delta = BoxHead(_config.DecLayers, "transformer.output_memory", "token", options);
        Add(
            "transformer.enc_outputs_coord_unact", StepKinds.ProposalBoxes, TokenBoxes,
            [("delta", delta), ("proposals", "transformer.output_proposals")], options: options);
        Add(
            "transformer.topk_proposals", StepKinds.TopKProposals, ["batch", "query"],
            [("enc_outputs_class", "transformer.enc_outputs_class")], options: options);
        Add(
            "transformer.topk_coords_unact", StepKinds.TopKCoords, QueryBoxes,
            [("coords", "transformer.enc_outputs_coord_unact"), ("index", "transformer.topk_proposals")],
            [("proposals", "transformer.output_proposals")], options: options);
        Add(
            "transformer.proposal_pos_embed", StepKinds.ProposalPosition, ["batch", "query", "feature"],
            [("coords", "transformer.topk_coords_unact")], options: options);
        Add(
            "transformer.pos_trans_out", StepKinds.PosTrans, ["batch", "query", "channel"], [("x", "transformer.proposal_pos_embed")], [],
            [.. Affine("transformer.pos_trans"), ("norm.weight", "transformer.pos_trans_norm.weight"), ("norm.bias", "transformer.pos_trans_norm.bias")],
            options);
    }

    private void Queries()
    {
        StepOptions options = Attention(-1, 0) with { Queries = _config.NumQueries };
        (string, string)[] inputs = _config.TwoStage
            ? [("pos_trans_out", "transformer.pos_trans_out")]
            : [("mask_flatten", "transformer.mask_flatten")];
        (string, string)[] table = _config.TwoStage ? [] : [("query_embed.weight", "query_embed.weight")];
        string[] axes = ["batch", "query", "channel"];
        Add("transformer.query_embed", StepKinds.QueryEmbed, axes, inputs, [], table, options with { Half = 0 });
        Add("transformer.tgt", StepKinds.QueryEmbed, axes, inputs, [], table, options with { Half = 1 });
        if (_config.TwoStage)
        {
            Add(
                "transformer.reference_points", StepKinds.InitReference, QueryBoxes, [("coords", "transformer.topk_coords_unact")],
                options: options);
        }
        else
        {
            Add(
                "transformer.reference_points", StepKinds.InitReference, ["batch", "query", "xy"],
                [("query_embed", "transformer.query_embed")], [("tgt", "transformer.tgt")], Affine("transformer.reference_points"), options);
        }
    }

    private void Decoder()
    {
        string[] axes = ["batch", "query", "channel"];
        string x = "transformer.tgt";
        string reference = "transformer.reference_points";
        bool boxes = _config.TwoStage;
        for (int i = 0; i < _config.DecLayers; i++)
        {
            string layer = Text($"transformer.decoder.layers.{i}");
            StepOptions options = Attention(i, _config.DecNPoints);
            string input = Add(
                $"{layer}.reference_points_input", StepKinds.ReferencePointsInput,
                ["batch", "query", "level", boxes ? "cxcywh" : "xy"],
                [("reference_points", reference), ("valid_ratios", "transformer.valid_ratios")], options: options);
            (string, string)[] packed =
                [.. ((string[])["in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"])
                    .Select(role => (role, $"{layer}.self_attn.{role}"))];
            Add(
                $"{layer}.self_attn", StepKinds.SelfAttention, axes, [("tgt", x), ("query_pos", "transformer.query_embed")], [], packed,
                options with { Queries = _config.NumQueries });
            x = AddNorm(layer, "norm2", options, x, $"{layer}.self_attn");
            string attention = Attend(
                $"{layer}.cross_attn", options, x, "transformer.query_embed", "transformer.memory", input, "query");
            x = AddNorm(layer, "norm1", options, x, attention);
            x = FeedForward(layer, "norm3", options, x);
            string after = Text($"transformer.decoder.reference_points.{i}");
            if (_config.WithBoxRefine)
            {
                string delta = BoxHead(i, x, "query", options);
                Add(
                    after, StepKinds.RefineBoxes, QueryBoxes, [("delta", delta), ("reference", reference)],
                    [("valid_ratios", "transformer.valid_ratios")], options: options with { Refines = true });
                boxes = true;
            }
            else
            {
                Add(after, StepKinds.Copy, ["batch", "query", boxes ? "cxcywh" : "xy"], [("x", reference)], options: options);
            }

            reference = after;
            Add(Text($"hs.{i}"), StepKinds.Copy, axes, [("x", x)], options: options);
        }
    }

    private void Predictions()
    {
        for (int i = 0; i < _config.DecLayers; i++)
        {
            StepOptions options = Attention(i, _config.DecNPoints);
            Linear(Text($"class_embed.{i}"), Text($"hs.{i}"), false, "query", "class", options);
            if (!_config.WithBoxRefine)
            {
                BoxHead(i, Text($"hs.{i}"), "query", options);
            }
        }

        Prediction(_config.DecLayers - 1, "");
        for (int i = 0; _config.AuxLoss && i < _config.DecLayers - 1; i++)
        {
            Prediction(i, Text($"aux_outputs.{i}."));
        }

        if (_config.TwoStage)
        {
            Add(
                "enc_outputs.pred_logits", StepKinds.Copy, ["batch", "token", "class"], [("x", "transformer.enc_outputs_class")]);
            Add("enc_outputs.pred_boxes", StepKinds.Sigmoid, TokenBoxes, [("x", "transformer.enc_outputs_coord_unact")]);
        }
    }

    private void Prediction(int i, string prefix)
    {
        StepOptions options = Attention(i, _config.DecNPoints);
        Add($"{prefix}pred_logits", StepKinds.Copy, ["batch", "query", "class"], [("x", Text($"class_embed.{i}"))], options: options);
        string reference = i == 0 ? "transformer.reference_points" : Text($"transformer.decoder.reference_points.{i - 1}");
        Add(
            $"{prefix}pred_boxes", StepKinds.RefineBoxes, QueryBoxes, [("delta", Text($"bbox_embed.{i}")), ("reference", reference)],
            [("refined", Text($"transformer.decoder.reference_points.{i}")), ("valid_ratios", "transformer.valid_ratios")],
            options: options);
    }

    private void Results(int picture)
    {
        StepOptions options = new() { Picture = picture, Classes = _config.NumClasses };
        (string, string) logits = ("pred_logits", "pred_logits");
        (string, string)[] boxes = [("pred_boxes", "pred_boxes"), ("target_sizes", TargetSizes)];
        Add(Text($"results.{picture}.scores"), StepKinds.ResultScores, ["rank"], [logits], boxes, options: options);
        Add(Text($"results.{picture}.labels"), StepKinds.ResultLabels, ["rank"], [logits], boxes, options: options);
        Add(Text($"results.{picture}.boxes"), StepKinds.ResultBoxes, ["rank", "xyxy"], [logits, .. boxes], options: options);
    }

    private string BoxHead(int head, string x, string asking, StepOptions options)
    {
        string name = Text($"bbox_embed.{head}");
        for (int j = 0; j < 3; j++)
        {
            x = Linear(Text($"{name}.layers.{j}"), x, j > 0, asking, j == 2 ? "cxcywh" : "channel", options);
        }

        return Add(name, StepKinds.Copy, ["batch", asking, "cxcywh"], [("x", x)], options: options);
    }

    private string Linear(string name, string x, bool activates, string asking, string last, StepOptions options) => Add(
        name, StepKinds.Linear, ["batch", asking, last], [("x", x)], [], Affine(name),
        options with { Activates = activates, Activation = Activation.Relu });

    private StepOptions Attention(int layer, int points) => new()
    {
        Layer = layer,
        Heads = _config.Nheads,
        Levels = _config.NumFeatureLevels,
        Points = points,
        Channels = _config.HiddenDim,
        Classes = _config.NumClasses,
        Refines = _config.WithBoxRefine,
        TwoStage = _config.TwoStage,
    };

    // The name under which a run's target sizes are given; no tap.
    public const string TargetSizes = "target_sizes";

    private static readonly string[] Map = ["batch", "channel", "row", "column"];
    private static readonly string[] Rows = ["batch", "token", "channel"];
    private static readonly string[] TokenBoxes = ["batch", "token", "cxcywh"];
    private static readonly string[] QueryBoxes = ["batch", "query", "cxcywh"];
    private static readonly (string, string)[] LevelEmbed = [("level_embed", "transformer.level_embed")];

    private static (string, string)[] Affine(string name) => [("weight", $"{name}.weight"), ("bias", $"{name}.bias")];

    private string Add(
        string name, StepKind kind, string[] axes, (string Role, string Name)[] inputs, (string Role, string Name)[]? hints = null,
        (string Role, string Name)[]? weights = null, StepOptions? options = null)
    {
        Step step = new(
            name, kind, Pairs(inputs), Pairs(hints ?? []),
            [.. (weights ?? []).Select(pair => KeyValuePair.Create(pair.Role, WeightNames.Canonical(pair.Name, _config.WithBoxRefine)))],
            axes, options ?? new());
        _steps.Add(step);
        _byName.Add(name, step);
        return name;
    }

    private static IReadOnlyList<KeyValuePair<string, string>> Pairs((string Role, string Name)[] pairs) =>
        [.. pairs.Select(pair => KeyValuePair.Create(pair.Role, pair.Name))];

    private static string Text(ref DefaultInterpolatedStringHandler text) => string.Create(CultureInfo.InvariantCulture, ref text);
}
