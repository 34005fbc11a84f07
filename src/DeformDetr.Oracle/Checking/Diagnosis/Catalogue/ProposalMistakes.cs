using DeformDetr.Reference;
using DeformDetr.Tensors;

namespace DeformDetr.Oracle;

// Group F: the first stage's proposals, their choice, and the queries made of them.
internal static class ProposalMistakes
{
    public static IReadOnlyList<Mistake> All { get; } =
    [
        new()
        {
            Name = "proposals' sides not doubled",
            Explanation = "The proposals' sides are 0.05 on all levels.",
            Fix = "Double the sides with each level, 0.05 times 2^l.",
            References = ["F5"],
            Kinds = [StepKinds.OutputProposals],
            Applies = x => Levels(x) > 1,
            Evaluate = (a, x) => Proposed(a, x, new() { Side = (_, _) => 0.05 }),
        },
        new()
        {
            Name = "proposals' sides from 0.1",
            Explanation = "The proposals' sides start at 0.1 instead of 0.05.",
            Fix = "Start at 0.05.",
            References = ["F5"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { Side = (level, _) => 0.1 * (1 << level) }),
        },
        new()
        {
            Name = "proposals' sides from 0.025",
            Explanation = "The proposals' sides start at 0.025 instead of 0.05, as if they were half sides.",
            Fix = "Start at 0.05, the whole side.",
            References = ["F5"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { Side = (level, _) => 0.025 * (1 << level) }),
        },
        new()
        {
            Name = "proposals' sides in reverse order",
            Explanation = "The proposals' sides shrink with the level, the largest level gets the largest boxes.",
            Fix = "Double the sides with each level, 0.05 times 2^l with the largest map as level 0.",
            References = ["F5"],
            Kinds = [StepKinds.OutputProposals],
            Applies = x => Levels(x) > 1,
            Evaluate = (a, x) => Proposed(a, x, new() { Side = (level, count) => 0.05 * (1 << (count - 1 - level)) }),
        },
        new()
        {
            Name = "proposals' sides by a step",
            Explanation = "The proposals' sides grow as 0.05 times (l + 1) instead of doubling.",
            Fix = "Double the sides with each level, 0.05 times 2^l.",
            References = ["F5"],
            Kinds = [StepKinds.OutputProposals],
            Applies = x => Levels(x) > 2,
            Evaluate = (a, x) => Proposed(a, x, new() { Side = (level, _) => (Noisy)0.05 * (level + 1) }),
        },
        new()
        {
            Name = "proposals' limits 0.02 and 0.98",
            Explanation = "Proposals are kept within 0.02 and 0.98 instead of 0.01 and 0.99.",
            Fix = "Keep proposals whose four coordinates lie within 0.01 and 0.99.",
            References = ["F4"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { Limit = 0.02 }),
        },
        new()
        {
            Name = "proposals at the border kept",
            Explanation = "Proposals near the border are kept, only the padding is dropped.",
            Fix = "Drop proposals with a coordinate not within 0.01 and 0.99.",
            References = ["F4"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { Limit = 0 }),
        },
        new()
        {
            Name = "proposals' limits tested on logits",
            Explanation = "The limits 0.01 and 0.99 are tested after the logit.",
            Fix = "Test the limits on the coordinates before the logit.",
            References = ["F4"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { TestsLogits = true }),
        },
        new()
        {
            Name = "proposals over the padded size",
            Explanation = "The proposals' centres are divided by the padded size instead of by the valid size.",
            Fix = "Divide by the number of valid columns and rows.",
            References = ["F6", "PaddlePaddle/PaddleDetection#7148"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { Size = (width, height, _, _) => (width, height) }),
        },
        new()
        {
            Name = "proposals over the other side",
            Explanation = "The proposals' x is divided by the valid height and y by the valid width.",
            Fix = "Divide x by the valid width and y by the valid height.",
            References =
            [
                "C12", "lyuwenyu/RT-DETR#14", "lyuwenyu/RT-DETR#13", "lyuwenyu/RT-DETR#48", "PaddlePaddle/PaddleDetection#8680",
            ],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { Size = (_, _, validWidth, validHeight) => (validHeight, validWidth) }),
        },
        new()
        {
            Name = "proposals without the half",
            Explanation = "The proposals' centres are the cells' corners, the half cell is not added.",
            Fix = "Use column + 0.5 and row + 0.5.",
            References = ["C13"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { Offset = 0 }),
        },
        new()
        {
            Name = "proposals as (y, x, h, w)",
            Explanation = "The proposals are stored as (y, x, h, w).",
            Fix = "Store (x, y, w, h).",
            References = ["F11", "C11"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => a.Pick(Right(a, x), 2, 1, 0, 3, 2),
        },
        new()
        {
            Name = "proposals of a transposed grid",
            Explanation = "The proposals' grid is flattened column by column, meshgrid's indexing xy.",
            Fix = "Use the indexing ij, rows outermost.",
            References = ["C11", "apple/coremltools#2665"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { Transposes = true }),
        },
        new()
        {
            Name = "unusable proposals of 0",
            Explanation = "Unusable proposals are 0, the logit of a box at the centre, instead of +inf.",
            Fix = "Fill unusable proposals with +inf.",
            References = ["F3"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { Unusable = 0 }),
        },
        new()
        {
            Name = "unusable proposals of float's largest number",
            Explanation = "Unusable proposals hold float32's largest number instead of +inf.",
            Fix = "Fill unusable proposals with +inf.",
            References = ["F3"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { Unusable = float.MaxValue }),
        },
        new()
        {
            Name = "unusable proposals of 65504",
            Explanation = "Unusable proposals hold the largest number of half precision instead of +inf.",
            Fix = "Fill unusable proposals with +inf, which half precision has too.",
            References = ["F3", "H5", "lyuwenyu/RT-DETR#464"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { Unusable = 65504 }),
        },
        new()
        {
            Name = "unusable proposals of -inf",
            Explanation = "Unusable proposals are -inf instead of +inf.",
            Fix = "Fill unusable proposals with +inf.",
            References = ["F3"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { Unusable = double.NegativeInfinity }),
        },
        new()
        {
            Name = "unusable proposals of NaN",
            Explanation = "Unusable proposals are NaN, as multiplying infinity by a mask makes them.",
            Fix = "Fill unusable proposals with +inf by a select and not by a product.",
            References = ["F2", "torch-spyre/torch-spyre#4234"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { Unusable = double.NaN }),
        },
        new()
        {
            Name = "unusable proposals not filled",
            Explanation = "Unusable proposals keep their coordinates, those in the padding have a logit beyond 1 and so NaN.",
            Fix = "Fill unusable proposals with +inf.",
            References = ["F2"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => Proposed(a, x, new() { KeepsUnusable = true }),
        },
        new()
        {
            Name = "proposals not as logits",
            Explanation = "The proposals are coordinates in [0, 1] instead of their logits.",
            Fix = "Take log(p / (1 - p)) of the proposals.",
            References = ["F10"],
            Kinds = [StepKinds.OutputProposals],
            Evaluate = (a, x) => a.Sigmoid(Right(a, x)),
        },
        new()
        {
            Name = "memory not zeroed",
            Explanation = "The memory of unusable tokens is not zeroed before enc_output.",
            Fix = "Set padding and invalid tokens to 0 before the projection.",
            References = ["F7"],
            Kinds = [StepKinds.OutputMemory],
            Evaluate = (a, x) => Normed(a, x, Projected(a, x, x["memory"])),
        },
        new()
        {
            Name = "memory zeroed after the projection",
            Explanation = "Unusable tokens are zeroed after enc_output, before its norm.",
            Fix = "Set padding and invalid tokens to 0 before the projection.",
            References = ["F7"],
            Kinds = [StepKinds.OutputMemory],
            Evaluate = (a, x) => Normed(a, x, a.MaskedFill(Projected(a, x, x["memory"]), Unusable(a, x), 0)),
        },
        new()
        {
            Name = "memory zeroed after the norm",
            Explanation = "Unusable tokens are zeroed after enc_output_norm.",
            Fix = "Set padding and invalid tokens to 0 before the projection.",
            References = ["F7"],
            Kinds = [StepKinds.OutputMemory],
            Evaluate = (a, x) => a.MaskedFill(Normed(a, x, Projected(a, x, x["memory"])), Unusable(a, x), 0),
        },
        new()
        {
            Name = "memory zeroed at the padding only",
            Explanation = "Only padding is zeroed before enc_output, not the tokens whose proposal is invalid.",
            Fix = "Zero the tokens too whose proposal is not within 0.01 and 0.99.",
            References = ["F7", "F4"],
            Kinds = [StepKinds.OutputMemory],
            Evaluate = (a, x) => Normed(a, x, Projected(a, x, a.MaskedFill(x["memory"], x["mask_flatten"], 0))),
        },
        new()
        {
            Name = "memory zeroed where it is usable",
            Explanation = "The usable tokens are zeroed before enc_output and the unusable ones kept.",
            Fix = "Negate the mask, zero what is padding or invalid.",
            References = ["A7", "F7"],
            Kinds = [StepKinds.OutputMemory],
            Evaluate = (a, x) => Normed(
                a, x, Projected(a, x, a.MaskedFill(x["memory"], ByHand.Opposite(a, Unusable(a, x)), 0))),
        },
        new()
        {
            Name = "encoder output without norm",
            Explanation = "The norm after enc_output is missing.",
            Fix = "Apply enc_output_norm.",
            References = ["F7"],
            Kinds = [StepKinds.OutputMemory],
            Evaluate = (a, x) => Projected(a, x, a.MaskedFill(x["memory"], Unusable(a, x), 0)),
        },
        new()
        {
            Name = "encoder output without projection",
            Explanation = "The projection enc_output is missing, only its norm is applied.",
            Fix = "Apply enc_output before enc_output_norm.",
            References = ["F7"],
            Kinds = [StepKinds.OutputMemory],
            Evaluate = (a, x) => Normed(a, x, a.MaskedFill(x["memory"], Unusable(a, x), 0)),
        },
        new()
        {
            Name = "proposals not added to the box head",
            Explanation = "The box head's output is taken without adding the proposals.",
            Fix = "Add output_proposals to the box head's output.",
            References = ["F3", "F10"],
            Kinds = [StepKinds.ProposalBoxes],
            Evaluate = (_, x) => x["delta"],
        },
        new()
        {
            Name = "box head not added to the proposals",
            Explanation = "The proposals are taken without the box head's output.",
            Fix = "Add the box head's output to output_proposals.",
            References = ["F10"],
            Kinds = [StepKinds.ProposalBoxes],
            Evaluate = (_, x) => x["proposals"],
        },
        new()
        {
            Name = "encoder's boxes after the sigmoid",
            Explanation = "The encoder's boxes have gone through the sigmoid already.",
            Fix = "Keep logits, the sigmoid comes where boxes are read.",
            References = ["F10"],
            Kinds = [StepKinds.ProposalBoxes],
            Evaluate = (a, x) => a.Sigmoid(Right(a, x)),
        },
        new()
        {
            Name = "proposals' sigmoid added to the box head",
            Explanation = "The proposals' sigmoid is added to the box head's output instead of their logits.",
            Fix = "Add logits to logits.",
            References = ["F10"],
            Kinds = [StepKinds.ProposalBoxes],
            Evaluate = (a, x) => a.Add(x["delta"], a.Sigmoid(x["proposals"])),
        },
        new()
        {
            Name = "top-k by the best class",
            Explanation = "The proposals are ranked by the maximum over all classes.",
            Fix = "Rank by class 0 alone.",
            References =
            [
                "F1", "fundamentalvision/Deformable-DETR#79", "fundamentalvision/Deformable-DETR#134",
                "fundamentalvision/Deformable-DETR#198", "fundamentalvision/Deformable-DETR#148", "open-mmlab/mmdetection#7682",
                "open-mmlab/mmdetection#7690", "HDETR/H-Deformable-DETR#5", "IDEA-Research/DINO#245", "IDEA-Research/detrex#337",
            ],
            Kinds = [StepKinds.TopKProposals],
            Applies = x => Classes(x) > 1,
            Scores = (a, x) => Scored(a, x, row => row.Aggregate(Noisy.Max)),
        },
        new()
        {
            Name = "top-k by the last class",
            Explanation = "The proposals are ranked by the last class.",
            Fix = "Rank by class 0.",
            References = ["F1"],
            Kinds = [StepKinds.TopKProposals],
            Applies = x => Classes(x) > 1,
            Scores = (a, x) => Scored(a, x, row => row[^1]),
        },
        new()
        {
            Name = "top-k by class 1",
            Explanation = "The proposals are ranked by class 1.",
            Fix = "Rank by class 0, the first channel.",
            References = ["F1"],
            Kinds = [StepKinds.TopKProposals],
            Applies = x => Classes(x) > 2,
            Scores = (a, x) => Scored(a, x, row => row[1]),
        },
        new()
        {
            Name = "top-k by the sum of the classes",
            Explanation = "The proposals are ranked by the sum of the probabilities of all classes.",
            Fix = "Rank by class 0 alone.",
            References = ["F1"],
            Kinds = [StepKinds.TopKProposals],
            Applies = x => Classes(x) > 1,
            Scores = (a, x) => Scored(a, x, row => row.Select(Noisy.Sigmoid).Aggregate((sum, p) => sum + p)),
        },
        new()
        {
            Name = "top-k by the softmax of class 0",
            Explanation = "The proposals are ranked by class 0's softmax over the classes.",
            Fix = "Rank by class 0's logit.",
            References = ["F1", "G2"],
            Kinds = [StepKinds.TopKProposals],
            Applies = x => Classes(x) > 1,
            Scores = (a, x) => StepKinds.ProposalScores(a, a.Softmax(x["enc_outputs_class"])),
        },
        new()
        {
            Name = "top-k of the smallest",
            Explanation = "The proposals with the smallest scores are chosen.",
            Fix = "Choose the largest scores.",
            References = ["F1"],
            Kinds = [StepKinds.TopKProposals],
            Scores = (a, x) => Scored(a, x, row => -row[0]),
        },
        new()
        {
            Name = "top-k in the order of tokens",
            Explanation = "The right proposals are chosen but stand in the order of their tokens.",
            Fix = "Keep the chosen proposals sorted by score.",
            References = ["F8", "roboflow/rf-detr#1353", "roboflow/inference#2685", "ultralytics/ultralytics#25755"],
            Kinds = [StepKinds.TopKProposals],
            Applies = x => x.Options.Queries > 1,
            Evaluate = (a, x) => a.Given(Sorted(Right(a, x).Whole)),
            Distance = (a, x, port) => port.AsReadOnlySpan().SequenceEqual(Sorted(port).AsReadOnlySpan())
                ? RankingCheck.Distance(port, StepKinds.ProposalScores(a, x["enc_outputs_class"])).Set
                : double.PositiveInfinity,
        },
        new()
        {
            Name = "box head left out of the chosen proposals",
            Explanation = "The chosen boxes are gathered from output_proposals, without the box head's output.",
            Fix = "Gather from enc_outputs_coord_unact.",
            References = ["F10"],
            Kinds = [StepKinds.TopKCoords],
            Applies = x => x.Has("proposals"),
            Evaluate = (a, x) => a.Gather(x["proposals"], x["index"]),
        },
        new()
        {
            Name = "chosen proposals after the sigmoid",
            Explanation = "The chosen boxes have gone through the sigmoid already.",
            Fix = "Keep logits, the position encoding and the references apply the sigmoid themselves.",
            References = ["F10"],
            Kinds = [StepKinds.TopKCoords],
            Evaluate = (a, x) => a.Sigmoid(Right(a, x)),
        },
        new()
        {
            Name = "first tokens instead of the chosen ones",
            Explanation = "The first tokens' boxes are taken instead of the chosen ones.",
            Fix = "Gather by topk_proposals.",
            References = ["F8"],
            Kinds = [StepKinds.TopKCoords],
            Evaluate = (a, x) => a.Pick(x["coords"], 1, ByHand.Range(0, x["index"].Shape[1])),
        },
        new()
        {
            Name = "chosen proposals shifted by one token",
            Explanation = "The boxes are gathered one token after the chosen one.",
            Fix = "Count tokens from 0.",
            References = ["F8"],
            Kinds = [StepKinds.TopKCoords],
            Evaluate = (a, x) => Regathered(a, x, (index, tokens) => Math.Min(index + 1, tokens - 1)),
        },
        new()
        {
            Name = "chosen proposals of the first picture",
            Explanation = "All pictures' boxes are gathered from the first picture.",
            Fix = "Gather from each picture's own boxes.",
            References = ["H1", "A13"],
            Kinds = [StepKinds.TopKCoords],
            Applies = x => x["index"].Shape[0] > 1,
            Evaluate = (a, x) => a.Gather(a.Expand(a.Pick(x["coords"], 0, 0), x["coords"].Shape), x["index"]),
        },
        new()
        {
            Name = "chosen proposals as (y, x, h, w)",
            Explanation = "The chosen boxes are stored as (y, x, h, w).",
            Fix = "Store (x, y, w, h).",
            References = ["F11"],
            Kinds = [StepKinds.TopKCoords],
            Evaluate = (a, x) => a.Pick(Right(a, x), 2, 1, 0, 3, 2),
        },
        new()
        {
            Name = "proposal encoding without sigmoid",
            Explanation = "The logits of the chosen boxes are encoded without a sigmoid.",
            Fix = "Apply the sigmoid before the encoding.",
            References = ["F10"],
            Kinds = [StepKinds.ProposalPosition],
            Evaluate = (a, x) => Encoded(a, x, coordinate => coordinate * (2 * Math.PI)),
        },
        new()
        {
            Name = "proposal encoding with two sigmoids",
            Explanation = "The chosen boxes go through the sigmoid twice before they are encoded.",
            Fix = "Apply the sigmoid once.",
            References = ["F10"],
            Kinds = [StepKinds.ProposalPosition],
            Evaluate = (a, x) => a.ProposalPosition(a.Sigmoid(x["coords"])),
        },
        new()
        {
            Name = "proposal encoding as (y, x, w, h)",
            Explanation = "The encoding of y stands before that of x.",
            Fix = "Encode in the order x, y, w, h.",
            References = ["F11", "HXMap/MapQR#17"],
            Kinds = [StepKinds.ProposalPosition],
            Evaluate = (a, x) => a.ProposalPosition(a.Pick(x["coords"], 2, 1, 0, 2, 3)),
        },
        new()
        {
            Name = "proposal encoding as (y, x, h, w)",
            Explanation = "The encodings of y and h stand before those of x and w.",
            Fix = "Encode in the order x, y, w, h.",
            References = ["F11"],
            Kinds = [StepKinds.ProposalPosition],
            Evaluate = (a, x) => a.ProposalPosition(a.Pick(x["coords"], 2, 1, 0, 3, 2)),
        },
        new()
        {
            Name = "proposal encoding without 2 pi",
            Explanation = "The chosen boxes are encoded from [0, 1] and not from [0, 2 pi].",
            Fix = "Multiply the boxes by 2 pi.",
            References = ["F10", "C1"],
            Kinds = [StepKinds.ProposalPosition],
            Evaluate = (a, x) => Encoded(a, x, Noisy.Sigmoid),
        },
        new()
        {
            Name = "proposal encoding with temperature 20",
            Explanation = "The proposal encoding has the temperature 20 instead of 10000.",
            Fix = "Set the temperature to 10000.",
            References = ["C3"],
            Kinds = [StepKinds.ProposalPosition],
            Evaluate = (a, x) => Encoded(a, x, Angle, temperature: 20),
        },
        new()
        {
            Name = "proposal encoding with sines before cosines",
            Explanation = "The sines of each coordinate stand in one block and the cosines in another, not interleaved.",
            Fix = "Interleave, sine on even features and cosine on odd ones.",
            References = ["C5"],
            Kinds = [StepKinds.ProposalPosition],
            Evaluate = (a, x) => a.Pick(Right(a, x), 2, ByHand.Blocks(4, ProposalPositionEncoding.FeaturesPerCoordinate)),
        },
        new()
        {
            Name = "proposal encoding with cosines on even features",
            Explanation = "Even features hold cosines and odd ones sines.",
            Fix = "Put sines on even features and cosines on odd ones.",
            References = ["C5"],
            Kinds = [StepKinds.ProposalPosition],
            Evaluate = (a, x) => a.Pick(Right(a, x), 2, ByHand.Neighbours(4 * ProposalPositionEncoding.FeaturesPerCoordinate)),
        },
        new()
        {
            Name = "proposal encoding by float division",
            Explanation = "The frequency of feature i uses i / 2 as a fraction instead of a whole number.",
            Fix = "Divide i by 2 and round down, so that sine and cosine share a frequency.",
            References = ["C6", "open-mmlab/mmdeploy#2807"],
            Kinds = [StepKinds.ProposalPosition],
            Evaluate = (a, x) => Encoded(a, x, Angle, exponent: (feature, features) => (double)feature / features),
        },
        new()
        {
            Name = "queries of the first stage without norm",
            Explanation = "The norm after pos_trans is missing.",
            Fix = "Apply pos_trans_norm.",
            References = ["F12"],
            Kinds = [StepKinds.PosTrans],
            Evaluate = (a, x) => a.Linear(x["x"], x.Weight("weight"), x.Weight("bias")),
        },
        new()
        {
            Name = "queries of the first stage without projection",
            Explanation = "The projection pos_trans is missing, only its norm is applied.",
            Fix = "Apply pos_trans before pos_trans_norm.",
            References = ["F12"],
            Kinds = [StepKinds.PosTrans],
            Applies = x => x["x"].Shape[2] == x.Weight("weight").Shape[0],
            Evaluate = (a, x) => a.LayerNorm(x["x"], x.Weight("norm.weight"), x.Weight("norm.bias")),
        },
        new()
        {
            Name = "halves of pos_trans exchanged in place",
            Explanation = "The two halves of pos_trans_norm's output stand in the other order.",
            Fix = "Keep the positional half first and the content half second.",
            References = ["F12"],
            Kinds = [StepKinds.PosTrans],
            Evaluate = (a, x) =>
            {
                Quantity right = Right(a, x);
                int half = right.Shape[2] / 2;
                return a.Pick(right, 2, [.. ByHand.Range(half, half), .. ByHand.Range(0, half)]);
            },
        },
        new()
        {
            Name = "halves normalised apart",
            Explanation = "The two halves of pos_trans's output are normalised separately.",
            Fix = "Normalise all 2 C channels together.",
            References = ["F12"],
            Kinds = [StepKinds.PosTrans],
            Evaluate = (a, x) =>
            {
                Quantity projected = a.Linear(x["x"], x.Weight("weight"), x.Weight("bias"));
                int half = projected.Shape[2] / 2;
                return a.Concat([Half(0), Half(1)], 2);

                Quantity Half(int part)
                {
                    int[] channels = ByHand.Range(part * half, half);
                    return a.LayerNorm(
                        a.Pick(projected, 2, channels), a.Pick(x.Weight("norm.weight"), 0, channels),
                        a.Pick(x.Weight("norm.bias"), 0, channels));
                }
            },
        },
    ];

    private static Quantity Right(Algebra a, StepInputs x) => x.Step.Kind.Evaluate(a, x);

    private static int Levels(StepInputs x) => x["spatial_shapes"].Shape[0];

    private static int Classes(StepInputs x) => x["enc_outputs_class"].Shape[2];

    private static Noisy Angle(Noisy logit) => Noisy.Sigmoid(logit) * (2 * Math.PI);

    // How proposals are made; as it is right where nothing is said.
    private sealed record Form
    {
        public double Offset { get; init; } = 0.5;

        public Func<int, int, int, int, (Noisy Width, Noisy Height)> Size { get; init; } =
            (_, _, validWidth, validHeight) => (validWidth, validHeight);

        public Func<int, int, Noisy> Side { get; init; } = (level, _) => 0.05 * (1 << level);

        public double Limit { get; init; } = 0.01;

        public bool TestsLogits { get; init; }

        public bool Transposes { get; init; }

        public bool KeepsUnusable { get; init; }

        public double Unusable { get; init; } = double.PositiveInfinity;
    }

    private static Quantity Proposed(Algebra a, StepInputs x, Form form)
    {
        Tensor<bool> mask = x["mask_flatten"].Mask;
        LevelLayout levels = StepKinds.Layout(x["spatial_shapes"].Whole);
        int tokens = mask.Shape[1];
        Noisy[] logits = new Noisy[mask.Length * 4];
        Noisy[] box = new Noisy[4];
        for (int n = 0; n < mask.Shape[0]; n++)
        {
            for (int level = 0; level < levels.Count; level++)
            {
                (int width, int height, int start) = (levels.Width(level), levels.Height(level), levels.Start(level));
                int validWidth = Enumerable.Range(0, width).Count(column => !mask[n, start + column]);
                int validHeight = Enumerable.Range(0, height).Count(row => !mask[n, start + (row * width)]);
                (Noisy across, Noisy down) = form.Size(width, height, validWidth, validHeight);
                for (int cell = 0; cell < width * height; cell++)
                {
                    Noisy column = form.Transposes ? cell / height : cell % width;
                    Noisy row = form.Transposes ? cell % height : cell / width;
                    box[0] = (column + form.Offset) / across;
                    box[1] = (row + form.Offset) / down;
                    box[2] = box[3] = form.Side(level, levels.Count);
                    bool drops = mask[n, start + cell];
                    Span<Noisy> made = logits.AsSpan(((n * tokens) + start + cell) * 4, 4);
                    for (int side = 0; side < 4; side++)
                    {
                        made[side] = Noisy.Logit(box[side]);
                        double tested = form.TestsLogits ? made[side].Value : box[side].Value;
                        drops |= !(tested > form.Limit && tested < 1 - form.Limit);
                    }

                    if (drops && !form.KeepsUnusable)
                    {
                        made.Fill(form.Unusable);
                    }
                }
            }
        }

        return ByHand.Made(a, [mask.Shape[0], tokens, 4], i => logits[i]);
    }

    private static Quantity Unusable(Algebra a, StepInputs x) => a.Given(EncoderProposals<double>.Propose(
        a.Context, x["mask_flatten"].Mask, StepKinds.Layout(x["spatial_shapes"].Whole)).Unusable);

    private static Quantity Projected(Algebra a, StepInputs x, Quantity memory) =>
        a.Linear(memory, x.Weight("enc_output.weight"), x.Weight("enc_output.bias"));

    private static Quantity Normed(Algebra a, StepInputs x, Quantity memory) =>
        a.LayerNorm(memory, x.Weight("enc_output_norm.weight"), x.Weight("enc_output_norm.bias"));

    // [N, S], from the logits of each token's classes.
    private static Quantity Scored(Algebra a, StepInputs x, Func<Noisy[], Noisy> score)
    {
        Func<int, Noisy> logits = ByHand.Numbers(a, x["enc_outputs_class"]);
        TensorShape s = x["enc_outputs_class"].Shape;
        return ByHand.Made(
            a, [s[0], s[1]], token => score([.. Enumerable.Range(token * s[2], s[2]).Select(logits)]));
    }

    private static Tensor<long> Sorted(Tensor<long> indices)
    {
        Tensor<long> sorted = indices.Clone();
        int width = indices.Shape[1];
        for (int n = 0; n < indices.Shape[0]; n++)
        {
            sorted.AsSpan().Slice(n * width, width).Sort();
        }

        return sorted;
    }

    private static Quantity Regathered(Algebra a, StepInputs x, Func<long, int, long> other)
    {
        Tensor<long> index = x["index"].Whole.Clone();
        int tokens = x["coords"].Shape[1];
        foreach (ref long token in index.AsSpan())
        {
            token = other(token, tokens);
        }

        return a.Gather(x["coords"], a.Given(index));
    }

    private static Quantity Encoded(
        Algebra a, StepInputs x, Func<Noisy, Noisy> angle, double temperature = 10000, Func<int, int, double>? exponent = null)
    {
        const int Features = ProposalPositionEncoding.FeaturesPerCoordinate;
        Func<int, Noisy> coords = ByHand.Numbers(a, x["coords"]);
        TensorShape s = x["coords"].Shape;
        Noisy[] dimT = [.. Enumerable.Range(0, Features).Select(feature =>
            Noisy.Power(temperature, exponent?.Invoke(feature, Features) ?? (2.0 * (feature / 2) / Features)))];
        return ByHand.Made(a, [s[0], s[1], s[2] * Features], i =>
        {
            Noisy argument = angle(coords(i / Features)) / dimT[i % Features];
            return i % Features % 2 == 0 ? Noisy.Sin(argument) : Noisy.Cos(argument);
        });
    }
}
