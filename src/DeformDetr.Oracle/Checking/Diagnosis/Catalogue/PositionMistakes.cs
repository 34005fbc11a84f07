using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Group C: position encodings, flattening, valid ratios and reference points.
internal static class PositionMistakes
{
    private static readonly StepKind[] Flattened = [StepKinds.Flatten, StepKinds.FlattenPositions];

    private delegate (Noisy X, Noisy Y) Place(Noisy column, Noisy row, Noisy width, Noisy height);

    public static IReadOnlyList<Mistake> All { get; } =
    [
        new()
        {
            Name = "sine positions without the half",
            Explanation = "The sine encoding does not subtract 0.5 from the positions, as DETR's does not.",
            Fix = "Encode (position - 0.5) / (last + 1e-6) * 2 pi.",
            References = ["C1", "IDEA-Research/DN-DETR#51", "PaddlePaddle/PaddleDetection#3718"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => Sines(a, x, (count, last) => count / (last + 1e-6) * (2 * Math.PI)),
        },
        new()
        {
            Name = "half subtracted after the scaling",
            Explanation = "The sine encoding subtracts 0.5 from the scaled positions instead of from the counts.",
            Fix = "Subtract the half from the count before the division.",
            References = ["C1", "PaddlePaddle/PaddleDetection#3718"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => Sines(a, x, (count, last) => (count / (last + 1e-6) * (2 * Math.PI)) - 0.5),
        },
        new()
        {
            Name = "sine positions from zero",
            Explanation = "The sine encoding counts cells from 0 and adds no half.",
            Fix = "Encode the centres of cells, index + 0.5.",
            References = ["C1"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => Sines(a, x, (count, last) => (count - 1) / (last + 1e-6) * (2 * Math.PI)),
        },
        new()
        {
            Name = "sine positions with epsilon 1e-4",
            Explanation = "The sine encoding adds 1e-4 to the divisor instead of 1e-6.",
            Fix = "Set epsilon to 1e-6.",
            References = ["C2"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => Sines(a, x, (count, last) => (count - 0.5) / (last + 1e-4) * (2 * Math.PI)),
        },
        new()
        {
            Name = "sine temperature 20",
            Explanation = "The sine encoding has the temperature 20 instead of 10000.",
            Fix = "Set the temperature to 10000.",
            References = ["C3"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => Sines(a, x, Usual, temperature: 20),
        },
        new()
        {
            Name = "sine positions without 2 pi",
            Explanation = "The sine encoding maps positions to [0, 1] and not to [0, 2 pi].",
            Fix = "Multiply the normalised positions by 2 pi.",
            References = ["C1"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => Sines(a, x, (count, last) => (count - 0.5) / (last + 1e-6)),
        },
        new()
        {
            Name = "sine positions not normalised",
            Explanation = "The sine encoding encodes the counts of cells without dividing by the last one.",
            Fix = "Pass normalize=True.",
            References = ["C1"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => Sines(a, x, (count, _) => count),
        },
        new()
        {
            Name = "x before y in the positions",
            Explanation = "The x half of the position encoding stands before the y half.",
            Fix = "Concatenate y first and x second.",
            References = ["C4", "HXMap/MapQR#17"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => a.Pick(Right(a, x), 1, Halves(x.Options.Channels)),
        },
        new()
        {
            Name = "row half before column half",
            Explanation = "The row half of the learned position encoding stands before the column half.",
            Fix = "Concatenate the column embedding first and the row embedding second.",
            References = ["C4", "HXMap/MapQR#17"],
            Kinds = [StepKinds.LearnedPosition],
            Evaluate = (a, x) => a.Pick(Right(a, x), 1, Halves(x.Options.Channels)),
        },
        new()
        {
            Name = "row and column tables exchanged",
            Explanation = "Columns are looked up in row_embed and rows in col_embed.",
            Fix = "Look up columns in col_embed and rows in row_embed.",
            References = ["C4"],
            Kinds = [StepKinds.LearnedPosition],
            Evaluate = (a, x) => StepKinds.LearnedPosition.Evaluate(
                a,
                x.WithWeight("row_embed.weight", x.Weight("col_embed.weight"))
                    .WithWeight("col_embed.weight", x.Weight("row_embed.weight"))),
        },
        new()
        {
            Name = "learned positions from one",
            Explanation = "The learned position encoding looks up index + 1.",
            Fix = "Look up the index of the row and the column, from 0.",
            References = ["C13"],
            Kinds = [StepKinds.LearnedPosition],
            Evaluate = (a, x) => StepKinds.LearnedPosition.Evaluate(
                a,
                x.WithWeight("row_embed.weight", Following(a, x.Weight("row_embed.weight")))
                    .WithWeight("col_embed.weight", Following(a, x.Weight("col_embed.weight")))),
        },
        new()
        {
            Name = "sines before cosines",
            Explanation = "The sines of each half stand in one block and the cosines in another, not interleaved.",
            Fix = "Interleave, sine on even channels and cosine on odd ones.",
            References = ["C5"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => a.Pick(Right(a, x), 1, ByHand.Blocks(2, x.Options.Channels / 2)),
        },
        new()
        {
            Name = "cosines on even channels",
            Explanation = "Even channels hold cosines and odd ones sines.",
            Fix = "Put sines on even channels and cosines on odd ones.",
            References = ["C5"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => a.Pick(Right(a, x), 1, ByHand.Neighbours(x.Options.Channels)),
        },
        new()
        {
            Name = "frequencies by float division",
            Explanation = "The frequency of channel i uses i / 2 as a fraction instead of a whole number.",
            Fix = "Divide i by 2 and round down, so that sine and cosine share a frequency.",
            References = ["C6", "open-mmlab/mmdeploy#2807"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => Sines(a, x, Usual, exponent: (feature, half) => (double)feature / half),
        },
        new()
        {
            Name = "frequencies by 2i",
            Explanation = "The frequency of channel i uses 2 i instead of 2 floor(i / 2).",
            Fix = "Divide i by 2 and round down before doubling it.",
            References = ["C6"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => Sines(a, x, Usual, exponent: (feature, half) => 2.0 * feature / half),
        },
        new()
        {
            Name = "frequencies over all channels",
            Explanation = "The exponents of the frequencies are divided by C instead of by C / 2.",
            Fix = "Divide by the number of features of one half.",
            References = ["C9"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => Sines(a, x, Usual, exponent: (feature, half) => (double)(feature / 2) / half),
        },
        new()
        {
            Name = "frequencies for 256 channels",
            Explanation = "The exponents of the frequencies are divided by 128 whatever the width is.",
            Fix = "Divide by hidden_dim / 2.",
            References = ["C9", "IDEA-Research/DAB-DETR#65", "huggingface/transformers#17281"],
            Kinds = [StepKinds.SinePosition],
            Applies = x => x.Options.Channels is not (256 or 128),
            Evaluate = (a, x) => Sines(a, x, Usual, exponent: (feature, _) => 2.0 * (feature / 2) / 128),
        },
        new()
        {
            Name = "positions by range",
            Explanation = "The positions are plain indices over the padded size, the mask is not looked at.",
            Fix = "Sum the cells that are not padding.",
            References = ["C7"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => StepKinds.SinePosition.Evaluate(a, x.With("mask", ByHand.NoMask(a, x["mask"].Shape))),
        },
        new()
        {
            Name = "positions of the padding",
            Explanation = "The positions count the padding instead of the picture.",
            Fix = "Sum the negated mask, true is padding.",
            References = ["A7", "C7", "PaddlePaddle/PaddleDetection#7148"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => StepKinds.SinePosition.Evaluate(a, x.With("mask", ByHand.Opposite(a, x["mask"]))),
        },
        new()
        {
            Name = "positions summed as truth values",
            Explanation = "The mask is summed as truth values, so that all counts are 1.",
            Fix = "Convert the negated mask to numbers before the sum.",
            References = ["C8", "PaddlePaddle/PaddleDetection#7148"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => Sines(a, x, (count, last) => Usual(Noisy.Min(count, 1), Noisy.Min(last, 1))),
        },
        new()
        {
            Name = "positions cut to whole numbers",
            Explanation = "The encoding is cast to whole numbers, only -1, 0 and 1 are left.",
            Fix = "Keep the encoding in floating point.",
            References = ["C8", "huggingface/transformers#47674"],
            Kinds = [StepKinds.SinePosition],
            Evaluate = (a, x) => a.Apply(Right(a, x), Math.Truncate),
        },
        new()
        {
            Name = "maps flattened column by column",
            Explanation = "The tokens of a level follow its columns instead of its rows.",
            Fix = "Flatten [H, W] row by row.",
            References = ["C11", "apple/coremltools#2665"],
            Kinds = Flattened,
            Evaluate = (a, x) => OnMaps(a, x, map => ByHand.Transposed(a, map)),
        },
        new()
        {
            Name = "maps reshaped instead of transposed",
            Explanation = "The maps [N, C, H W] are reshaped to [N, H W, C] and not transposed.",
            Fix = "Flatten the cells and then swap the two axes.",
            References = ["H11"],
            Kinds = Flattened,
            Evaluate = (a, x) => OnMaps(a, x, map =>
            {
                // What becomes tokens again gives the numbers in the order in which they lie.
                TensorShape s = map.Shape;
                return a.Reshape(a.Permute(a.Reshape(map, [s[0], s[2] * s[3], s[1]]), 0, 2, 1), s);
            }),
        },
        new()
        {
            Name = "levels in reverse order",
            Explanation = "The levels are concatenated from the smallest to the largest.",
            Fix = "Concatenate from the largest level to the smallest.",
            References = ["B6"],
            Kinds = [StepKinds.Flatten, StepKinds.FlattenPositions, StepKinds.FlattenMasks],
            Applies = x => Parts(x).Count > 1,
            Evaluate = (a, x) => a.Pick(Right(a, x), 1, Backwards(x)),
        },
        new()
        {
            Name = "masks flattened column by column",
            Explanation = "The tokens of a level's mask follow its columns instead of its rows.",
            Fix = "Flatten [H, W] row by row.",
            References = ["C11"],
            Kinds = [StepKinds.FlattenMasks],
            Evaluate = (a, x) => OnMaps(a, x, mask => a.Permute(mask, 0, 2, 1)),
        },
        new()
        {
            Name = "level embedding added to the source",
            Explanation = "The level embedding is added to the source instead of to the positions.",
            Fix = "Add level_embed to pos, and leave src alone.",
            References = ["C10"],
            Kinds = [StepKinds.Flatten],
            Evaluate = (a, x) => a.Add(Right(a, x), Embedded(a, x, level => level)),
        },
        new()
        {
            Name = "positions added to the source",
            Explanation = "The positions are added to the source before it is flattened.",
            Fix = "Add positions to the query only.",
            References = ["C10"],
            Kinds = [StepKinds.Flatten],
            Evaluate = (a, x) => a.Add(Right(a, x), TokensOf(a, x.List("pos"))),
        },
        new()
        {
            Name = "positions and level embedding added to the source",
            Explanation = "The positions and the level embedding are added to the source when it is flattened.",
            Fix = "Add positions to the query only.",
            References = ["C10"],
            Kinds = [StepKinds.Flatten],
            Evaluate = (a, x) => a.Add(Right(a, x), a.Add(TokensOf(a, x.List("pos")), Embedded(a, x, level => level))),
        },
        new()
        {
            Name = "level embedding missing",
            Explanation = "The level embedding is not added to the positions.",
            Fix = "Add row l of level_embed to every cell of level l.",
            References = ["C10"],
            Kinds = [StepKinds.FlattenPositions],
            Evaluate = (a, x) => TokensOf(a, x.List("pos")),
        },
        new()
        {
            Name = "level embedding added twice",
            Explanation = "The level embedding is added twice.",
            Fix = "Add level_embed once.",
            References = ["C10"],
            Kinds = [StepKinds.FlattenPositions],
            Evaluate = (a, x) => a.Add(Right(a, x), Embedded(a, x, level => level)),
        },
        new()
        {
            Name = "first level's embedding everywhere",
            Explanation = "All levels get the first row of level_embed.",
            Fix = "Add row l of level_embed to level l.",
            References = ["C10"],
            Kinds = [StepKinds.FlattenPositions],
            Applies = x => x.List("pos").Count > 1,
            Evaluate = (a, x) => a.Add(TokensOf(a, x.List("pos")), Embedded(a, x, _ => 0)),
        },
        new()
        {
            Name = "level embeddings in reverse order",
            Explanation = "The rows of level_embed are counted from the smallest level.",
            Fix = "Add row l of level_embed to level l, the largest level being level 0.",
            References = ["C10", "B6"],
            Kinds = [StepKinds.FlattenPositions],
            Applies = x => x.List("pos").Count > 1,
            Evaluate = (a, x) => a.Add(TokensOf(a, x.List("pos")), Embedded(a, x, level => x.List("pos").Count - 1 - level)),
        },
        new()
        {
            Name = "positions without the encoding",
            Explanation = "Only the level embedding is there, without the position encoding.",
            Fix = "Add level_embed to the position encoding.",
            References = ["C10"],
            Kinds = [StepKinds.FlattenPositions],
            Evaluate = (a, x) => Embedded(a, x, level => level),
        },
        new()
        {
            Name = "source added to the positions",
            Explanation = "The source is added to the positions when they are flattened.",
            Fix = "Keep source and positions apart, layers add them to make the query.",
            References = ["C10"],
            Kinds = [StepKinds.FlattenPositions],
            Applies = x => x.Has("src_flatten"),
            Evaluate = (a, x) => a.Add(Right(a, x), x["src_flatten"]),
        },
        new()
        {
            Name = "spatial shapes as (W, H)",
            Explanation = "The spatial shapes are stored as (W, H).",
            Fix = "Store (H, W).",
            References = ["D1", "C12"],
            Kinds = [StepKinds.SpatialShapes],
            Evaluate = (a, x) => a.Pick(Right(a, x), 1, 1, 0),
        },
        new()
        {
            Name = "64-bit whole numbers read as 32-bit",
            Explanation = "The 64-bit whole numbers are read as 32-bit ones, so that every other number is 0.",
            Fix = "Convert the whole numbers to the type that the kernel reads.",
            References = ["H2", "NVIDIA/TensorRT#2155", "VBTI-development/onedl-mmdeploy#3"],
            Kinds = [StepKinds.SpatialShapes, StepKinds.LevelStarts],
            Applies = x => x.Step.Kind != StepKinds.LevelStarts || x["spatial_shapes"].Shape[0] > 1,
            Evaluate = (a, x) =>
            {
                Tensor<long> right = Right(a, x).Whole;
                Tensor<long> read = new(right.Shape);
                for (int i = 0; i < read.Length; i += 2)
                {
                    read.AsSpan()[i] = right.AsReadOnlySpan()[i / 2];
                }

                return a.Given(read);
            },
        },
        new()
        {
            Name = "level starts at the ends",
            Explanation = "The level start index holds where each level ends.",
            Fix = "Start at 0 and leave the last sum out.",
            References = ["H1"],
            Kinds = [StepKinds.LevelStarts],
            Evaluate = (a, x) =>
            {
                Tensor<long> ends = Right(a, x).Whole.Clone();
                for (int level = 0; level < ends.Length; level++)
                {
                    ends[level] += x["spatial_shapes"].Whole[level, 0] * x["spatial_shapes"].Whole[level, 1];
                }

                return a.Given(ends);
            },
        },
        new()
        {
            Name = "level starts not summed",
            Explanation = "The level start index holds the size of the level before instead of the sum of all sizes before.",
            Fix = "Sum the numbers of cells of all levels before.",
            References = ["H1"],
            Kinds = [StepKinds.LevelStarts],
            Applies = x => x["spatial_shapes"].Shape[0] > 2,
            Evaluate = (a, x) =>
            {
                Tensor<long> shapes = x["spatial_shapes"].Whole;
                Tensor<long> starts = new([shapes.Shape[0]]);
                for (int level = 1; level < starts.Length; level++)
                {
                    starts[level] = shapes[level - 1, 0] * shapes[level - 1, 1];
                }

                return a.Given(starts);
            },
        },
        new()
        {
            Name = "valid ratios of 1",
            Explanation = "The valid ratios are 1, the padding is ignored.",
            Fix = "Compute the valid share of every level from its mask.",
            References = ["A8", "C14"],
            Kinds = [StepKinds.ValidRatios],
            Evaluate = (a, x) => ByHand.Ones(a, Right(a, x).Shape),
        },
        new()
        {
            Name = "valid ratios as (h, w)",
            Explanation = "The valid ratios are stored as (h, w).",
            Fix = "Store (w, h).",
            References = ["C16", "fundamentalvision/Deformable-DETR#158"],
            Kinds = [StepKinds.ValidRatios],
            Evaluate = (a, x) => a.Pick(Right(a, x), 2, 1, 0),
        },
        new()
        {
            Name = "valid ratios of the padding",
            Explanation = "The valid ratios are the shares of the padding.",
            Fix = "Count the cells whose mask is false.",
            References = ["A7", "huggingface/transformers#20958"],
            Kinds = [StepKinds.ValidRatios],
            Evaluate = (a, x) => a.Apply(Right(a, x), ratio => 1 - ratio),
        },
        new()
        {
            Name = "valid ratios from the last row and column",
            Explanation = "The valid ratios are counted in the last row and column, which may be padding.",
            Fix = "Count in the first row and the first column.",
            References = ["C16"],
            Kinds = [StepKinds.ValidRatios],
            Evaluate = (a, x) => Ratios(a, x, (mask, n) => (
                Count(mask.Shape[2], j => !mask[n, mask.Shape[1] - 1, j]) / mask.Shape[2],
                Count(mask.Shape[1], i => !mask[n, i, mask.Shape[2] - 1]) / mask.Shape[1])),
        },
        new()
        {
            Name = "valid ratios over the area",
            Explanation = "Both valid ratios are the share of all cells of the level that are picture.",
            Fix = "Count columns for the width and rows for the height.",
            References = ["C16"],
            Kinds = [StepKinds.ValidRatios],
            Evaluate = (a, x) => Ratios(a, x, (mask, n) =>
            {
                Noisy share = Count(mask.Shape[1] * mask.Shape[2], k => !mask[n, k / mask.Shape[2], k % mask.Shape[2]])
                    / (mask.Shape[1] * mask.Shape[2]);
                return (share, share);
            }),
        },
        new()
        {
            Name = "valid ratios of the first level everywhere",
            Explanation = "All levels get the first level's valid ratios.",
            Fix = "Compute the ratios level by level, each level rounds its own mask.",
            References = ["C15", "fundamentalvision/Deformable-DETR#36"],
            Kinds = [StepKinds.ValidRatios],
            Applies = x => x.List("masks").Count > 1,
            Evaluate = (a, x) => a.Pick(Right(a, x), 1, new int[x.List("masks").Count]),
        },
        new()
        {
            Name = "valid ratios over the other side",
            Explanation = "The valid width is divided by H and the valid height by W.",
            Fix = "Divide the valid width by W and the valid height by H.",
            References = ["C12", "lyuwenyu/RT-DETR#14"],
            Kinds = [StepKinds.ValidRatios],
            Evaluate = (a, x) => Ratios(a, x, (mask, n) => (
                Count(mask.Shape[2], j => !mask[n, 0, j]) / mask.Shape[1],
                Count(mask.Shape[1], i => !mask[n, i, 0]) / mask.Shape[2])),
        },
        new()
        {
            Name = "reference points without the half",
            Explanation = "The encoder's reference points are the cells' corners, the half cell is not added.",
            Fix = "Use column + 0.5 and row + 0.5.",
            References = ["C13", "onnx/onnx#4454", "pytorch/pytorch#40153"],
            Kinds = [StepKinds.EncoderReferencePoints],
            Evaluate = (a, x) => Points(a, x, (column, row, width, height) => (column / width, row / height)),
        },
        new()
        {
            Name = "reference points from 0 to 1",
            Explanation = "The encoder's reference points run from 0 to 1, column / (W - 1).",
            Fix = "Use (column + 0.5) / W and (row + 0.5) / H.",
            References = ["C13", "pytorch/pytorch#40153"],
            Kinds = [StepKinds.EncoderReferencePoints],
            Evaluate = (a, x) => Points(a, x, (column, row, width, height) =>
                (column / Noisy.Max(width - 1, 1), row / Noisy.Max(height - 1, 1))),
        },
        new()
        {
            Name = "reference points counted from one",
            Explanation = "The encoder's reference points are (column + 1) / W and (row + 1) / H.",
            Fix = "Use (column + 0.5) / W and (row + 0.5) / H.",
            References = ["C13"],
            Kinds = [StepKinds.EncoderReferencePoints],
            Evaluate = (a, x) => Points(a, x, (column, row, width, height) => ((column + 1) / width, (row + 1) / height)),
        },
        new()
        {
            Name = "reference points in [-1, 1]",
            Explanation = "The encoder's reference points are in [-1, 1], as grid_sample wants locations.",
            Fix = "Keep reference points in [0, 1] and convert sampling locations only.",
            References = ["C13"],
            Kinds = [StepKinds.EncoderReferencePoints],
            Evaluate = (a, x) => a.Apply(Right(a, x), point => (2 * point) - 1),
        },
        new()
        {
            Name = "valid ratios cancelled in the reference points",
            Explanation = "The encoder's points are neither divided nor multiplied by the valid ratios, as if these cancelled.",
            Fix = "Divide by the token's own level's ratio and multiply by each target level's.",
            References =
            [
                "C15", "fundamentalvision/Deformable-DETR#36", "fundamentalvision/Deformable-DETR#121",
                "fundamentalvision/Deformable-DETR#197", "open-mmlab/mmdetection#8656", "timmeinhardt/trackformer#63",
            ],
            Kinds = [StepKinds.EncoderReferencePoints],
            Evaluate = (a, x) => Unscaled(a, x),
        },
        new()
        {
            Name = "reference points not divided by the valid ratios",
            Explanation = "The encoder's points are multiplied by the target level's ratio but not divided by their own level's.",
            Fix = "Divide by the valid size of the token's own level.",
            References = ["C14", "C15"],
            Kinds = [StepKinds.EncoderReferencePoints],
            Evaluate = (a, x) => a.Multiply(Unscaled(a, x), PerToken(a, x)),
        },
        new()
        {
            Name = "reference points not multiplied by the valid ratios",
            Explanation = "The encoder's reference points are not multiplied by the target level's valid ratio.",
            Fix = "Multiply by the valid ratio of each target level.",
            References = ["C14"],
            Kinds = [StepKinds.EncoderReferencePoints],
            Evaluate = (a, x) => a.Divide(Right(a, x), PerToken(a, x)),
        },
        new()
        {
            Name = "reference points multiplied twice by the valid ratios",
            Explanation = "The encoder's reference points are multiplied by the target level's valid ratio twice.",
            Fix = "Multiply once, either in the caller or in the attention.",
            References = ["C16"],
            Kinds = [StepKinds.EncoderReferencePoints],
            Evaluate = (a, x) => a.Multiply(Right(a, x), PerToken(a, x)),
        },
        new()
        {
            Name = "reference points with the ratios' order exchanged",
            Explanation = "The encoder's x uses the ratio of the height and y the ratio of the width.",
            Fix = "Read valid ratios as (w, h).",
            References = ["C16"],
            Kinds = [StepKinds.EncoderReferencePoints],
            Evaluate = (a, x) => a.EncoderReferencePoints(x["spatial_shapes"], a.Pick(x["valid_ratios"], 2, 1, 0)),
        },
        new()
        {
            Name = "reference points with the first picture's ratios",
            Explanation = "All pictures of the batch use the first picture's valid ratios.",
            Fix = "Use each picture's own valid ratios.",
            References = ["A13", "H1"],
            Kinds = [StepKinds.EncoderReferencePoints],
            Applies = x => x["valid_ratios"].Shape[0] > 1,
            Evaluate = (a, x) => a.EncoderReferencePoints(x["spatial_shapes"], FirstPicture(a, x["valid_ratios"])),
        },
        new()
        {
            Name = "reference points as (y, x)",
            Explanation = "The encoder's reference points are stored as (y, x).",
            Fix = "Store (x, y).",
            References = ["C11"],
            Kinds = [StepKinds.EncoderReferencePoints],
            Evaluate = (a, x) => a.Pick(Right(a, x), 3, 1, 0),
        },
        new()
        {
            Name = "reference points of a transposed grid",
            Explanation = "The grid of the encoder's reference points is flattened column by column, meshgrid's indexing xy.",
            Fix = "Use the indexing ij, rows outermost.",
            References = ["C11", "apple/coremltools#2665"],
            Kinds = [StepKinds.EncoderReferencePoints],
            Evaluate = (a, x) => Points(a, x, Centre, transposes: true),
        },
        new()
        {
            Name = "reference points over the other side",
            Explanation = "The encoder's x is divided by H and y by W.",
            Fix = "Divide x by W and y by H.",
            References =
            [
                "C12", "lyuwenyu/RT-DETR#14", "lyuwenyu/RT-DETR#13", "lyuwenyu/RT-DETR#48", "PaddlePaddle/PaddleDetection#8680",
                "lyuwenyu/RT-DETR#466", "lyuwenyu/RT-DETR#566",
            ],
            Kinds = [StepKinds.EncoderReferencePoints],
            Evaluate = (a, x) => Points(a, x, (column, row, width, height) => ((column + 0.5) / height, (row + 0.5) / width)),
        },
        new()
        {
            Name = "decoder's references without valid ratios",
            Explanation = "The decoder's reference points are not multiplied by the valid ratios.",
            Fix = "Multiply by the valid ratio of each level before the attention.",
            References = ["C14"],
            Kinds = [StepKinds.ReferencePointsInput],
            Evaluate = (a, x) => References(a, x, ratios => ByHand.Ones(a, ratios.Shape)),
        },
        new()
        {
            Name = "decoder's references with the ratios' order exchanged",
            Explanation = "The decoder's x is multiplied by the ratio of the height and y by the ratio of the width.",
            Fix = "Read valid ratios as (w, h).",
            References = ["C16"],
            Kinds = [StepKinds.ReferencePointsInput],
            Evaluate = (a, x) => References(a, x, ratios => a.Pick(ratios, 2, 1, 0)),
        },
        new()
        {
            Name = "decoder's references multiplied twice",
            Explanation = "The decoder's reference points are multiplied by the valid ratios twice.",
            Fix = "Multiply once, either in the caller or in the attention.",
            References = ["C16"],
            Kinds = [StepKinds.ReferencePointsInput],
            Evaluate = (a, x) => References(a, x, ratios => a.Multiply(ratios, ratios)),
        },
        new()
        {
            Name = "decoder's references divided by the ratios",
            Explanation = "The decoder's reference points are divided by the valid ratios.",
            Fix = "Multiply by the valid ratio of each level.",
            References = ["C16"],
            Kinds = [StepKinds.ReferencePointsInput],
            Evaluate = (a, x) => References(a, x, ratios => a.Divide(ByHand.Ones(a, ratios.Shape), ratios)),
        },
        new()
        {
            Name = "decoder's references with one level's ratios",
            Explanation = "All levels use the first level's valid ratios.",
            Fix = "Multiply by the valid ratio of each level.",
            References = ["C15"],
            Kinds = [StepKinds.ReferencePointsInput],
            Applies = x => x["valid_ratios"].Shape[1] > 1,
            Evaluate = (a, x) => References(a, x, ratios => a.Pick(ratios, 1, new int[ratios.Shape[1]])),
        },
        new()
        {
            Name = "decoder's references with the first picture's ratios",
            Explanation = "All pictures of the batch use the first picture's valid ratios.",
            Fix = "Use each picture's own valid ratios.",
            References = ["A13", "H1"],
            Kinds = [StepKinds.ReferencePointsInput],
            Applies = x => x["valid_ratios"].Shape[0] > 1,
            Evaluate = (a, x) => References(a, x, ratios => FirstPicture(a, ratios)),
        },
        new()
        {
            Name = "box sides not multiplied by the ratios",
            Explanation = "Only the centre of the decoder's reference boxes is multiplied by the valid ratios.",
            Fix = "Multiply all four coordinates, by (w, h, w, h).",
            References = ["C17"],
            Kinds = [StepKinds.ReferencePointsInput],
            Applies = x => x["reference_points"].Shape[2] == 4,
            Evaluate = (a, x) =>
            {
                Quantity right = Right(a, x);
                TensorShape s = right.Shape;
                Quantity plain = a.Expand(a.Reshape(x["reference_points"], [s[0], s[1], 1, s[3]]), s);
                return a.Concat([a.Pick(right, 3, 0, 1), a.Pick(plain, 3, 2, 3)], 3);
            },
        },
    ];

    private static Quantity Right(Algebra a, StepInputs x) => x.Step.Kind.Evaluate(a, x);

    private static Noisy Usual(Noisy count, Noisy last) => (count - 0.5) / (last + 1e-6) * (2 * Math.PI);

    private static int[] Halves(int channels) =>
        [.. ByHand.Range(channels / 2, channels - (channels / 2)), .. ByHand.Range(0, channels / 2)];

    private static Quantity Following(Algebra a, Quantity table) =>
        a.Pick(table, 0, [.. Enumerable.Range(0, table.Shape[0]).Select(row => Math.Min(row + 1, table.Shape[0] - 1))]);

    private static (Noisy X, Noisy Y) Centre(Noisy column, Noisy row, Noisy width, Noisy height) =>
        ((column + 0.5) / width, (row + 0.5) / height);

    // The sine encoding from cumulative counts, with its formulas given.
    private static Quantity Sines(
        Algebra a, StepInputs x, Func<Noisy, Noisy, Noisy> position, double temperature = 10000, Func<int, int, double>? exponent = null)
    {
        Tensor<bool> mask = x["mask"].Mask;
        (int batch, int height, int width) = (mask.Shape[0], mask.Shape[1], mask.Shape[2]);
        int half = x.Options.Channels / 2;
        int map = height * width;
        Noisy[] dimT = [.. Enumerable.Range(0, half).Select(feature =>
            Noisy.Power(temperature, exponent?.Invoke(feature, half) ?? (2.0 * (feature / 2) / half)))];
        Noisy[] rows = [.. Enumerable.Range(0, batch).SelectMany(n => Counts(a, height, width, (i, j) => !mask[n, i, j], position))];
        Noisy[] columns = [.. Enumerable.Range(0, batch).SelectMany(n => Counts(a, width, height, (j, i) => !mask[n, i, j], position))];
        return ByHand.Made(a, [batch, 2 * half, height, width], i =>
        {
            (int plane, int cell) = (i / map, i % map);
            (int n, int channel) = (plane / (2 * half), plane % (2 * half));
            int feature = channel % half;
            Noisy place = channel < half ? rows[(n * map) + cell] : columns[(n * map) + (cell % width * height) + (cell / width)];
            Noisy argument = place / dimT[feature];
            return feature % 2 == 0 ? Noisy.Sin(argument) : Noisy.Cos(argument);
        });
    }

    // Positions along the first of two axes.
    private static Noisy[] Counts(
        Algebra a, int length, int lines, Func<int, int, bool> valid, Func<Noisy, Noisy, Noisy> position)
    {
        Noisy[] places = new Noisy[length * lines];
        for (int line = 0; line < lines; line++)
        {
            int last = Enumerable.Range(0, length).Count(index => valid(index, line));
            int count = 0;
            for (int index = 0; index < length; index++)
            {
                count += valid(index, line) ? 1 : 0;
                places[(index * lines) + line] = position(ByHand.Counted(a, count), ByHand.Counted(a, last));
            }
        }

        return places;
    }

    private static IEnumerable<(string Role, Quantity Value)> Each(StepInputs x, string role) =>
        x.Step.Inputs.Where(input => input.Key.StartsWith($"{role}.", StringComparison.Ordinal))
            .Select(input => (input.Key, x[input.Key]));

    private static string PartRole(StepInputs x) =>
        x.Step.Kind == StepKinds.Flatten ? "maps" : x.Step.Kind == StepKinds.FlattenMasks ? "masks" : "pos";

    private static IReadOnlyList<Quantity> Parts(StepInputs x) => x.List(PartRole(x));

    private static Quantity OnMaps(Algebra a, StepInputs x, Func<Quantity, Quantity> change)
    {
        StepInputs other = x;
        foreach ((string role, Quantity map) in Each(x, PartRole(x)))
        {
            other = other.With(role, change(map));
        }

        return x.Step.Kind.Evaluate(a, other);
    }

    // Tokens with the levels in reverse order.
    private static int[] Backwards(StepInputs x)
    {
        List<int> tokens = [];
        int end = Parts(x).Sum(Cells);
        foreach (Quantity part in Parts(x).Reverse())
        {
            tokens.AddRange(ByHand.Range(end - Cells(part), Cells(part)));
            end -= Cells(part);
        }

        return [.. tokens];

        static int Cells(Quantity part) => part.Shape[^1] * part.Shape[^2];
    }

    private static Quantity TokensOf(Algebra a, IReadOnlyList<Quantity> maps) =>
        a.Concat([.. maps.Select(map => StepKinds.Tokens(a, map))], 1);

    // The level embedding alone, a row of it on every token.
    private static Quantity Embedded(Algebra a, StepInputs x, Func<int, int> row)
    {
        Quantity embed = x.Weight("level_embed");
        return a.Concat(
            [
                .. x.List("pos").Select((map, level) => a.Expand(
                    a.Pick(embed, 0, row(level)), [map.Shape[0], map.Shape[2] * map.Shape[3], map.Shape[1]])),
            ],
            1);
    }

    private static Noisy Count(int length, Func<int, bool> counts)
    {
        int count = 0;
        for (int index = 0; index < length; index++)
        {
            count += counts(index) ? 1 : 0;
        }

        return count;
    }

    private static Quantity Ratios(Algebra a, StepInputs x, Func<Tensor<bool>, int, (Noisy W, Noisy H)> ratio)
    {
        IReadOnlyList<Quantity> masks = x.List("masks");
        return ByHand.Made(a, [masks[0].Shape[0], masks.Count, 2], i =>
        {
            (Noisy width, Noisy height) = ratio(masks[i / 2 % masks.Count].Mask, i / 2 / masks.Count);
            return i % 2 == 0 ? width : height;
        });
    }

    // Points whose place on their own padded level is given, divided and multiplied by the ratios as is right.
    private static Quantity Points(Algebra a, StepInputs x, Place place, bool transposes = false)
    {
        LevelLayout layout = StepKinds.Layout(x["spatial_shapes"].Whole);
        Func<int, Noisy> ratios = ByHand.Numbers(a, x["valid_ratios"]);
        int levels = layout.Count;
        int[] levelOf = [.. Enumerable.Range(0, levels).SelectMany(level => Enumerable.Repeat(level, layout.Width(level) * layout.Height(level)))];
        return ByHand.Made(a, [x["valid_ratios"].Shape[0], levelOf.Length, levels, 2], i =>
        {
            (int n, int token) = (i / (2 * levels) / levelOf.Length, i / (2 * levels) % levelOf.Length);
            (int target, int axis) = (i / 2 % levels, i % 2);
            int level = levelOf[token];
            (int width, int height, int cell) = (layout.Width(level), layout.Height(level), token - layout.Start(level));
            (int column, int row) = transposes ? (cell / height, cell % height) : (cell % width, cell / width);
            (Noisy px, Noisy py) = place(column, row, width, height);
            return (axis == 0 ? px : py) / ratios((((n * levels) + level) * 2) + axis) * ratios((((n * levels) + target) * 2) + axis);
        });
    }

    private static Quantity Unscaled(Algebra a, StepInputs x) =>
        a.EncoderReferencePoints(x["spatial_shapes"], ByHand.Ones(a, x["valid_ratios"].Shape));

    private static Quantity PerToken(Algebra a, StepInputs x)
    {
        TensorShape s = x["valid_ratios"].Shape;
        return a.Reshape(x["valid_ratios"], [s[0], 1, s[1], s[2]]);
    }

    private static Quantity FirstPicture(Algebra a, Quantity ratios) => a.Expand(a.Pick(ratios, 0, 0), ratios.Shape);

    private static Quantity References(Algebra a, StepInputs x, Func<Quantity, Quantity> ratios) =>
        StepKinds.ReferencePointsInput.Evaluate(a, x.With("valid_ratios", ratios(x["valid_ratios"])));
}
