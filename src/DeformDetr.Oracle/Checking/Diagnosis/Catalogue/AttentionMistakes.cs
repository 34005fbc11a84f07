using DeformDetr.Tensors;
using static DeformDetr.Oracle.MistakeForms;

namespace DeformDetr.Oracle;

// Group D: the operator of multi-scale deformable attention and its module.
internal static class AttentionMistakes
{
    public static IReadOnlyList<Mistake> All { get; } =
        [.. Locations(), .. Offsets(), .. Logits(), .. Weights(), .. Values(), .. Samples(), .. Outputs()];

    private static IEnumerable<Mistake> Locations()
    {
        StepKind kind = StepKinds.SamplingLocations;
        yield return Inputs(
            kind, "offsets divided by (H, W)", "The offsets are divided by (H, W) instead of (W, H).",
            "Divide x by W_l and y by H_l: the normaliser is spatial_shapes with its two columns exchanged.",
            ["D1", "fundamentalvision/Deformable-DETR#6", "fundamentalvision/Deformable-DETR#7", "open-mmlab/mmcv#3200"],
            (a, x) => x.With("spatial_shapes", Transposed(a, x["spatial_shapes"]))) with
        { Applies = Points };
        yield return Result(
            kind, "x and y of the locations exchanged", "The locations are (y, x) instead of (x, y).",
            "Keep x first, as the offsets have it.",
            ["D2", "lyuwenyu/RT-DETR#14"], (a, _, right) => Swapped(a, right));
        yield return Inputs(
            kind, "x and y of the offsets exchanged", "The offsets are taken as (y, x) instead of (x, y).", "Take x first.",
            ["D2", "D17", "D28", "huggingface/candle#3403"], (a, x) => x.With("sampling_offsets", Swapped(a, x["sampling_offsets"])));
        yield return Inputs(
            kind, "x and y of the reference points exchanged", "The reference points are taken as (y, x) instead of (x, y).",
            "Take x first.",
            ["D2"], (a, x) => x.With("reference_points", a.Pick(x["reference_points"], 3, Boxes(x) ? [1, 0, 3, 2] : [1, 0])));
        yield return Evaluate(
            kind, "offsets not divided", "The offsets are added as they are, in cells, to references in fractions.",
            "Divide the offsets by (W_l, H_l) first.", ["D1"],
            (a, x) => a.Add(References(a, x), x["sampling_offsets"])) with
        { Applies = Points };
        yield return Evaluate(
            kind, "offsets divided by (W - 1, H - 1)", "The offsets are divided by one less than the level's size.",
            "Divide by (W_l, H_l): fractions are of cells, not of the distance between the outer centres.",
            ["D4", "jiangxiluning/Deformable-DETR#3"],
            (a, x) => a.Add(References(a, x), a.Divide(x["sampling_offsets"], Sizes(a, x["spatial_shapes"], size => size - 1))))
            with
        { Applies = Points };
        yield return Evaluate(
            kind, "offsets divided by W only", "Both offsets are divided by W.", "Divide x by W_l and y by H_l.", ["D1"],
            (a, x) => a.Add(References(a, x), a.Divide(x["sampling_offsets"], Side(a, x["spatial_shapes"], 1)))) with
        { Applies = Points };
        yield return Evaluate(
            kind, "offsets divided by H only", "Both offsets are divided by H.", "Divide x by W_l and y by H_l.", ["D1"],
            (a, x) => a.Add(References(a, x), a.Divide(x["sampling_offsets"], Side(a, x["spatial_shapes"], 0)))) with
        { Applies = Points };
        yield return Inputs(
            kind, "offsets divided by the sizes of the reversed levels", "The levels' sizes are taken in the reverse order.",
            "Level 0 is the largest map.", ["D20"],
            (a, x) => x.With("spatial_shapes", a.Pick(x["spatial_shapes"], 0, Reversed(x["spatial_shapes"].Shape[0]))))
            with
        { Applies = Points };
        yield return Inputs(
            kind, "offsets subtracted", "The offsets are subtracted from the references.", "Add them.", ["D1"],
            (a, x) => x.With("sampling_offsets", a.Apply(x["sampling_offsets"], offset => -offset)));
        yield return Result(
            kind, "locations clamped to [0, 1]", "Locations outside the map are moved to its border.",
            "Leave them: what lies outside reads zeros.",
            ["D9", "open-mmlab/mmcv#1973", "open-mmlab/mmdetection#8023", "open-mmlab/mmdetection3d#1496"],
            (a, _, right) => a.Apply(right, location => Math.Clamp(location, 0, 1)));
        yield return Result(
            kind, "locations as a grid of [-1, 1]", "The tensor holds 2 · location - 1, as grid_sample wants it.",
            "Keep the fractions under this name; the grid comes after it.", ["D3"],
            (a, _, right) => a.Apply(right, location => (2 * location) - 1));
        yield return Result(
            kind, "half a cell added to the locations", "Half a cell is added to every location.",
            "References are centres of cells already; nothing is to be added.", ["D5"],
            (a, x, right) => a.Add(right, Sizes(a, x["spatial_shapes"], size => 0.5 / size)));
        yield return Result(
            kind, "half a cell subtracted from the locations", "Half a cell is subtracted from every location.",
            "The half pixel belongs into the sampling (location · W - 0.5), not into the location.", ["D5"],
            (a, x, right) => a.Subtract(right, Sizes(a, x["spatial_shapes"], size => 0.5 / size)));
        yield return Result(
            kind, "locations in pixels", "The locations are in pixels of their level instead of fractions.", "Divide by (W_l, H_l).",
            ["D3"],
            (a, x, right) => a.Multiply(right, Sizes(a, x["spatial_shapes"], size => size)));
        yield return Inputs(
            kind, "level 0's reference for all levels", "Every level takes the reference point of level 0.",
            "Take the reference of each level: it is a fraction of that level's padded map.", ["C15"],
            (a, x) => x.With("reference_points", a.Pick(x["reference_points"], 2, new int[x["reference_points"].Shape[2]])));
        yield return Evaluate(
            kind, "batch and head in the other order (references)",
            "Where batch and heads are one axis, the references are repeated for batch-major but used head-major.",
            "Repeat every picture's references for its own heads (repeat_interleave).", ["D19", "jiangxiluning/Deformable-DETR#3"],
            (a, x) => a.Add(Interleaved(a, x), a.Divide(x["sampling_offsets"], Sizes(a, x["spatial_shapes"], size => size))))
            with
        { Applies = x => Points(x) && x["reference_points"].Shape[0] > 1 };
        yield return Boxed(
            "boxes without 0.5", "The offsets are scaled by the box's whole sides, not by half of them.", "Multiply by 0.5 · (w, h).",
            (a, x) => Box(a, x, 1.0 / x.Options.Points, null));
        yield return Boxed(
            "boxes without division by P", "The offsets aren't divided by the number of points.", "Divide them by P.",
            (a, x) => Box(a, x, 0.5, null));
        yield return Boxed(
            "boxes without 0.5 and without division by P", "The offsets are scaled by the whole box.", "Scale them by 0.5 · (w, h) / P.",
            (a, x) => Box(a, x, 1, null));
        yield return Boxed(
            "boxes divided by (W, H) as well", "The offsets are divided by (W, H) although the references are boxes.",
            "With boxes the offsets are scaled by 0.5 · (w, h) / P only.",
            (a, x) => Box(a, x, 0.5 / x.Options.Points, Sizes(a, x["spatial_shapes"], size => size)));
        yield return Evaluate(
            kind, "boxes taken as points", "Of a box only the centre is used; the offsets are divided by (W, H).",
            "With boxes the offsets are scaled by 0.5 · (w, h) / P.", ["D27", "E11"],
            (a, x) => a.Add(References(a, x), a.Divide(x["sampling_offsets"], Sizes(a, x["spatial_shapes"], size => size))))
            with
        { Applies = Boxes };
        yield return Inputs(
            kind, "boxes with (h, w)", "The box's sides are exchanged.", "Boxes are (cx, cy, w, h).", ["D27", "G5"],
            (a, x) => x.With("reference_points", a.Pick(x["reference_points"], 3, 0, 1, 3, 2))) with
        { Applies = Boxes };
        yield return Evaluate(
            kind, "boxes divided by L · P", "The offsets are divided by the number of all samples.", "Divide them by P.", ["D27"],
            (a, x) => Box(a, x, 0.5 / x.Options.Levels / x.Options.Points, null)) with
        { Applies = Boxes };
        yield return Evaluate(
            kind, "offsets from the box's corner", "The offsets start at the box's top left corner.", "They start at its centre.", ["D27"],
            (a, x) => a.Subtract(
                a.SamplingLocations(x["reference_points"], x["sampling_offsets"], x["spatial_shapes"]),
                a.Apply(Sides(a, x), side => 0.5 * side))) with
        { Applies = Boxes };

        static Mistake Boxed(string name, string explanation, string fix, Func<Algebra, StepInputs, Quantity> evaluate) => Evaluate(
            StepKinds.SamplingLocations, name, explanation, fix,
            ["D27", "fundamentalvision/Deformable-DETR#28", "fundamentalvision/Deformable-DETR#38", "open-mmlab/mmdetection#7686"],
            evaluate)
            with
        { Applies = Boxes };
    }

    private static IEnumerable<Mistake> Offsets()
    {
        StepKind kind = StepKinds.SamplingOffsets;
        foreach (Mistake mistake in Queries(kind))
        {
            yield return mistake;
        }

        foreach ((string name, int[] order) in Orders)
        {
            yield return Result(
                kind, $"offsets viewed as {name}", $"The layer's output is viewed as {name}, 2 instead of (M, L, P), 2.",
                "View it as heads, levels, points, (x, y).", ["D15", "XunshanMan/MVGFormer#11", "jiangxiluning/Deformable-DETR#3"],
                (a, x, right) => Viewed(a, x, right, order));
        }

        yield return Result(
            kind, "offsets as two planes", "The layer's output is taken as all x, then all y.", "x and y of a point are neighbours.",
            ["D17"],
            (a, _, right) =>
            {
                TensorShape s = right.Shape;
                return a.Permute(a.Reshape(right, [s[0], s[1], 2, s[2], s[3], s[4]]), 0, 1, 3, 4, 5, 2);
            });
        yield return Result(
            kind, "offsets as two planes per head", "Within a head the output is taken as all x, then all y.",
            "x and y of a point are neighbours.",
            ["D17"], (a, _, right) =>
            {
                TensorShape s = right.Shape;
                return a.Permute(a.Reshape(right, [s[0], s[1], s[2], 2, s[3], s[4]]), 0, 1, 2, 4, 5, 3);
            });
        yield return Result(
            kind, "offsets as (y, x)", "The offsets are taken as (y, x).", "x comes first.",
            ["D2", "D17", "D28", "huggingface/candle#3403"],
            (a, _, right) => Swapped(a, right));
        yield return Result(
            kind, "offsets of the reversed levels", "The levels of the offsets are in the reverse order.", "Level 0 is the largest map.",
            ["D20"],
            (a, _, right) => a.Pick(right, 3, Reversed(right.Shape[3])));
        yield return Result(
            kind, "offsets through tanh", "The offsets go through tanh, as in DAT.", "Leave them unbounded.", ["D28"],
            (a, _, right) => a.Apply(right, Tensors.Numerics.Elementary.Tanh));
        yield return Result(
            kind, "offsets through sigmoid", "The offsets go through a sigmoid.", "Leave them unbounded.", ["D28"],
            (a, _, right) => a.Sigmoid(right));
        yield return Evaluate(
            kind, "offsets of the bias only", "Only the bias arrives: the offsets don't depend on the query.",
            "Load sampling_offsets.weight (a fresh module has zeros there).", ["D15"],
            (a, x) =>
            {
                TensorShape s = x["query"].Shape;
                return a.Expand(
                    a.Reshape(x.Weight("bias"), [x.Options.Heads, x.Options.Levels, x.Options.Points, 2]),
                    [s[0], s[1], x.Options.Heads, x.Options.Levels, x.Options.Points, 2]);
            });
    }

    private static IEnumerable<Mistake> Logits()
    {
        foreach (Mistake mistake in Queries(StepKinds.AttentionLogits))
        {
            yield return mistake;
        }

        yield return Result(
            StepKinds.AttentionLogits, "softmax under the logits' name", "The tensor holds the weights after the softmax.",
            "Keep the layer's output under this name.", ["D12"],
            (a, x, right) => a.Reshape(
                a.Softmax(a.Reshape(right, [right.Shape[0], right.Shape[1], x.Options.Heads, right.Shape[2] / x.Options.Heads])),
                right.Shape));
    }

    private static IEnumerable<Mistake> Weights()
    {
        StepKind kind = StepKinds.AttentionWeights;
        yield return Over("softmax over points only", "The softmax runs over the points of each level.", ["D11"], 4);
        yield return Over("softmax over levels only", "The softmax runs over the levels.", ["D11"], 3);
        yield return Over("softmax over heads", "The softmax runs over the heads.", ["D13", "facebookresearch/detr#247"], 2);
        yield return Over("softmax over heads, levels and points", "The softmax runs over everything that a query has.",
            ["D13", "facebookresearch/detr#247"], 2, 3, 4);
        yield return Over("softmax over heads and points", "The softmax runs over heads and points of a level.", ["D13"], 2, 4);
        yield return Over("softmax over queries", "The softmax runs over the queries.", ["D11"], 1) with { Whole = true };
        yield return Evaluate(
            kind, "attention softmax missing", "The logits are used as weights.", "Apply the softmax over levels and points.",
            ["D12", "DerryHub/BEVFormer_tensorrt#84"], Raw);
        yield return Result(
            kind, "attention softmax twice", "The softmax is applied twice: the weights are nearly equal.",
            "Apply it once: either before the operator or inside it.", ["D12", "OpenGVLab/DCNv4#51"],
            (a, x, right) => Softmax(a, right, 3, 4));
        yield return Evaluate(
            kind, "sigmoid for the attention softmax", "Every weight is the sigmoid of its logit.",
            "Apply a softmax over levels and points.",
            ["D12"], (a, x) => a.Sigmoid(Raw(a, x)));
        yield return Inputs(
            kind, "attention logits divided by sqrt(D)", "The logits are divided by the root of a head's channels.",
            "Deformable attention doesn't scale its logits.", ["D12"],
            (a, x) =>
            {
                double root = Math.Sqrt((double)x.Options.Channels / x.Options.Heads);
                return x.With("logits", a.Apply(x["logits"], logit => logit / root));
            });
        yield return Evaluate(
            kind, "uniform attention weights", "All weights are 1 / (L · P).", "Use the logits.",
            ["D14", "fundamentalvision/Deformable-DETR#41"],
            (a, x) => Softmax(a, a.Apply(Raw(a, x), _ => 0), 3, 4));
        foreach ((string name, int[] order) in Orders)
        {
            yield return Evaluate(
                kind, $"attention weights viewed as {name}", $"The logits are viewed as {name} instead of (M, L, P).",
                "View them as heads, levels, points.",
                ["D15", "D16", "aharley/simple_bev#45"], (a, x) => Softmax(a, Viewed(a, x, Raw(a, x), order), 3, 4));
        }

        yield return Result(
            kind, "attention weights of the reversed levels", "The levels of the weights are in the reverse order.",
            "Level 0 is the largest map.", ["D20"],
            (a, _, right) => a.Pick(right, 3, Reversed(right.Shape[3])));

        Mistake Over(string name, string explanation, string[] references, params int[] axes) => Evaluate(
            kind, name, explanation, "Take the softmax over levels and points together, for each head.", references,
            (a, x) => Softmax(a, Raw(a, x), axes));
    }

    private static IEnumerable<Mistake> Values()
    {
        StepKind kind = StepKinds.Value;
        yield return Evaluate(
            kind, "mask fill of the value omitted", "Padded tokens keep their value.", "Fill the value with 0 where the mask is true.",
            ["D23"], (a, x) => Split(a, x, Projected(a, x, x["x"])));
        yield return Evaluate(
            kind, "mask fill before the projection", "Padded tokens are zeroed before the projection, so that they hold its bias.",
            "Project first, then fill with 0.", ["D24"],
            (a, x) => Split(a, x, Projected(a, x, a.MaskedFill(x["x"], x["mask"], 0))));
        yield return Evaluate(
            kind, "mask of the value inverted", "The tokens of the picture are zeroed, and padding is kept.",
            "True in the mask is padding.",
            ["D23", "A7"], (a, x) => Split(a, x, a.MaskedFill(Projected(a, x, x["x"]), ByHand.Opposite(a, x["mask"]), 0)));
        yield return Inputs(
            kind, "value from src and pos", "The value is made from the tokens with their position.", "Position goes into the query only.",
            ["D25"],
            (a, x) => x.With("x", a.Add(x["x"], x["pos"])));
        yield return Evaluate(
            kind, "value from src and pos, mask fill omitted",
            "The value is made from the tokens with their position, and padding is kept.",
            "Position goes into the query only; fill with 0 where the mask is true.", ["D23", "D25"],
            (a, x) => Split(a, x, Projected(a, x, a.Add(x["x"], x["pos"]))));
        yield return Evaluate(
            kind, "value not projected", "The value is the tokens themselves.", "Apply value_proj.",
            ["D25", "autowarefoundation/auto_e2e#12"],
            (a, x) => Split(a, x, a.MaskedFill(x["x"], x["mask"], 0)));
        yield return Evaluate(
            kind, "value not projected, mask fill omitted", "The value is the tokens themselves, padding included.",
            "Apply value_proj, then fill.",
            ["D23", "D25", "autowarefoundation/auto_e2e#12"], (a, x) => Split(a, x, x["x"]));
        yield return Result(
            kind, "heads of the value split channel-major", "Channel c goes to head c mod M instead of head c / D.",
            "View the channels as (M, D).",
            ["D18"], (a, _, right) =>
            {
                TensorShape s = right.Shape;
                return a.Permute(a.Reshape(right, [s[0], s[1], s[3], s[2]]), 0, 1, 3, 2);
            });
        yield return Result(
            kind, "ReLU after the value projection", "The value goes through a ReLU.", "It has no activation.", ["D25"],
            (a, _, right) => a.Relu(right));
    }

    private static IEnumerable<Mistake> Samples()
    {
        StepKind kind = StepKinds.Sampled;
        yield return Moved(
            "align_corners=True", "Locations are mapped to pixels by W - 1: 0 and 1 are the outer pixels' centres.",
            "Pixel = location · W - 0.5 (grid_sample with align_corners=False).",
            ["D3", "Visual-Behavior/detr-tensorflow#25", "PINTO0309/onnx2tf#308", "ml-explore/mlx#1213", "tenstorrent/tt-metal#44901"],
            (pixel, size) => (pixel + 0.5) / size * (size - 1));
        yield return Moved(
            "mixed pixel conventions", "The grid is made with W - 1 and read with align_corners=False.",
            "Use W in both, with align_corners=False.",
            ["D4", "jiangxiluning/Deformable-DETR#3"], (pixel, size) => ((pixel + 0.5) * size / (size - 1)) - 0.5);
        yield return Moved(
            "half pixel missing", "Pixel = location · W, without - 0.5.", "Subtract 0.5: pixel centres are the whole numbers.",
            ["D5", "microsoft/onnxruntime#6921", "lucidrains/deformable-attention#1", "software-mansion/react-native-executorch#1406"],
            (pixel, _) => pixel + 0.5);
        yield return Moved(
            "half pixel added", "Pixel = location · W + 0.5.", "Subtract 0.5 instead of adding it.", ["D5"], (pixel, _) => pixel + 1);
        yield return Moved(
            "half pixel subtracted twice", "Pixel = location · W - 1.", "Subtract 0.5 once.", ["D5"], (pixel, _) => pixel - 0.5);
        yield return Moved(
            "border clamp", "Pixels outside the map are moved to its border (padding_mode='border').",
            "What lies outside is 0 (padding_mode='zeros').",
            ["D6", "roboflow/rf-detr#622", "pytorch/pytorch#125098", "Comfy-Org/ComfyUI#15336"],
            (pixel, size) => Math.Clamp(pixel, 0, size - 1));
        yield return Moved(
            "reflection at the border", "Pixels outside the map are mirrored into it (padding_mode='reflection').",
            "What lies outside is 0 (padding_mode='zeros').", ["D6"], (pixel, size) => Reflected(pixel, size));
        yield return Moved(
            "reflection about the outer centres", "Pixels outside the map are mirrored at the outer pixels' centres.",
            "What lies outside is 0 (padding_mode='zeros').", ["D6"],
            (pixel, size) => size == 1 ? 0 : Reflected(pixel, size - 1, 0));
        yield return Moved(
            "whole sample dropped at the border",
            "A sample counts nothing once one of its pixels is outside: dropped, or its corners are clipped before the weights are made.",
            "Leave out single pixels, not the sample; make the weights from the unclipped corners.",
            ["D7", "D8", "PINTO0309/onnx2tf#274", "ml-explore/mlx#1213"],
            (pixel, size) => pixel < 0 || pixel > size - 1 ? -9 : pixel);
        yield return Moved(
            "locations clamped before the sampling", "Locations are clamped to [0, 1] before they are read.",
            "Leave them: what lies outside reads zeros.",
            ["D9", "open-mmlab/mmcv#1973", "open-mmlab/mmdetection#8023"], (pixel, size) => Math.Clamp(pixel, -0.5, size - 0.5));
        yield return Moved(
            "nearest sampling", "The nearest pixel is read instead of four.", "Sample bilinearly.",
            ["D10", "H9", "lyuwenyu/RT-DETR#515"], (pixel, _) => Math.Floor(pixel + 0.5));
        yield return Moved(
            "pixel rounded down", "The pixel to the top left is read, without interpolation.", "Sample bilinearly.", ["D10", "H9"],
            (pixel, _) => Math.Floor(pixel));
        yield return Moved(
            "nearest sampling, clamped", "The nearest pixel is read, clamped to the map (discrete sampling).",
            "Sample bilinearly, zeros outside.",
            ["D10", "lyuwenyu/RT-DETR#515"], (pixel, size) => Math.Clamp(Math.Floor(pixel + 0.5), 0, size - 1));
        yield return Moved(
            "locations read as [-1, 1]", "The fractions are read as a grid of [-1, 1].", "Give grid_sample 2 · location - 1.", ["D3"],
            (pixel, size) => (((((pixel + 0.5) / size) + 1) * size) - 1) / 2);
        yield return Evaluate(
            kind, "truncation for floor", "The corner is found by truncation, which rounds up below 0.", "Use floor.", ["D10", "H9"],
            (a, x) => ByCorners(a, x, (pixel, _) => Math.Truncate(pixel)));
        yield return Inputs(
            kind, "x and y exchanged in the sampling", "The locations are read as (y, x).", "x goes with columns, y with rows.",
            ["D2", "lyuwenyu/RT-DETR#14"], (a, x) => x.With("sampling_locations", Swapped(a, x["sampling_locations"])));
        yield return Inputs(
            kind, "spatial_shapes as (W, H)", "Rows and columns of a level are exchanged: its rows have the wrong length.",
            "spatial_shapes is (H, W).", ["D22"], (a, x) => x.With("spatial_shapes", Transposed(a, x["spatial_shapes"])));
        yield return Evaluate(
            kind, "spatial_shapes as (W, H) in the rows only", "A row of a level is H long instead of W; the pixels are right.",
            "spatial_shapes is (H, W).",
            ["D22"], (a, x) => OtherPlaces(a, x, (start, row, column, height, _) => start + (row * height) + column));
        yield return Evaluate(
            kind, "level_start_index inclusive", "A level starts where it should end (inclusive cumulative sum).",
            "level_start_index starts with 0.", ["D21", "PeizeSun/TransTrack#82"],
            (a, x) => OtherPlaces(a, x, (start, row, column, height, width) => start + (height * width) + (row * width) + column));
        yield return Evaluate(
            kind, "level_start_index ignored", "Every level is read from token 0.", "Add level_start_index.",
            ["D21", "PeizeSun/TransTrack#82"],
            (a, x) => OtherPlaces(a, x, (_, row, column, _, width) => (row * width) + column));
        yield return Evaluate(
            kind, "levels stored column by column", "A level is read column by column.", "Tokens lie row by row.", ["D22"],
            (a, x) => OtherPlaces(a, x, (start, row, column, height, _) => start + (column * height) + row));
        yield return Inputs(
            kind, "levels of the locations reversed", "Locations and weights of level l are used on level L - 1 - l.",
            "Level 0 is the largest map.",
            ["D20"], (a, x) => x
                .With("sampling_locations", a.Pick(x["sampling_locations"], 3, Reversed(x.Options.Levels)))
                .With("attention_weights", a.Pick(x["attention_weights"], 3, Reversed(x.Options.Levels))));
        yield return Inputs(
            kind, "levels of the weights reversed", "The weights of level l are used on level L - 1 - l.", "Level 0 is the largest map.",
            ["D20"], (a, x) => x.With("attention_weights", a.Pick(x["attention_weights"], 3, Reversed(x.Options.Levels))));
        yield return Inputs(
            kind, "attention weights not applied (mean)", "The samples are averaged.", "Multiply every sample by its weight.", ["D26"],
            (a, x) => x.With(
                "attention_weights", a.Apply(x["attention_weights"], _ => 1.0 / (x.Options.Levels * x.Options.Points))));
        yield return Inputs(
            kind, "attention weights not applied (sum)", "The samples are added up without weights.",
            "Multiply every sample by its weight.", ["D26"],
            (a, x) => x.With("attention_weights", a.Apply(x["attention_weights"], _ => 1)));
        yield return Inputs(
            kind, "logits for weights in the sampling", "The samples are multiplied by the logits.", "Apply the softmax first.",
            ["D12", "DerryHub/BEVFormer_tensorrt#84"],
            (a, x) => x.With("attention_weights", a.Reshape(x["logits"], x["attention_weights"].Shape)));
        yield return Inputs(
            kind, "softmax inside the operator again", "The operator applies a softmax to weights that had one.", "Apply it once.",
            ["D12", "OpenGVLab/DCNv4#51"], (a, x) => x.With("attention_weights", Softmax(a, x["attention_weights"], 3, 4)));
        yield return Inputs(
            kind, "raw features sampled", "The tokens are sampled instead of the projected value.", "Sample what value_proj gives.",
            ["D25", "autowarefoundation/auto_e2e#12"], (a, x) => x.With("value", a.Reshape(x["source"], x["value"].Shape)));
        yield return Inputs(
            kind, "value read as (D, M)", "Heads and channels of the value are exchanged.", "The value is (N, S, M, D).", ["D18"],
            (a, x) =>
            {
                TensorShape s = x["value"].Shape;
                return x.With("value", a.Reshape(a.Permute(x["value"], 0, 1, 3, 2), s));
            });
        yield return Result(
            kind, "heads interleaved in the output", "Heads and channels of the output are in the order (D, M).",
            "Put the heads side by side: (M, D).", ["D18", "H3"], (a, x, right) => Interleaved(a, x, right));
        yield return Inputs(
            kind, "last level left out", "The last level isn't read.", "Read all levels.", ["D21"],
            (a, x) => x.With(
                "attention_weights",
                a.Multiply(x["attention_weights"], PerLevel(a, x.Options.Levels, level => level == x.Options.Levels - 1 ? 0 : 1))));
        yield return Inputs(
            kind, "only level 0 read", "Only the first level is read.", "Read all levels.", ["D21"],
            (a, x) => x.With(
                "attention_weights", a.Multiply(x["attention_weights"], PerLevel(a, x.Options.Levels, level => level == 0 ? 1 : 0))));
        yield return Inputs(
            kind, "locations and weights batch-major, heads first",
            "Where batch and heads are one axis, locations and weights have the other order.",
            "Merge (N, M), in this order, everywhere.", ["D19", "jiangxiluning/Deformable-DETR#3"],
            (a, x) => x.With("sampling_locations", Crossed(a, x["sampling_locations"])).With(
                "attention_weights", Crossed(a, x["attention_weights"]))) with
        { Applies = Several };
        yield return Inputs(
            kind, "weights batch-major, heads first", "Where batch and heads are one axis, the weights have the other order.",
            "Merge (N, M), in this order, everywhere.", ["D19", "jiangxiluning/Deformable-DETR#3"],
            (a, x) => x.With("attention_weights", Crossed(a, x["attention_weights"]))) with
        { Applies = Several };
        yield return Inputs(
            kind, "points of the weights reversed", "The points of the weights are in the reverse order.", "Points go in their order.",
            ["D15"],
            (a, x) => x.With("attention_weights", a.Pick(x["attention_weights"], 4, Reversed(x.Options.Points))));
        yield return Inputs(
            kind, "weights viewed as (P, L)", "Levels and points of the weights are exchanged.", "View them as (L, P).", ["D15"],
            (a, x) =>
            {
                TensorShape s = x["attention_weights"].Shape;
                Quantity other = a.Reshape(x["attention_weights"], [s[0], s[1], s[2], s[4], s[3]]);
                return x.With("attention_weights", a.Permute(other, 0, 1, 2, 4, 3));
            });

        Mistake Moved(string name, string explanation, string fix, string[] references, Func<double, double, double> pixel) => Inputs(
            kind, name, explanation, fix, references,
            (a, x) => x.With("sampling_locations", Pixels(a, x["sampling_locations"], x["spatial_shapes"], pixel)));
    }

    private static IEnumerable<Mistake> Outputs()
    {
        StepKind kind = StepKinds.Linear;
        yield return Evaluate(
            kind, "output_proj omitted", "The heads' sums are returned without output_proj.", "Apply output_proj.", ["D26"],
            (_, x) => x["x"])
            with
        { Applies = IsOutput };
        yield return Evaluate(
            kind, "bias of output_proj only", "Only the bias of output_proj arrives.", "Apply output_proj to the heads' sums.", ["D26"],
            (a, x) => a.Expand(x.Weight("bias"), x["x"].Shape)) with
        { Applies = IsOutput };
        yield return Inputs(
            kind, "output_proj of interleaved heads", "output_proj is applied to channels in the order (D, M).",
            "Put the heads side by side: (M, D).",
            ["D18", "D26"], (a, x) => x.With("x", Interleaved(a, x, x["x"]))) with
        { Applies = IsOutput };
        yield return Evaluate(
            kind, "output_proj before the heads are summed",
            "Every head goes through output_proj with its bias, before the heads are added up.",
            "Put the heads side by side, then project once.", ["D26"],
            (a, x) => a.Add(
                a.Linear(x["x"], x.Weight("weight"), x.Weight("bias")),
                a.Apply(x.Weight("bias"), bias => bias * (x.Options.Heads - 1)))) with
        { Applies = IsOutput };
    }

    // What the two layers that the query goes through have in common.
    private static IEnumerable<Mistake> Queries(StepKind kind)
    {
        string layer = kind == StepKinds.SamplingOffsets ? "offsets" : "logits";
        yield return Evaluate(
            kind, $"{layer} of the query without pos", $"The position isn't added to the query that makes the {layer}.",
            "Query = tokens (or queries) + position.", ["E5"],
            (a, x) => Again(a, x, x["query"]));
        yield return Evaluate(
            kind, $"{layer} of the query with pos twice", "The position is added twice.", "Add the position once.", ["E5"],
            (a, x) => Again(a, x, a.Add(a.Add(x["query"], x["pos"]), x["pos"])));
        yield return Evaluate(
            kind, $"{layer} of the pos only", $"The {layer} are made from the position alone.", "Query = tokens (or queries) + position.",
            ["E5"],
            (a, x) => Again(a, x, x["pos"]));
        yield return Inputs(
            kind, $"{layer} of the query before self-attention",
            $"The {layer} come from the layer's input, not from what its self-attention made.", "Self-attention comes first.", ["E3"],
            (a, x) => x.With("query", x.NamedTensor(LayerInput(x)))) with
        { Applies = IsDecoder };

        static Quantity Again(Algebra a, StepInputs x, Quantity query)
        {
            Quantity made = a.Linear(query, x.Weight("weight"), x.Weight("bias"));
            return x.Step.Kind == StepKinds.AttentionLogits ? made : a.Reshape(
                made, [made.Shape[0], made.Shape[1], x.Options.Heads, x.Options.Levels, x.Options.Points, 2]);
        }
    }

    // The orders in which heads, levels and points can be taken for one another; numbers are axes of (M, L, P).
    private static IReadOnlyList<(string Name, int[] Order)> Orders =>
        [("(L, M, P)", [1, 0, 2]), ("(P, M, L)", [2, 0, 1]), ("(M, P, L)", [0, 2, 1]), ("(L, P, M)", [1, 2, 0]), ("(P, L, M)", [2, 1, 0])];

    private static bool Points(StepInputs x) => !Boxes(x);

    private static bool Boxes(StepInputs x) => x["reference_points"].Shape[^1] == 4;

    private static bool Several(StepInputs x) => x["value"].Shape[0] > 1;

    private static bool IsOutput(StepInputs x) => x.Step.Name.EndsWith("_attn", StringComparison.Ordinal);

    private static bool IsDecoder(StepInputs x) => x.Step.Name.StartsWith("transformer.decoder.", StringComparison.Ordinal);

    // What a decoder layer starts from.
    public static string LayerInput(StepInputs x) => x.Options.Layer == 0
        ? "transformer.tgt"
        : FormattableString.Invariant($"transformer.decoder.layers.{x.Options.Layer - 1}");

    private static int[] Reversed(int count) => [.. Enumerable.Range(0, count).Reverse()];

    private static Quantity Swapped(Algebra a, Quantity x) => a.Pick(x, x.Shape.Rank - 1, 1, 0);

    // (H, W) to (W, H).
    private static Quantity Transposed(Algebra a, Quantity spatialShapes) => a.Pick(spatialShapes, 1, 1, 0);

    // (W, H) of every level, to go with [.., L, P, 2].
    private static Quantity Sizes(Algebra a, Quantity spatialShapes, Func<double, double> function)
    {
        Tensor<long> shapes = spatialShapes.Whole;
        Tensor<double> sizes = new([shapes.Shape[0], 1, 2]);
        for (int level = 0; level < shapes.Shape[0]; level++)
        {
            sizes[level, 0, 0] = function(shapes[level, 1]);
            sizes[level, 0, 1] = function(shapes[level, 0]);
        }

        return a.Given(sizes);
    }

    // One side of every level for both x and y.
    private static Quantity Side(Algebra a, Quantity spatialShapes, int side)
    {
        Tensor<long> shapes = spatialShapes.Whole;
        Tensor<double> sizes = new([shapes.Shape[0], 1, 1]);
        for (int level = 0; level < shapes.Shape[0]; level++)
        {
            sizes[level, 0, 0] = shapes[level, side];
        }

        return a.Given(sizes);
    }

    private static Quantity PerLevel(Algebra a, int levels, Func<int, double> function)
    {
        Tensor<double> factors = new([levels, 1]);
        for (int level = 0; level < levels; level++)
        {
            factors[level, 0] = function(level);
        }

        return a.Given(factors);
    }

    // Centres, to go with [N, Lq, M, L, P, 2].
    private static Quantity References(Algebra a, StepInputs x)
    {
        TensorShape s = x["reference_points"].Shape;
        return a.Reshape(a.Pick(x["reference_points"], 3, 0, 1), [s[0], s[1], 1, s[2], 1, 2]);
    }

    // Sides of boxes, to go with [N, Lq, M, L, P, 2].
    private static Quantity Sides(Algebra a, StepInputs x)
    {
        TensorShape s = x["reference_points"].Shape;
        return a.Reshape(a.Pick(x["reference_points"], 3, 2, 3), [s[0], s[1], 1, s[2], 1, 2]);
    }

    private static Quantity Box(Algebra a, StepInputs x, double factor, Quantity? sizes)
    {
        Quantity step = a.Apply(a.Multiply(x["sampling_offsets"], Sides(a, x)), product => product * factor);
        return a.Add(References(a, x), sizes is null ? step : a.Divide(step, sizes));
    }

    // References of head m of picture n where the merged axis is read in the other order.
    private static Quantity Interleaved(Algebra a, StepInputs x)
    {
        Quantity reference = x["reference_points"];
        TensorShape s = reference.Shape;
        int heads = x.Options.Heads;
        int[] from = [.. Enumerable.Range(0, s[0] * heads).Select(item => item % s[0])];
        Quantity repeated = a.Reshape(a.Pick(reference, 0, from), [s[0], heads, s[1], s[2], 2]);
        return a.Reshape(a.Permute(repeated, 0, 2, 1, 3, 4), [s[0], s[1], heads, s[2], 1, 2]);
    }

    // [N, Lq, M, ..] whose batch and heads were merged as (M, N) and taken apart as (N, M).
    private static Quantity Crossed(Algebra a, Quantity x)
    {
        int rank = x.Shape.Rank;
        int[] rest = [.. Enumerable.Range(3, rank - 3)];
        Quantity merged = a.Permute(x, [2, 0, 1, .. rest]);
        TensorShape shape = TensorShape.Create([x.Shape[0], x.Shape[2], x.Shape[1], .. rest.Select(axis => x.Shape[axis])]);
        return a.Permute(a.Reshape(merged, shape), [0, 2, 1, .. rest]);
    }

    // Numbers in the order (M, L, P), read as if they lay in another one.
    private static Quantity Viewed(Algebra a, StepInputs x, Quantity right, int[] order)
    {
        int[] sizes = [x.Options.Heads, x.Options.Levels, x.Options.Points];
        TensorShape s = right.Shape;
        int[] tail = s.Rank == 6 ? [2] : [];
        Quantity flat = a.Reshape(right, TensorShape.Create([s[0], s[1], .. order.Select(axis => sizes[axis]), .. tail]));
        int[] back = [.. Enumerable.Range(0, 3).Select(axis => 2 + Array.IndexOf(order, axis))];
        return a.Permute(flat, [0, 1, .. back, .. Enumerable.Range(5, tail.Length)]);
    }

    private static Quantity Raw(Algebra a, StepInputs x)
    {
        TensorShape s = x["logits"].Shape;
        return a.Reshape(x["logits"], [s[0], s[1], x.Options.Heads, x.Options.Levels, x.Options.Points]);
    }

    // Over some axes of [N, Lq, M, L, P] together.
    private static Quantity Softmax(Algebra a, Quantity x, params int[] axes)
    {
        int rank = x.Shape.Rank;
        int[] order = [.. Enumerable.Range(0, rank).Where(axis => !axes.Contains(axis)), .. axes];
        Quantity moved = a.Permute(x, order);
        int kept = rank - axes.Length;
        int[] sizes = moved.Shape.Sizes.ToArray();
        int together = sizes[kept..].Aggregate(1, (product, size) => product * size);
        Quantity soft = a.Softmax(a.Reshape(moved, TensorShape.Create([.. sizes[..kept], together])));
        int[] back = [.. Enumerable.Range(0, rank).Select(axis => Array.IndexOf(order, axis))];
        return a.Permute(a.Reshape(soft, moved.Shape), back);
    }

    private static Quantity Projected(Algebra a, StepInputs x, Quantity tokens) => a.Linear(tokens, x.Weight("weight"), x.Weight("bias"));

    private static Quantity Split(Algebra a, StepInputs x, Quantity value)
    {
        TensorShape s = value.Shape;
        return a.Reshape(value, [s[0], s[1], x.Options.Heads, s[2] / x.Options.Heads]);
    }

    // [.., M · D] with the channels in the order (D, M).
    private static Quantity Interleaved(Algebra a, StepInputs x, Quantity merged)
    {
        TensorShape s = merged.Shape;
        int heads = x.Options.Heads;
        return a.Reshape(a.Permute(a.Reshape(merged, [s[0], s[1], heads, s[2] / heads]), 0, 1, 3, 2), s);
    }

    // Mirrored at the outer edges, -0.5 and size - 0.5.
    private static double Reflected(double pixel, double size, double edge = 0.5)
    {
        double period = 2 * size;
        double place = Math.Abs(pixel + edge) % period;
        return Math.Min(place, period - place) - edge;
    }

    // Locations that the right operator reads where the wrong one would have.
    private static Quantity Pixels(Algebra a, Quantity locations, Quantity spatialShapes, Func<double, double, double> pixel) =>
        PerSide(a, locations, spatialShapes, (location, size) => (pixel((location * size) - 0.5, size) + 0.5) / size);

    // A function of every coordinate [N, Lq, M, L, P, 2] and its level's side.
    private static Quantity PerSide(Algebra a, Quantity locations, Quantity spatialShapes, Func<double, double, double> function)
    {
        List<Quantity> levels = [];
        for (int level = 0; level < locations.Shape[3]; level++)
        {
            Quantity own = a.Pick(locations, 3, level);
            double width = spatialShapes.Whole[level, 1];
            double height = spatialShapes.Whole[level, 0];
            levels.Add(a.Concat(
                [
                    a.Apply(a.Pick(own, 5, 0), location => function(location, width)),
                    a.Apply(a.Pick(own, 5, 1), location => function(location, height)),
                ],
                5));
        }

        return a.Concat(levels, 3);
    }

    // Bilinear sampling whose first corner is found by another rule: each of the four corners is read alone, with its own weight.
    private static Quantity ByCorners(Algebra a, StepInputs x, Func<double, double, double> first)
    {
        Quantity locations = x["sampling_locations"];
        Quantity shapes = x["spatial_shapes"];
        Quantity sum = null!;
        for (int corner = 0; corner < 4; corner++)
        {
            (int right, int below) = (corner % 2, corner / 2);
            Quantity place = a.Concat([Side(right, 0), Side(below, 1)], 5);
            Quantity weights = a.Multiply(x["attention_weights"], a.Multiply(Share(right, 0), Share(below, 1)));
            Quantity part = a.Sample(x["value"], shapes, x["level_start_index"], place, weights);
            sum = corner == 0 ? part : a.Add(sum, part);
        }

        return sum;

        Quantity Side(int step, int axis) => a.Pick(
            Pixels(a, locations, shapes, (pixel, size) => first(pixel, size) + step), 5, axis);

        Quantity Share(int step, int axis) => a.Reshape(
            a.Pick(
                PerSide(a, locations, shapes, (location, size) =>
                {
                    double pixel = (location * size) - 0.5;
                    double rest = pixel - first(pixel, size);
                    return step == 1 ? rest : 1 - rest;
                }),
                5, axis),
            x["attention_weights"].Shape);
    }

    // The value with every level's cells read from other tokens; what lies behind the last token is read from it.
    private static Quantity OtherPlaces(Algebra a, StepInputs x, Func<int, int, int, int, int, int> token)
    {
        Tensor<long> shapes = x["spatial_shapes"].Whole;
        Tensor<long> starts = x["level_start_index"].Whole;
        int tokens = x["value"].Shape[1];
        int[] from = new int[tokens];
        for (int level = 0; level < shapes.Shape[0]; level++)
        {
            (int height, int width, int start) = ((int)shapes[level, 0], (int)shapes[level, 1], (int)starts[level]);
            for (int row = 0; row < height; row++)
            {
                for (int column = 0; column < width; column++)
                {
                    from[start + (row * width) + column] = Math.Min(tokens - 1, token(start, row, column, height, width));
                }
            }
        }

        return a.Sample(
            a.Pick(x["value"], 1, from), x["spatial_shapes"], x["level_start_index"], x["sampling_locations"], x["attention_weights"]);
    }
}
