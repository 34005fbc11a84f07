using System.Globalization;
using System.Runtime.CompilerServices;
using DeformDetr.Reference;
using DeformDetr.Tensors;
using DeformDetr.Tensors.Numerics;
using static DeformDetr.Oracle.MistakeForms;

namespace DeformDetr.Oracle;

// Group E: encoder and decoder layers, prediction heads, refinement.
internal static class LayerMistakes
{
    public static IReadOnlyList<Mistake> All { get; } =
        [.. Norms(), .. SelfAttention(), .. Queries(), .. Refinement(), .. Activations(), .. Heads()];

    private static IEnumerable<Mistake> Norms()
    {
        StepKind kind = StepKinds.ResidualNorm;
        for (int norm = 1; norm <= 3; norm++)
        {
            int other = norm;
            yield return Inputs(
                kind, Text($"weights of norm{norm}"), Text($"The norm has the weights of norm{norm} of its layer."),
                "Decoder: norm2 follows self-attention, norm1 cross-attention, norm3 the feed-forward part; encoder: norm1, then norm2.",
                ["E1"],
                (_, x) => x.WithWeight("weight", x.NamedWeight($"{Layer(x)}.norm{other}.weight"))
                    .WithWeight("bias", x.NamedWeight($"{Layer(x)}.norm{other}.bias"))) with
            {
                Applies = x => !x.Step.Name.EndsWith(Text($"norm{other}"), StringComparison.Ordinal),
            };
        }

        yield return Inputs(
            kind, "residual missing", "Only the branch is normed; the layer's input isn't added.", "Norm the sum of input and branch.",
            ["E2"],
            (a, x) => x.With("x", ByHand.Zeros(a, x["x"].Shape)));
        yield return Inputs(
            kind, "branch missing", "Only the layer's input is normed; the branch isn't added.", "Norm the sum of input and branch.",
            ["E2"],
            (a, x) => x.With("branch", ByHand.Zeros(a, x["branch"].Shape)));
        yield return Inputs(
            kind, "residual added twice", "The layer's input is added twice.", "Add it once.", ["E2"],
            (a, x) => x.With("x", a.Apply(x["x"], value => 2 * value)));
        yield return Evaluate(
            kind, "norm missing", "The sum isn't normed.", "Norm after the addition (post-norm).", ["E2"],
            (a, x) => a.Add(x["x"], x["branch"]));
        yield return Evaluate(
            kind, "branch normed before it is added", "The branch is normed, then the input is added.", "Add first, then norm.", ["E2"],
            (a, x) => a.Add(x["x"], a.LayerNorm(x["branch"], x.Weight("weight"), x.Weight("bias"))));
        yield return Evaluate(
            kind, "input normed before the branch is added", "The input is normed, then the branch is added.", "Add first, then norm.",
            ["E2"],
            (a, x) => a.Add(a.LayerNorm(x["x"], x.Weight("weight"), x.Weight("bias")), x["branch"]));
        yield return Inputs(
            kind, "norm's weight and bias missing", "The norm has neither factors nor offsets.", "Apply weight and bias.", ["E1", "H11"],
            (a, x) => x.WithWeight("weight", ByHand.Constant(a, x.Weight("weight").Shape, 1)).WithWeight("bias", ByHand.Zeros(a, x.Weight("bias").Shape)));
        foreach (double epsilon in (double[])[1e-6, 1e-12, 1e-4, 1e-3, 1e-2])
        {
            yield return Operators(
                kind, Text($"layer norm with epsilon {epsilon:0e-0}"), Text($"The layer norm's epsilon is {epsilon:0e-0}."),
                "Use 1e-5, PyTorch's default.", ["B4"], a => new WithEpsilon(a, epsilon));
        }

        yield return Inputs(
            kind, "layer norm with unbiased variance", "The variance is divided by C - 1.", "Divide by C.", ["E2"],
            (a, x) =>
            {
                double channels = x.Weight("weight").Shape[0];
                return x.WithWeight("weight", a.Apply(x.Weight("weight"), weight => weight * Math.Sqrt((channels - 1) / channels)));
            });
        yield return Evaluate(
            kind, "layer norm with epsilon outside the root", "The sum is divided by √variance + ε.", "Divide by √(variance + ε).", ["E2"],
            (a, x) => Normed(a, x, true, variance => Math.Sqrt(variance) + 1e-5));
        yield return Evaluate(
            kind, "RMS norm for layer norm", "The mean isn't subtracted.", "Subtract the mean over the channels.", ["E2"],
            (a, x) => Normed(a, x, false, variance => Math.Sqrt(variance + 1e-5)));
        yield return Evaluate(
            kind, "layer norm divided by the variance", "The sum is divided by the variance instead of its root.", "Take the root.", ["E2"],
            (a, x) => Normed(a, x, true, variance => variance + 1e-5));
        yield return Evaluate(
            kind, "normed over tokens", "Mean and variance are those of a channel over all tokens.", "Norm every token over its channels.",
            ["E2"],
            (a, x) => a.Add(
                a.Multiply(
                    a.Permute(
                        a.LayerNorm(
                            a.Permute(a.Add(x["x"], x["branch"]), 0, 2, 1), ByHand.Constant(a, [x["x"].Shape[1]], 1),
                            ByHand.Constant(a, [x["x"].Shape[1]], 0)),
                        0, 2, 1),
                    x.Weight("weight")),
                x.Weight("bias"))) with
        { Whole = true };
        yield return Inputs(
            kind, "cross-attention before self-attention (norm2)", "norm2 takes what norm1 gave: cross-attention comes first.",
            "Self-attention and norm2 come first, whatever the constructor's order.", ["E3"],
            (a, x) => x.With("x", x.NamedTensor($"{Layer(x)}.norm1"))) with
        {
            Applies = x => IsDecoder(x) && x.Step.Name.EndsWith("norm2", StringComparison.Ordinal),
        };
        yield return Inputs(
            kind, "cross-attention before self-attention (norm1)", "norm1 takes the layer's input: cross-attention comes first.",
            "Self-attention and norm2 come first, whatever the constructor's order.", ["E3"],
            (a, x) => x.With("x", x.NamedTensor(AttentionMistakes.LayerInput(x)))) with
        {
            Applies = x => IsDecoder(x) && x.Step.Name.EndsWith("norm1", StringComparison.Ordinal),
        };
    }

    private static IEnumerable<Mistake> SelfAttention()
    {
        yield return Attention(
            "self-attention's value with pos", "The value gets the position too.", "Value is tgt; query and key are tgt + position.",
            ["E5"],
            (a, x, query, tgt) => Attend(a, x, query, query, query));
        yield return Attention(
            "self-attention's key without pos", "The key doesn't get the position.", "Query and key are tgt + position.", ["E5"],
            (a, x, query, tgt) => Attend(a, x, query, tgt, tgt));
        yield return Attention(
            "self-attention's query without pos", "The query doesn't get the position.", "Query and key are tgt + position.", ["E5"],
            (a, x, query, tgt) => Attend(a, x, tgt, query, tgt));
        yield return Attention(
            "self-attention without pos", "Nothing gets the position.", "Query and key are tgt + position.", ["E5"],
            (a, x, query, tgt) => Attend(a, x, tgt, tgt, tgt));
        yield return Attention(
            "self-attention's pos twice", "The position is added twice.", "Add it once.", ["E5"],
            (a, x, query, tgt) =>
            {
                Quantity twice = a.Add(query, x["query_pos"]);
                return Attend(a, x, twice, twice, tgt);
            });
        yield return Attention(
            "self-attention over the batch",
            "Queries of the same rank in different pictures attend to one another (batch-first confusion).",
            "nn.MultiheadAttention wants (L, N, C) unless batch_first is set.", ["E6"],
            (a, x, query, tgt) => a.Permute(
                Attend(a, x, a.Permute(query, 1, 0, 2), a.Permute(query, 1, 0, 2), a.Permute(tgt, 1, 0, 2)), 1, 0, 2));
        foreach ((string name, int[] order) in ((string, int[])[])
            [
                ("k, q, v", [1, 0, 2]), ("v, k, q", [2, 1, 0]), ("q, v, k", [0, 2, 1]), ("v, q, k", [2, 0, 1]), ("k, v, q", [1, 2, 0]),
            ])
        {
            int[] place = [.. Enumerable.Range(0, 3).Select(part => Array.IndexOf(order, part))];
            yield return Packed(
                $"in_proj read as ({name})", $"The packed projection is taken as ({name}).", "Its rows are query, key, value.",
                (row, channels, _) => (place[row / channels] * channels) + (row % channels));
        }

        yield return Packed(
            "in_proj read per head", "The packed projection is taken as (M, 3, D).", "It is (3, M, D): all queries first.",
            (row, channels, width) =>
            {
                int within = row % channels;
                return (within / width * 3 * width) + (row / channels * width) + (within % width);
            });
        yield return Packed(
            "in_proj read as triples", "Query, key and value rows are taken in turns (C, 3).", "All query rows come first: (3, C).",
            (row, channels, _) => (row % channels * 3) + (row / channels));
        yield return Attention(
            "scores divided by sqrt(C)", "The scores are scaled by the root of all channels.", "Scale by 1/√D, D channels of a head.",
            ["E7"],
            (a, x, query, tgt) => StepKinds.Attend(a, x, query, query, tgt, Math.Sqrt(query.Shape[2])));
        yield return Attention(
            "scores not scaled", "The scores aren't scaled.", "Scale by 1/√D, D channels of a head.", ["E7"],
            (a, x, query, tgt) => StepKinds.Attend(a, x, query, query, tgt, 1));
        yield return Attention(
            "scores scaled twice", "Both query and key are scaled, or the scores once more.", "Scale once, by 1/√D.", ["E7"],
            (a, x, query, tgt) => StepKinds.Attend(a, x, query, query, tgt, Root(x) * Root(x)));
        yield return Attention(
            "scores multiplied by sqrt(D)", "The scores are multiplied by the root.", "Divide by √D.", ["E7"],
            (a, x, query, tgt) => StepKinds.Attend(a, x, query, query, tgt, 1 / Root(x)));
        yield return Attention(
            "self-attention in one head", "All channels are one head.", "Split the channels into M heads.", ["E7"],
            (a, x, query, tgt) =>
            {
                StepInputs one = x.WithOptions(x.Options with { Heads = 1 });
                return StepKinds.Attend(a, one, query, query, tgt, Root(x));
            });
        yield return Attention(
            "self-attention's heads interleaved", "Channel c goes to head c mod M, and back.", "View the channels as (M, D).",
            ["E7", "D18"],
            (a, x, query, tgt) => Written(a, x, query, tgt, Interleaved, Unleaved, s => a.Softmax(s)));
        yield return Attention(
            "self-attention's heads merged without transposing", "Heads are merged as (M, L, D) is stored.",
            "Bring the heads beside the channels first.",
            ["E7"],
            (a, x, query, tgt) => Written(
                a, x, query, tgt, StepKinds.Heads, (a, _, read) => a.Reshape(read, query.Shape), s => a.Softmax(s)));
        yield return Attention(
            "self-attention's softmax over queries", "The softmax runs over the queries instead of the keys.", "It runs over the keys.",
            ["E7"],
            (a, x, query, tgt) => Written(
                a, x, query, tgt, StepKinds.Heads, Merged, s => a.Permute(a.Softmax(a.Permute(s, 0, 1, 3, 2)), 0, 1, 3, 2)));
        yield return Attention(
            "self-attention's softmax missing", "The scores are used as weights.", "Apply the softmax over the keys.", ["E7"],
            (a, x, query, tgt) => Written(a, x, query, tgt, StepKinds.Heads, Merged, s => s));
        yield return Attention(
            "self-attention causal", "Queries only attend to those before them.", "There is no mask in the decoder's self-attention.",
            ["E6"],
            (a, x, query, tgt) => Written(a, x, query, tgt, StepKinds.Heads, Merged, s => a.Softmax(a.Add(s, Causal(a, s.Shape[^1])))));
        yield return Attention(
            "out_proj missing", "The heads' sums are returned without out_proj.", "Apply out_proj.", ["E7", "D26"],
            (a, x, query, tgt) =>
            {
                int channels = query.Shape[2];
                StepInputs plain = x.WithWeight("out_proj.weight", Identity(a, channels))
                    .WithWeight("out_proj.bias", ByHand.Constant(a, [channels], 0));
                return Attend(a, plain, query, query, tgt);
            });
        yield return Inputs(
            StepKinds.SelfAttention, "cross-attention before self-attention",
            "Self-attention takes what norm1 gave: cross-attention comes first.",
            "Self-attention comes first, whatever the constructor's order.", ["E3"],
            (_, x) => x.With("tgt", x.NamedTensor($"{Layer(x)}.norm1")));
        yield return Inputs(
            StepKinds.SelfAttention, "tgt for the position and the other way round", "tgt and query_embed are exchanged.",
            "The first half of the table is the position, the second is tgt.", ["E4"],
            (_, x) => x.With("tgt", x["query_pos"]).With("query_pos", x["tgt"]));

        Mistake Attention(
            string name, string explanation, string fix, string[] references,
            Func<Algebra, StepInputs, Quantity, Quantity, Quantity> evaluate) =>
            Evaluate(
                StepKinds.SelfAttention, name, explanation, fix, references,
                (a, x) => evaluate(a, x, a.Add(x["tgt"], x["query_pos"]), x["tgt"]));

        Mistake Packed(string name, string explanation, string fix, Func<int, int, int, int> row) => Inputs(
            StepKinds.SelfAttention, name, explanation, fix, ["E7"],
            (a, x) =>
            {
                int channels = x.Weight("in_proj_bias").Shape[0] / 3;
                int[] rows = [.. Enumerable.Range(0, 3 * channels).Select(to => row(to, channels, channels / x.Options.Heads))];
                return x.WithWeight("in_proj_weight", a.Pick(x.Weight("in_proj_weight"), 0, rows))
                    .WithWeight("in_proj_bias", a.Pick(x.Weight("in_proj_bias"), 0, rows));
            });
    }

    private static IEnumerable<Mistake> Queries()
    {
        yield return Inputs(
            StepKinds.QueryEmbed, "halves of query_embed exchanged", "Position and tgt are the wrong halves.",
            "The first half is the position (query_embed), the second tgt.", ["E4", "F12"],
            (_, x) => x.WithOptions(x.Options with { Half = 1 - x.Options.Half }));
        yield return Evaluate(
            StepKinds.QueryEmbed, "halves of query_embed interleaved", "Even and odd channels are taken for the two halves.",
            "Split the channels in the middle.", ["E4"], (a, x) =>
            {
                Quantity both = x.Options.TwoStage ? x["pos_trans_out"] : x.Weight("query_embed.weight");
                int channels = both.Shape[^1] / 2;
                int[] every = [.. Enumerable.Range(0, channels).Select(channel => (2 * channel) + x.Options.Half)];
                return x.Options.TwoStage
                    ? a.Pick(both, 2, every)
                    : a.Expand(a.Pick(both, 1, every), [x["mask_flatten"].Shape[0], both.Shape[0], channels]);
            });

        StepKind kind = StepKinds.InitReference;
        yield return Evaluate(
            kind, "initial reference without sigmoid", "The reference points are logits.", "Apply the sigmoid.", ["E4", "E20"],
            (a, x) => x.Options.TwoStage ? x["coords"] : Points(a, x));
        yield return Result(
            kind, "initial reference through two sigmoids", "The sigmoid is applied twice.", "Apply it once.", ["E4", "F10"],
            (a, _, right) => a.Sigmoid(right));
        yield return Inputs(
            kind, "initial reference from tgt", "The reference points are made from tgt.",
            "They are made from the position half, query_embed.", ["E4"],
            (_, x) => x.With("query_embed", x["tgt"]));
        yield return Result(
            kind, "x and y of the initial reference exchanged", "The reference points are (y, x).", "They are (x, y).", ["D2"],
            (a, _, right) => a.Pick(right, 2, right.Shape[2] == 4 ? [1, 0, 3, 2] : [1, 0]));
    }

    private static IEnumerable<Mistake> Refinement()
    {
        StepKind kind = StepKinds.RefineBoxes;
        foreach ((double epsilon, string[] references) in ((double, string[])[])
            [(1e-3, ["E8"]), (1e-2, ["E8"]), (1e-4, ["E8"]), (1e-6, ["E8"]), (1e-12, ["E8"])])
        {
            yield return Operators(
                kind, Text($"inverse_sigmoid with epsilon {epsilon:0e-0}"), Text($"The reference's logit is clamped at {epsilon:0e-0}."),
                "Use 1e-5.", references, a => new WithEpsilon(a, epsilon));
        }

        yield return Inputs(
            kind, "inverse_sigmoid with symmetric clamp", "The reference is clamped to [ε, 1 - ε] before the logit (torch.logit's eps).",
            "Clamp x and 1 - x each to at least 1e-5.", ["E8"],
            (a, x) => x.With("reference", a.Apply(x["reference"], point => Math.Clamp(point, 1e-5, 1 - 1e-5))));
        yield return Evaluate(
            kind, "refinement twice", "The step is added twice: to the reference of layer l, which it made, instead of l - 1.",
            "Add it once, to the reference that the layer got.",
            ["E9", "WangYueFt/detr3d#8", "OpenDriveLab/TopoNet#16", "megvii-research/MOTRv2#12"],
            (a, x) => a.RefineBoxes(x["delta"], a.RefineBoxes(x["delta"], x["reference"])));
        yield return Inputs(
            kind, "initial reference for every layer", "The step is added to the initial reference.",
            "Use the reference that the layer got.",
            ["E9"], (_, x) => x.With("reference", x.NamedTensor("transformer.reference_points")))
            with
        { Applies = x => x.Options.Layer > 0 };
        yield return Evaluate(
            kind, "reference added without its logit", "The reference is added as a fraction to a step in logits.",
            "Add inverse_sigmoid(reference).",
            ["E8", "E10"], (a, x) => a.Sigmoid(a.Add(x["delta"], Four(a, x["reference"]))));
        yield return Evaluate(
            kind, "reference not added", "The box is the sigmoid of the step alone.", "Add inverse_sigmoid(reference) first.", ["E10"],
            (a, x) => a.Sigmoid(x["delta"]));
        yield return Evaluate(
            kind, "step added after the sigmoid", "The sigmoid of the step is added to the reference.",
            "Add in logits, then take the sigmoid.",
            ["E10"], (a, x) => a.Add(a.Sigmoid(x["delta"]), Four(a, x["reference"])));
        yield return Evaluate(
            kind, "step added to the fraction", "The step is added to the reference without any sigmoid.",
            "Add in logits, then take the sigmoid.",
            ["E10"], (a, x) => a.Add(x["delta"], Four(a, x["reference"])));
        yield return Evaluate(
            kind, "sigmoid of the boxes missing", "The boxes are logits.", "Apply the sigmoid.", ["E10"],
            (a, x) => a.Add(x["delta"], Four(a, a.InverseSigmoid(x["reference"]))));
        yield return Result(
            kind, "sigmoid of the boxes twice", "The sigmoid is applied twice.", "Apply it once.", ["E10"],
            (a, _, right) => a.Sigmoid(right));
        yield return Inputs(
            kind, "point's reference added to all four", "Width and height get the reference point too.",
            "A 2-d reference adds to the centre only.", ["E10", "fundamentalvision/Deformable-DETR#54", "open-mmlab/mmdetection#7938"],
            (a, x) => x.With("reference", a.Concat([x["reference"], x["reference"]], 2))) with
        { Applies = IsPoint };
        yield return Inputs(
            kind, "box's reference added to the centre only", "Width and height start anew in every layer.",
            "A 4-d reference adds to all four.", ["E10", "E11"],
            (a, x) => x.With("reference", a.Pick(x["reference"], 2, 0, 1))) with
        { Applies = x => !IsPoint(x) };
        yield return Inputs(
            kind, "valid ratios folded into the reference", "The carried reference is the one times valid ratios (of level 0).",
            "Carry the reference of the unpadded picture; multiply by the ratios only for the attention.", ["C17", "E9"],
            (a, x) => x.With("reference", a.Multiply(x["reference"], Ratios(a, x))));
        yield return Inputs(
            kind, "x and y of the reference exchanged", "The reference is taken as (y, x).", "References are (x, y) or (cx, cy, w, h).",
            ["D2"],
            (a, x) => x.With("reference", a.Pick(x["reference"], 2, IsPoint(x) ? [1, 0] : [1, 0, 3, 2])));
        yield return Inputs(
            kind, "step as (cy, cx, h, w)", "The step is taken with y before x.", "It is (cx, cy, w, h).", ["D2", "G5"],
            (a, x) => x.With("delta", a.Pick(x["delta"], 2, 1, 0, 3, 2)));
        yield return Inputs(
            kind, "step as (cx, cy, h, w)", "Width and height of the step are exchanged.", "It is (cx, cy, w, h).", ["G5"],
            (a, x) => x.With("delta", a.Pick(x["delta"], 2, 0, 1, 3, 2)));
        yield return Result(
            kind, "boxes as corners", "The boxes are corners (x0, y0, x1, y1).", "Keep (cx, cy, w, h); corners come with the results.",
            ["G5"],
            (a, _, right) =>
            {
                Quantity centre = a.Pick(right, 2, 0, 1);
                Quantity half = a.Apply(a.Pick(right, 2, 2, 3), side => 0.5 * side);
                return a.Concat([a.Subtract(centre, half), a.Add(centre, half)], 2);
            });
        yield return Result(
            StepKinds.Sigmoid, "sigmoid missing", "The tensor is in logits.", "Apply the sigmoid.", ["F10"], (_, x, _) => x["x"]);
        yield return Result(
            StepKinds.Sigmoid, "sigmoid twice", "The sigmoid is applied twice.", "Apply it once.", ["F10"],
            (a, _, right) => a.Sigmoid(right));
    }

    private static IEnumerable<Mistake> Activations()
    {
        yield return Instead(
            "ReLU missing before the layer", "The layer's input doesn't go through its ReLU.", Activation.Relu, (_, x) => x);
        yield return Instead(
            "GELU missing before the layer", "The layer's input doesn't go through its GELU.", Activation.Gelu, (_, x) => x);
        yield return Instead("GELU for ReLU", "The activation is a GELU.", Activation.Relu, (a, x) => a.Gelu(x));
        yield return Instead("ReLU for GELU", "The activation is a ReLU.", Activation.Gelu, (a, x) => a.Relu(x));
        yield return Instead(
            "tanh GELU for ReLU", "The activation is GELU's tanh approximation.", Activation.Relu, (a, x) => ByHand.Map(a, x, TanhGelu));
        yield return Instead(
            "tanh GELU for GELU", "The activation is GELU's tanh approximation.", Activation.Gelu, (a, x) => ByHand.Map(a, x, TanhGelu));
        yield return Instead(
            "sigmoid GELU for GELU", "The activation is GELU's sigmoid approximation x · σ(1.702 x).", Activation.Gelu,
            (a, x) => ByHand.Map(a, x, value => value * Noisy.Sigmoid(1.702 * value)));
        foreach ((string name, Func<Noisy, Noisy> function) in ((string, Func<Noisy, Noisy>)[])
            [
                ("SiLU", value => value * Noisy.Sigmoid(value)), ("leaky ReLU (0.01)", value => value < 0 ? 0.01 * value : value),
                ("leaky ReLU (0.1)", value => value < 0 ? 0.1 * value : value),
                ("leaky ReLU (0.2)", value => value < 0 ? 0.2 * value : value),
                ("ELU", value => value < 0 ? Noisy.Exp(value) - 1 : value), ("ReLU6", value => Noisy.Max(0, Noisy.Min(6, value))),
                ("sigmoid", Noisy.Sigmoid), ("tanh", Noisy.Tanh), ("absolute value", Noisy.Abs),
            ])
        {
            yield return Instead($"{name} for the activation", $"The activation is {name}.", null, (a, x) => ByHand.Map(a, x, function));
        }

        yield return Evaluate(
            StepKinds.Linear, "activation where none belongs", "The layer's input goes through a ReLU.", "This layer has none before it.",
            ["E17"],
            (a, x) => a.Linear(a.Relu(x["x"]), x.Weight("weight"), x.Weight("bias"))) with
        { Applies = x => !x.Options.Activates };
        yield return Result(
            StepKinds.Linear, "ReLU after the layer", "The layer's output goes through a ReLU (or is saved after its activation).",
            "The tensor of this name is the layer's output, before any activation; after the last layer of a head there is none.", ["E17"],
            (a, _, right) => a.Relu(right));
        yield return Result(
            StepKinds.Linear, "GELU after the layer", "The layer's output goes through a GELU (or is saved after its activation).",
            "The tensor of this name is the layer's output, before any activation.", ["E17"], (a, _, right) => a.Gelu(right));
        yield return Result(
            StepKinds.Linear, "sigmoid after the layer", "The layer's output goes through a sigmoid.", "Keep the logits under this name.",
            ["E17"],
            (a, _, right) => a.Sigmoid(right)) with
        { Applies = IsHead };

        yield return Result(
            StepKinds.Copy, "ReLU after the box head", "The box head ends in a ReLU.", "Nothing follows the head's last layer.", ["E17"],
            (a, _, right) => a.Relu(right)) with
        { Applies = IsHead };

        Mistake Instead(string name, string explanation, Activation? of, Func<Algebra, Quantity, Quantity> other) => Evaluate(
            StepKinds.Linear, name, explanation,
            of switch
            {
                Activation.Relu => "Apply a ReLU.",
                Activation.Gelu => "Apply the GELU with erf.",
                _ => "Apply the activation of the configuration: ReLU, or GELU with erf.",
            },
            ["E17", "E18"],
            (a, x) => a.Linear(other(a, x["x"]), x.Weight("weight"), x.Weight("bias"))) with
        {
            Applies = x => x.Options.Activates && (of is null || x.Options.Activation == of),
        };
    }

    private static IEnumerable<Mistake> Heads()
    {
        string[] references =
            [
                "E13", "huggingface/transformers#37333", "huggingface/transformers#38238", "huggingface/transformers#38031",
                "huggingface/transformers#37925",
            ];
        yield return Inputs(
            StepKinds.Linear, "head 0 for every layer", "The head of layer 0 serves every layer.",
            "With box refinement every layer has heads of its own.",
            references, (_, x) => OfHead(x, "0")) with
        { Applies = IsHead };
        yield return Inputs(
            StepKinds.Linear, "next layer's head", "The head is that of the next layer.", "Head l belongs to layer l.", references,
            (_, x) => OfHead(x, Text($"{Head(x) + 1}"))) with
        { Applies = IsHead };
        yield return Inputs(
            StepKinds.Linear, "previous layer's head", "The head is that of the layer before.",
            "Head l belongs to layer l; with two stages the last is the encoder's.",
            [.. references, "E14"], (_, x) => OfHead(x, Text($"{Head(x) - 1}"))) with
        { Applies = IsHead };
        yield return Inputs(
            StepKinds.Linear, "bias of the head at its initial value", "The class head's bias is -log 99, its value before training.",
            "Load the checkpoint's bias.",
            ["E13", "huggingface/transformers#37925"],
            (a, x) => x.WithWeight("bias", ByHand.Constant(a, x.Weight("bias").Shape, -Elementary.Log(99)))) with
        {
            Applies = x => x.Step.Name.StartsWith("class_embed", StringComparison.Ordinal),
        };
        yield return Inputs(
            StepKinds.Linear, "box head of two layers", "The middle layer of the box head is left out.", "The head has three layers.",
            ["E17"],
            (_, x) => x.With("x", x.NamedTensor(Text($"bbox_embed.{Head(x)}.layers.0")))) with
        {
            Applies = x => IsHead(x) && x.Step.Name.EndsWith("layers.2", StringComparison.Ordinal),
        };
    }

    private static bool IsPoint(StepInputs x) => x["reference"].Shape[^1] == 2;

    private static bool IsDecoder(StepInputs x) => x.Step.Name.StartsWith("transformer.decoder.", StringComparison.Ordinal);

    private static bool IsHead(StepInputs x) =>
        x.Step.Name.StartsWith("class_embed.", StringComparison.Ordinal) || x.Step.Name.StartsWith("bbox_embed.", StringComparison.Ordinal);

    // "transformer.decoder.layers.0" of everything in it.
    private static string Layer(StepInputs x)
    {
        string[] parts = x.Step.Name.Split('.');
        return parts.Length > 4 ? string.Join('.', parts[..4]) : throw new ArgumentException($"layer: {x.Step.Name} is in none.");
    }

    // The number in "bbox_embed.3.layers.0".
    private static int Head(StepInputs x) => int.Parse(x.Step.Name.Split('.')[1], CultureInfo.InvariantCulture);

    private static StepInputs OfHead(StepInputs x, string head)
    {
        string[] parts = x.Step.Name.Split('.');
        parts[1] = head;
        string name = string.Join('.', parts);
        return x.WithWeight("weight", x.NamedWeight($"{name}.weight")).WithWeight("bias", x.NamedWeight($"{name}.bias"));
    }

    private static double Root(StepInputs x) => Math.Sqrt((double)x.Options.Channels / x.Options.Heads);

    private static Quantity Attend(Algebra a, StepInputs x, Quantity query, Quantity key, Quantity value) =>
        StepKinds.Attend(a, x, query, key, value, Root(x));

    // Self-attention with other heads, other merging, other weights.
    private static Quantity Written(
        Algebra a, StepInputs x, Quantity query, Quantity tgt, Func<Algebra, StepInputs, Quantity, Quantity> split,
        Func<Algebra, StepInputs, Quantity, Quantity> merge, Func<Quantity, Quantity> soft)
    {
        int channels = query.Shape[2];
        double root = Root(x);
        Quantity scores = a.MatMul(a.Apply(Part(query, 0), element => element / root), Part(query, 1), transposed: true);
        return a.Linear(merge(a, x, a.MatMul(soft(scores), Part(tgt, 2))), x.Weight("out_proj.weight"), x.Weight("out_proj.bias"));

        Quantity Part(Quantity input, int part)
        {
            int[] rows = [.. Enumerable.Range(part * channels, channels)];
            return split(a, x, a.Linear(input, a.Pick(x.Weight("in_proj_weight"), 0, rows), a.Pick(x.Weight("in_proj_bias"), 0, rows)));
        }
    }

    // [N, L, C] to [N, M, L, D] with channels in the order (D, M), and back.
    private static Quantity Interleaved(Algebra a, StepInputs x, Quantity tokens)
    {
        TensorShape s = tokens.Shape;
        return a.Permute(a.Reshape(tokens, [s[0], s[1], s[2] / x.Options.Heads, x.Options.Heads]), 0, 3, 1, 2);
    }

    private static Quantity Unleaved(Algebra a, StepInputs x, Quantity read)
    {
        TensorShape s = read.Shape;
        return a.Reshape(a.Permute(read, 0, 2, 3, 1), [s[0], s[2], s[1] * s[3]]);
    }

    private static Quantity Merged(Algebra a, StepInputs x, Quantity read)
    {
        TensorShape s = read.Shape;
        return a.Reshape(a.Permute(read, 0, 2, 1, 3), [s[0], s[2], s[1] * s[3]]);
    }

    private static Quantity Causal(Algebra a, int length)
    {
        Tensor<double> mask = new([length, length]);
        for (int query = 0; query < length; query++)
        {
            for (int key = query + 1; key < length; key++)
            {
                mask[query, key] = -1e4;
            }
        }

        return a.Given(mask);
    }

    // A norm written out: what is divided by is a function of the variance (or of the mean square).
    private static Quantity Normed(Algebra a, StepInputs x, bool centred, Func<double, double> divisor)
    {
        Quantity sum = a.Add(x["x"], x["branch"]);
        int channels = sum.Shape[^1];
        Quantity mean = ByHand.Constant(a, [1, channels], 1.0 / channels);
        Quantity from = centred ? a.Subtract(sum, a.Linear(sum, mean, null)) : sum;
        Quantity variance = a.Linear(a.Multiply(from, from), mean, null);
        return a.Add(a.Multiply(a.Divide(from, a.Apply(variance, divisor)), x.Weight("weight")), x.Weight("bias"));
    }

    private static Quantity Points(Algebra a, StepInputs x) => a.Linear(x["query_embed"], x.Weight("weight"), x.Weight("bias"));

    // A point with two zeros.
    private static Quantity Four(Algebra a, Quantity reference)
    {
        TensorShape s = reference.Shape;
        return s[2] == 4 ? reference : a.Concat([reference, ByHand.Constant(a, [s[0], s[1], 2], 0)], 2);
    }

    // Level 0's ratios, to go with points or boxes.
    private static Quantity Ratios(Algebra a, StepInputs x)
    {
        Quantity ratios = x["valid_ratios"];
        Quantity first = a.Pick(ratios, 1, 0);
        return IsPoint(x) ? first : a.Concat([first, first], 2);
    }

    private static Noisy TanhGelu(Noisy x) =>
        0.5 * x * (1 + Noisy.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))));

    private static Quantity Identity(Algebra a, int size)
    {
        Tensor<double> tensor = new([size, size]);
        for (int i = 0; i < size; i++)
        {
            tensor[i, i] = 1;
        }

        return a.Given(tensor);
    }

    private static string Text(ref DefaultInterpolatedStringHandler text) => string.Create(CultureInfo.InvariantCulture, ref text);
}
