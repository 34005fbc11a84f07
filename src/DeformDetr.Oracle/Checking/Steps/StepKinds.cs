using DeformDetr.Reference;
using DeformDetr.Reference.Pictures;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Operators;

namespace DeformDetr.Oracle;

// Every kind of step that the model is made of, each written once over an algebra.
internal static class StepKinds
{
    // A tensor that the run starts from.
    public static StepKind Given { get; } = new("input", (_, x) => x["given"]);

    // Another name of the same tensor.
    public static StepKind Copy { get; } = new("copy", (_, x) => x["x"]);

    public static StepKind Resize { get; } = new("picture resize", (a, x) =>
    {
        Tensor<byte> decoded = (Tensor<byte>)x["decoded"].Tensor;
        PreprocessOptions preprocess = x.Pictures!.Preprocess;
        (int height, int width) = PictureSize.Resized(decoded.Shape[0], decoded.Shape[1], preprocess.Shortest, preprocess.Longest);
        return a.Given(PillowResize.Bilinear(decoded, height, width));
    });

    public static StepKind Normalize { get; } = new("normalize and pad", (a, x) => a.NormalizePictures(x.List("resized")));

    public static StepKind PaddingMask { get; } = new("padding mask", (a, x) =>
    {
        IReadOnlyList<Quantity> pictures = x.List("resized");
        Tensor<bool> mask = new([pictures.Count, pictures.Max(picture => picture.Shape[0]), pictures.Max(picture => picture.Shape[1])]);
        mask.AsSpan().Fill(true);
        for (int n = 0; n < pictures.Count; n++)
        {
            for (int row = 0; row < pictures[n].Shape[0]; row++)
            {
                mask.AsSpan().Slice(((n * mask.Shape[1]) + row) * mask.Shape[2], pictures[n].Shape[1]).Clear();
            }
        }

        return a.Given(mask);
    });

    public static StepKind Convolution { get; } = new("convolution", (a, x) =>
        a.Conv2d(Active(a, x, x["x"]), x.Weight("weight"), x.WeightOrNull("bias"), x.Options.Window));

    public static StepKind FrozenBatchNorm { get; } = new("frozen batch norm", (a, x) =>
        a.FrozenBatchNorm(x["x"], x.Weight("weight"), x.Weight("bias"), x.Weight("running_mean"), x.Weight("running_var")));

    public static StepKind StemPool { get; } = new("relu and max pool", (a, x) => a.MaxPool2d(a.Relu(x["x"]), 3, 2, 1));

    public static StepKind Residual { get; } = new("residual and relu", (a, x) => a.Relu(a.Add(x["x"], x["identity"])));

    public static StepKind MaskResize { get; } = new("mask resize", (a, x) =>
        a.Given(NearestResize.Forward(a.Context, x["mask"].Mask, x["map"].Shape[2], x["map"].Shape[3])));

    public static StepKind GroupNorm { get; } = new("group norm", (a, x) =>
        a.GroupNorm(x["x"], 32, x.Weight("weight"), x.Weight("bias")));

    public static StepKind SinePosition { get; } = new("sine position encoding", (a, x) => a.SinePosition(x["mask"], x.Options.Channels));

    public static StepKind LearnedPosition { get; } = new("learned position encoding", (a, x) =>
    {
        TensorShape mask = x["mask"].Shape;
        Quantity row = x.Weight("row_embed.weight");
        Quantity col = x.Weight("col_embed.weight");
        int half = row.Shape[1];
        TensorShape map = [mask[0], half, mask[1], mask[2]];
        Quantity byColumn = a.Permute(a.Pick(col, 0, [.. Enumerable.Range(0, mask[2])]), 1, 0);
        Quantity byRow = a.Permute(a.Pick(row, 0, [.. Enumerable.Range(0, mask[1])]), 1, 0);
        return a.Concat(
            [a.Expand(a.Reshape(byColumn, [half, 1, mask[2]]), map), a.Expand(a.Reshape(byRow, [half, mask[1], 1]), map)], 1);
    });

    public static StepKind Flatten { get; } = new("flatten levels", (a, x) =>
        a.Concat([.. x.List("maps").Select(map => Tokens(a, map))], 1));

    public static StepKind FlattenMasks { get; } = new("flatten masks", (a, x) =>
        a.Concat([.. x.List("masks").Select(mask => a.Reshape(mask, [mask.Shape[0], mask.Shape[1] * mask.Shape[2]]))], 1));

    public static StepKind FlattenPositions { get; } = new("flatten positions", (a, x) =>
    {
        Quantity embed = x.Weight("level_embed");
        return a.Concat([.. x.List("pos").Select((map, level) => a.Add(Tokens(a, map), a.Pick(embed, 0, level)))], 1);
    });

    public static StepKind SpatialShapes { get; } = new("spatial shapes", (a, x) =>
    {
        IReadOnlyList<Quantity> maps = x.List("maps");
        Tensor<long> shapes = new([maps.Count, 2]);
        for (int level = 0; level < maps.Count; level++)
        {
            shapes[level, 0] = maps[level].Shape[2];
            shapes[level, 1] = maps[level].Shape[3];
        }

        return a.Given(shapes);
    });

    public static StepKind LevelStarts { get; } = new("level start index", (a, x) => a.Given(Starts(x["spatial_shapes"].Whole)));

    public static StepKind ValidRatios { get; } = new("valid ratios", (a, x) => a.ValidRatios(x.List("masks")));

    public static StepKind EncoderReferencePoints { get; } = new("encoder reference points", (a, x) =>
        a.EncoderReferencePoints(x["spatial_shapes"], x["valid_ratios"]));

    public static StepKind Value { get; } = new("value projection", (a, x) =>
    {
        Quantity value = a.Linear(x["x"], x.Weight("weight"), x.Weight("bias"));
        value = x.Has("mask") ? a.MaskedFill(value, x["mask"], 0) : value;
        return a.Reshape(value, [value.Shape[0], value.Shape[1], x.Options.Heads, value.Shape[2] / x.Options.Heads]);
    });

    public static StepKind SamplingOffsets { get; } = new("sampling offsets", (a, x) =>
    {
        Quantity offsets = a.Linear(Query(a, x), x.Weight("weight"), x.Weight("bias"));
        return a.Reshape(offsets, [offsets.Shape[0], offsets.Shape[1], x.Options.Heads, x.Options.Levels, x.Options.Points, 2]);
    });

    public static StepKind AttentionLogits { get; } = new("attention logits", (a, x) =>
        a.Linear(Query(a, x), x.Weight("weight"), x.Weight("bias")));

    public static StepKind AttentionWeights { get; } = new("attention softmax", (a, x) =>
    {
        TensorShape s = x["logits"].Shape;
        (int heads, int levels, int points) = (x.Options.Heads, x.Options.Levels, x.Options.Points);
        return a.Reshape(
            a.Softmax(a.Reshape(x["logits"], [s[0], s[1], heads, levels * points])), [s[0], s[1], heads, levels, points]);
    });

    public static StepKind SamplingLocations { get; } = new("sampling locations", (a, x) =>
        a.SamplingLocations(x["reference_points"], x["sampling_offsets"], x["spatial_shapes"]));

    public static StepKind Sampled { get; } = new("deformable attention core", (a, x) =>
        a.Sample(x["value"], x["spatial_shapes"], x["level_start_index"], x["sampling_locations"], x["attention_weights"]));

    // Any linear layer whose input may go through the activation first: output projections, feed-forward, heads.
    public static StepKind Linear { get; } = new("linear", (a, x) =>
        a.Linear(Active(a, x, x["x"]), x.Weight("weight"), x.Weight("bias")));

    public static StepKind ResidualNorm { get; } = new("residual and layer norm", (a, x) =>
        a.LayerNorm(a.Add(x["x"], x["branch"]), x.Weight("weight"), x.Weight("bias")));

    public static StepKind SelfAttention { get; } = new("multi-head attention", (a, x) =>
    {
        Quantity tgt = x["tgt"];
        Quantity query = a.Add(tgt, x["query_pos"]);
        return Attend(a, x, query, query, tgt, Math.Sqrt(x.Options.Channels / x.Options.Heads));
    });

    public static StepKind QueryEmbed { get; } = new("query embedding", (a, x) => TwoHalves(a, x));

    public static StepKind InitReference { get; } = new("initial reference points", (a, x) =>
        x.Options.TwoStage
            ? a.Sigmoid(x["coords"])
            : a.Sigmoid(a.Linear(x["query_embed"], x.Weight("weight"), x.Weight("bias"))));

    public static StepKind ReferencePointsInput { get; } = new("reference points times valid ratios", (a, x) =>
    {
        Quantity reference = x["reference_points"];
        Quantity ratios = x["valid_ratios"];
        TensorShape s = reference.Shape;
        if (s[2] == 4)
        {
            ratios = a.Concat([ratios, ratios], 2);
        }

        return a.Multiply(
            a.Reshape(reference, [s[0], s[1], 1, s[2]]), a.Reshape(ratios, [s[0], 1, ratios.Shape[1], s[2]]));
    });

    // A box head's output and a reference: refined references and predicted boxes.
    public static StepKind RefineBoxes { get; } = new("box refinement", (a, x) => a.RefineBoxes(x["delta"], x["reference"]));

    public static StepKind Sigmoid { get; } = new("sigmoid", (a, x) => a.Sigmoid(x["x"]));

    public static StepKind OutputMemory { get; } = new("encoder output projection", (a, x) =>
    {
        Tensor<bool> unusable = EncoderProposals<double>.Propose(
            a.Context, x["mask_flatten"].Mask, Layout(x["spatial_shapes"].Whole)).Unusable;
        Quantity kept = a.MaskedFill(x["memory"], a.Given(unusable), 0);
        return a.LayerNorm(
            a.Linear(kept, x.Weight("enc_output.weight"), x.Weight("enc_output.bias")),
            x.Weight("enc_output_norm.weight"), x.Weight("enc_output_norm.bias"));
    });

    public static StepKind OutputProposals { get; } = new("encoder output proposals", (a, x) =>
        a.OutputProposals(x["mask_flatten"], x["spatial_shapes"]));

    public static StepKind ProposalBoxes { get; } = new("box head and proposals", (a, x) => a.Add(x["delta"], x["proposals"]));

    public static StepKind TopKProposals { get; } = new("top-k proposals", (a, x) =>
        a.TopK(ProposalScores(a, x["enc_outputs_class"]), x.Options.Queries).Indices);

    public static StepKind TopKCoords { get; } = new("chosen proposals", (a, x) => a.Gather(x["coords"], x["index"]));

    public static StepKind ProposalPosition { get; } = new("proposal position encoding", (a, x) => a.ProposalPosition(x["coords"]));

    public static StepKind PosTrans { get; } = new("linear and layer norm", (a, x) =>
        a.LayerNorm(
            a.Linear(x["x"], x.Weight("weight"), x.Weight("bias")), x.Weight("norm.weight"), x.Weight("norm.bias")));

    public static StepKind ResultScores { get; } = new("detection scores", (a, x) =>
        Picture(a, x, Results(a, x).Values));

    public static StepKind ResultLabels { get; } = new("detection labels", (a, x) =>
    {
        Tensor<long> labels = Picture(a, x, Results(a, x).Indices).Whole.Clone();
        int classes = x["pred_logits"].Shape[2];
        foreach (ref long label in labels.AsSpan())
        {
            label %= classes;
        }

        return a.Given(labels);
    });

    public static StepKind ResultBoxes { get; } = new("detection boxes", (a, x) =>
        Picture(
            a, x,
            a.DetectionBoxes(x["pred_boxes"], Results(a, x).Indices, x["pred_logits"].Shape[2], x["target_sizes"])));

    // The parts that mistakes use again.

    // The activation before a layer, where it has one.
    public static Quantity Active(Algebra a, StepInputs x, Quantity input) =>
        !x.Options.Activates ? input : x.Options.Activation == Activation.Gelu ? a.Gelu(input) : a.Relu(input);

    // [N, C, H, W] to [N, H·W, C].
    public static Quantity Tokens(Algebra a, Quantity map) =>
        a.Permute(a.Reshape(map, [map.Shape[0], map.Shape[1], map.Shape[2] * map.Shape[3]]), 0, 2, 1);

    // What asks: the query with its position, which a query that stands alone has in it already.
    public static Quantity Query(Algebra a, StepInputs x) => x.Has("pos") ? a.Add(x["query"], x["pos"]) : x["query"];

    public static Quantity ProposalScores(Algebra a, Quantity encOutputsClass) =>
        a.Reshape(a.Pick(encOutputsClass, 2, 0), [encOutputsClass.Shape[0], encOutputsClass.Shape[1]]);

    public static (Quantity Values, Quantity Indices) Results(Algebra a, StepInputs x)
    {
        TensorShape s = x["pred_logits"].Shape;
        return a.TopK(a.Reshape(a.Sigmoid(x["pred_logits"]), [s[0], s[1] * s[2]]), PostProcess.Count);
    }

    // One picture's part of [N, ..].
    public static Quantity Picture(Algebra a, StepInputs x, Quantity all) =>
        a.Reshape(a.Pick(all, 0, x.Options.Picture), TensorShape.Create(all.Shape.Sizes[1..]));

    public static Tensor<long> Starts(Tensor<long> spatialShapes)
    {
        Tensor<long> starts = new([spatialShapes.Shape[0]]);
        for (int level = 1; level < starts.Length; level++)
        {
            starts[level] = starts[level - 1] + (spatialShapes[level - 1, 0] * spatialShapes[level - 1, 1]);
        }

        return starts;
    }

    public static LevelLayout Layout(Tensor<long> spatialShapes) => new(spatialShapes, Starts(spatialShapes));

    // Multi-head attention; divisor is √D.
    public static Quantity Attend(Algebra a, StepInputs x, Quantity query, Quantity key, Quantity value, double divisor)
    {
        int channels = query.Shape[2];
        Quantity q = Heads(a, x, Projected(query, 0));
        Quantity k = Heads(a, x, Projected(key, 1));
        Quantity v = Heads(a, x, Projected(value, 2));
        q = a.Apply(q, element => element / divisor);
        Quantity read = a.MatMul(a.Softmax(a.MatMul(q, k, transposed: true)), v);
        Quantity merged = a.Reshape(a.Permute(read, 0, 2, 1, 3), query.Shape);
        return a.Linear(merged, x.Weight("out_proj.weight"), x.Weight("out_proj.bias"));

        Quantity Projected(Quantity input, int part)
        {
            int[] rows = [.. Enumerable.Range(part * channels, channels)];
            return a.Linear(input, a.Pick(x.Weight("in_proj_weight"), 0, rows), a.Pick(x.Weight("in_proj_bias"), 0, rows));
        }
    }

    // [N, L, C] to [N, M, L, D].
    public static Quantity Heads(Algebra a, StepInputs x, Quantity tokens)
    {
        TensorShape s = tokens.Shape;
        return a.Permute(a.Reshape(tokens, [s[0], s[1], x.Options.Heads, s[2] / x.Options.Heads]), 0, 2, 1, 3);
    }

    // One stage: half of a learned table, for every picture. Two stages: half of what pos_trans puts out.
    private static Quantity TwoHalves(Algebra a, StepInputs x)
    {
        Quantity both = x.Options.TwoStage ? x["pos_trans_out"] : x.Weight("query_embed.weight");
        int channels = both.Shape[^1] / 2;
        int[] half = [.. Enumerable.Range(x.Options.Half * channels, channels)];
        return x.Options.TwoStage
            ? a.Pick(both, 2, half)
            : a.Expand(a.Pick(both, 1, half), [x["mask_flatten"].Shape[0], both.Shape[0], channels]);
    }
}
